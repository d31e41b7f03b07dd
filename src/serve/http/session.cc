#include "serve/http/session.h"

#include <boost/asio/post.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

#include "serve/http/allowed_host.h"
#include "serve/http/exchange_state.h"
#include "serve/http/run_handler.h"
#include "serve/http/url.h"

namespace onmal {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr size_t kSmallRead = size_t{4} << 10;
constexpr size_t kLargeRead = size_t{64} << 10;
constexpr size_t kMostPipelined = size_t{64} << 10;  // bytes of requests behind the one answered
constexpr double kLingerSeconds = 2;

HttpError parse_error(const boost::system::error_code& error) {
  if (error == http::error::header_limit)
    return {431, "The request's head is too large.", "head_too_large"};
  if (error == http::error::body_limit)
    return {413, "The request's body is too large.", "body_too_large"};
  return {400, "The request is not HTTP/1.1: " + error.message() + ".", "bad_request"};
}

}  // namespace

Session::Session(std::shared_ptr<ServerCore> core, std::unique_ptr<Transport> transport,
                 std::string address)
    : core_(std::move(core)),
      transport_(std::move(transport)),
      address_(std::move(address)),
      clock_(transport_->executor()) {
  ++core_->connections;
}

Session::~Session() {
  if (counted_) --core_->connections;
  const std::lock_guard lock(core_->sessions_mutex);
  core_->sessions.erase(this);
}

void Session::start_from_anywhere() {
  asio::post(transport_->executor(), [self = shared_from_this()] {
    self->set_deadline(self->core_->options.head_seconds);
    self->transport_->handshake([self](bool good) {
      if (self->phase_ != Phase::kHandshake) return;
      if (!good) return self->close();
      self->begin_request();
    });
  });
}

void Session::wind_down_from_anywhere() {
  asio::post(transport_->executor(), [self = shared_from_this()] {
    if (self->phase_ == Phase::kHead && !self->head_begun_) self->close();
  });
}

void Session::cancel_from_anywhere() {
  asio::post(transport_->executor(), [self = shared_from_this()] {
    if (self->state_ != nullptr) self->state_->stop.request_stop();
  });
}

void Session::close_from_anywhere() {
  asio::post(transport_->executor(), [self = shared_from_this()] { self->close(); });
}

void Session::flush_from_anywhere() {
  asio::post(transport_->executor(), [self = shared_from_this()] { self->flush(); });
}

void Session::begin_request() {
  phase_ = Phase::kHead;
  head_begun_ = false;
  parser_.emplace();
  parser_->eager(false);
  parser_->header_limit(static_cast<uint32_t>(core_->options.most_head_bytes));
  parser_->body_limit(core_->largest_body);
  request_ = {};
  number_ = 0;
  method_.clear();
  client_ = {address_, address_, Role::kAnyone};
  route_ = nullptr;
  bytes_in_ = 0;
  set_deadline(core_->options.idle_seconds);
  feed();
}

void Session::read_more() {
  if (reading_ || phase_ == Phase::kClosed) return;
  reading_ = true;
  chunk_.resize(phase_ == Phase::kBody ? kLargeRead : kSmallRead);
  if (phase_ == Phase::kAnswer) chunk_.shrink_to_fit();
  transport_->read_some(
      chunk_.data(), chunk_.size(),
      [self = shared_from_this()](bool good, size_t bytes) { self->on_read(good, bytes); });
}

void Session::on_read(bool good, size_t bytes) {
  reading_ = false;
  if (phase_ == Phase::kClosed) return;
  if (!good) return close();
  if (phase_ == Phase::kLinger) return read_more();
  input_.append(chunk_, 0, bytes);
  if (phase_ != Phase::kAnswer) return feed();
  if (input_.size() < kMostPipelined) read_more();
}

// Gives the parser what was read until it has a whole request or wants more.
void Session::feed() {
  while (phase_ == Phase::kHead || phase_ == Phase::kBody) {
    if (input_.empty()) return read_more();
    if (!head_begun_) {
      head_begun_ = true;
      timer_.restart();
      set_deadline(core_->options.head_seconds);
    }
    boost::system::error_code error;
    const size_t used = parser_->put(asio::buffer(input_), error);
    input_.erase(0, used);
    bytes_in_ += used;
    if (error == http::error::need_more) return read_more();
    if (error) return refuse(parse_error(error));
    if (phase_ == Phase::kHead && parser_->is_header_done()) on_head();
    if (phase_ == Phase::kBody && parser_->is_done()) return on_message();
  }
}

void Session::make_state() {
  state_ = std::make_shared<ExchangeState>();
  std::string& headers = state_->common_headers;
  headers = "Server: onmal\r\nX-Content-Type-Options: nosniff\r\nX-Request-Id: req-" +
            std::to_string(request_.number) + "\r\n";
  const std::string_view origin = request_.header("Origin");
  for (const std::string& allowed : core_->options.cors_origins) {
    if (origin.empty() || (allowed != "*" && !equal_ignoring_case(allowed, origin))) continue;
    headers += "Access-Control-Allow-Origin: " + (allowed == "*" ? allowed : std::string(origin)) +
               "\r\nVary: Origin\r\nAccess-Control-Expose-Headers: X-Request-Id, Retry-After\r\n";
    break;
  }
}

void Session::parse_head() {
  const auto& message = parser_->get();
  request_.number = ++core_->requests;
  request_.method = std::string(message.method_string());
  number_ = request_.number;
  method_ = request_.method;
  for (const auto& field : message) {
    const auto name = field.name_string();
    request_.headers.push_back({std::string(name), std::string(field.value())});
  }
  request_.client.address = request_.client.name = address_;
  make_state();
  state_->chunked = message.version() >= 11;
  state_->head_only = request_.method == "HEAD";
  keep_alive_ = parser_->keep_alive() && !core_->stopping;
  const auto target = parse_target({message.target().data(), message.target().size()});
  if (!target) {
    keep_alive_ = false;
    throw HttpError(400, "The request's address is malformed.", "bad_target");
  }
  request_.path = target->path;
  request_.query = target->query;
}

void Session::on_head() {
  try {
    parse_head();
    check_host();
    if (answer_preflight()) return;
    check_request();
  } catch (const HttpError& error) {
    client_ = request_.client;
    return refuse(error);
  }
  client_ = request_.client;
  phase_ = Phase::kBody;
  set_deadline(core_->options.body_seconds);
  if (!parser_->is_done() && equal_ignoring_case(request_.header("Expect"), "100-continue")) {
    {
      const std::lock_guard lock(state_->mutex);
      state_->pending += "HTTP/1.1 100 Continue\r\n\r\n";
    }
    flush();
  }
}

void Session::check_request() {
  find_route();
  check_origin();
  authenticate();
  limit();
  check_content_type();
  const uint64_t most =
      route_->body_limit > 0 ? route_->body_limit : core_->options.most_body_bytes;
  const auto length = parser_->content_length();
  if (length && *length > most) {
    throw HttpError(413,
                    "The request's body has " + std::to_string(*length) + " bytes, at most " +
                        std::to_string(most) + " are taken.",
                    "body_too_large");
  }
  if (!parser_->is_done()) parser_->body_limit(most);
}

void Session::check_host() const {
  const auto hosts = parser_->get().count(http::field::host);
  if (hosts == 0 && !state_->chunked) return;  // HTTP/1.0 knows none
  if (hosts != 1) throw HttpError(400, "The request must name its host once.", "bad_request");
  if (is_allowed_host(request_.header("Host"), core_->options.host, core_->options.allowed_hosts))
    return;
  throw HttpError(403, "This server does not answer to that host name; --allow-host adds it.",
                  "host_not_allowed");
}

void Session::check_content_type() const {
  if (!route_->json_body) return;
  std::string_view type = request_.header("Content-Type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  if (equal_ignoring_case(type, "application/json")) return;
  throw HttpError(415, "The body must be JSON: send it as 'Content-Type: application/json'.",
                  "unsupported_media_type");
}

void Session::find_route() {
  RouteMatch match = core_->parts.router->find(request_.method, request_.path);
  if (match.route == nullptr && match.allowed.empty())
    throw HttpError(404, "There is nothing at this address.", "not_found");
  if (match.route == nullptr) {
    state_->common_headers += "Allow: " + match.allowed + "\r\n";
    throw HttpError(405, "This address takes " + match.allowed + ".", "method_not_allowed");
  }
  route_ = match.route;
  request_.parts = std::move(match.parts);
}

// What another site's page sends without being asked (a form) ends here.
void Session::check_origin() const {
  if (request_.method == "GET" || request_.method == "HEAD") return;
  const std::string_view origin = request_.header("Origin");
  if (origin.empty() || is_origin_of(origin, request_.header("Host"))) return;
  for (const std::string& allowed : core_->options.cors_origins) {
    if (allowed == "*" || equal_ignoring_case(allowed, origin)) return;
  }
  throw HttpError(403, "Pages of other sites may not call this server.", "origin_not_allowed");
}

void Session::authenticate() {
  const ApiKeys* keys = core_->parts.keys;
  if (keys == nullptr || keys->empty()) {
    request_.client.role = Role::kAdmin;
    return;
  }
  constexpr std::string_view kBearer = "Bearer ";
  const std::string_view given = request_.header("Authorization");
  if (given.size() > kBearer.size() &&
      equal_ignoring_case(given.substr(0, kBearer.size()), kBearer)) {
    if (const auto holder = keys->find(given.substr(kBearer.size()))) {
      request_.client.name = holder->name;
      request_.client.role = holder->role;
    }
  }
  if (request_.client.role >= route_->least_role) return;
  if (request_.client.role == Role::kAnyone) {
    if (!given.empty()) count_wrong_key();
    throw HttpError(401,
                    given.empty() ? "An API key is needed: send it as 'Authorization: Bearer KEY'."
                                  : "The API key is wrong.",
                    "invalid_api_key");
  }
  throw HttpError(403, "This needs an administrator's key.", "not_allowed");
}

// Keys that are right are let in all the same: they cannot be guessed, and others may share the
// address (a proxy's). What is limited is the work and the noise.
void Session::count_wrong_key() {
  int seconds = 1;
  if (core_->wrong_keys->admit(address_, seconds, Clock::now()) != nullptr) return;
  HttpError error(429, "Too many wrong API keys from this address; try again later.",
                  "too_many_wrong_keys");
  error.retry_after = seconds;
  throw error;
}

void Session::limit() {
  if (core_->parts.limiter == nullptr || route_->least_role == Role::kAnyone) return;
  int seconds = 1;
  admission_ = core_->parts.limiter->admit(request_.client.name, seconds, Clock::now());
  if (admission_ != nullptr) return;
  HttpError error(429, "Too many requests; try again later.", "rate_limit_exceeded");
  error.retry_after = seconds;
  throw error;
}

bool Session::answer_preflight() {
  if (request_.method != "OPTIONS") return false;
  ServerResponse response;
  response.status = 204;
  response.content_type = "";
  const RouteMatch match = core_->parts.router->find("OPTIONS", request_.path);
  if (match.allowed.empty()) throw HttpError(404, "There is nothing at this address.", "not_found");
  response.headers = {{"Allow", match.allowed + ", OPTIONS"},
                      {"Access-Control-Allow-Methods", match.allowed},
                      {"Access-Control-Allow-Headers", "Authorization, Content-Type"},
                      {"Access-Control-Max-Age", "600"}};
  if (!parser_->is_done()) state_->close_after = true;
  phase_ = Phase::kAnswer;
  set_deadline(core_->options.write_seconds);
  make_exchange(shared_from_this(), state_, request_)->respond(std::move(response));
  return true;
}

void Session::on_message() {
  request_.body = std::move(parser_->get().body());
  parser_.reset();
  dispatch();
}

void Session::dispatch() {
  phase_ = Phase::kAnswer;
  deadline_ = Clock::time_point::max();
  input_.shrink_to_fit();
  if (input_.size() < kMostPipelined) read_more();
  auto exchange = make_exchange(shared_from_this(), state_, std::move(request_));
  request_ = {};
  if (route_->quick) return run_handler(*route_, exchange, core_->parts);
  const bool taken = core_->workers->post(
      [core = core_, route = route_, exchange] { run_handler(*route, exchange, core->parts); });
  if (taken) return;
  HttpError error(503, "The server is busy; try again later.", "busy");
  error.retry_after = 1;
  exchange->fail(error);
}

// Answers before the request was read to its end: the connection cannot go on then.
void Session::refuse(const HttpError& error) {
  if (state_ == nullptr) make_state();
  const bool whole = parser_.has_value() && parser_->is_done();
  {
    const std::lock_guard lock(state_->mutex);
    if (!whole) state_->close_after = true;
  }
  phase_ = Phase::kAnswer;
  set_deadline(core_->options.write_seconds);
  make_exchange(shared_from_this(), state_, request_)->respond(error_response(error));
}

void Session::flush() {
  if (state_ == nullptr || phase_ == Phase::kClosed) return;
  bool ended = false;
  bool broken = false;
  {
    const std::lock_guard lock(state_->mutex);
    state_->flush_asked = false;
    ended = state_->ended;
    broken = state_->broken;
    if (!writes_ && !broken) {
      writing_.clear();
      writing_.swap(state_->pending);
      state_->in_flight = writing_.size();
    }
  }
  if (broken) return close();
  if (writes_) return;
  if (writing_.empty()) {
    if (ended) finish_request();
    return;
  }
  writes_ = true;
  if (phase_ == Phase::kAnswer) set_deadline(core_->options.write_seconds);
  transport_->write(writing_, [self = shared_from_this()](bool good, size_t bytes) {
    self->on_written(good, bytes);
  });
}

void Session::on_written(bool good, size_t bytes) {
  writes_ = false;
  if (phase_ == Phase::kClosed) return;
  if (!good || state_ == nullptr) return close();
  bool events = false;
  {
    const std::lock_guard lock(state_->mutex);
    state_->bytes_out += bytes;
    state_->in_flight = 0;
    events = state_->events;
  }
  state_->room.notify_all();
  if (writing_.capacity() > kMostPipelined) std::string().swap(writing_);
  if (phase_ == Phase::kAnswer) {
    deadline_ = Clock::time_point::max();
    if (events) set_deadline(core_->options.heartbeat_seconds);
  }
  flush();
}

void Session::finish_request() {
  record(false);
  const bool goes_on = keep_alive_ && !state_->close_after && !core_->stopping;
  state_.reset();
  admission_.reset();
  if (goes_on) return begin_request();
  linger();
}

void Session::record(bool broken) {
  if (state_ == nullptr) return;
  RequestRecord record;
  {
    const std::lock_guard lock(state_->mutex);
    record.status = state_->status;
    record.bytes_out = state_->bytes_out;
    record.notes = state_->notes;
  }
  record.number = number_;
  record.client = client_;
  record.method = method_;
  record.route = route_ != nullptr ? route_->pattern : "";
  record.broken = broken;
  record.bytes_in = bytes_in_;
  record.seconds = timer_.seconds();
  if (core_->parts.audit != nullptr) core_->parts.audit->write(record);
  if (core_->parts.metrics == nullptr) return;
  const std::string labels = "route=\"" + record.route + "\",status=\"" +
                             (broken ? "broken" : std::to_string(record.status)) + "\"";
  core_->parts.metrics->add("onmal_http_requests_total", "Requests that ended", labels, 1);
  core_->parts.metrics->observe("onmal_http_request_seconds", "From first byte to last",
                                "route=\"" + record.route + "\"", record.seconds);
}

// What the client still sends is read and thrown away for a moment: closing at once would make its
// system throw our answer away.
void Session::linger() {
  phase_ = Phase::kLinger;
  parser_.reset();
  input_.clear();
  transport_->shutdown_send();
  set_deadline(kLingerSeconds);
  read_more();
}

void Session::close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  clock_.cancel();
  transport_->close();
  if (state_ != nullptr) {
    record(true);
    state_->abandon();
    state_.reset();
  }
  admission_.reset();
  counted_ = false;
  --core_->connections;
}

void Session::set_deadline(double seconds) {
  deadline_ = Clock::now() +
              std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  watch_clock();
}

void Session::watch_clock() {
  clock_.expires_at(deadline_);
  clock_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || self == nullptr || self->phase_ == Phase::kClosed) return;
    if (self->deadline_ <= Clock::now()) {
      self->deadline_ = Clock::time_point::max();
      self->on_deadline();
    }
  });
}

void Session::on_deadline() {
  switch (phase_) {
    case Phase::kHead:
    case Phase::kBody:
      if (!head_begun_) return close();
      return refuse(HttpError(408, "The request did not come in time.", "timeout"));
    case Phase::kAnswer:
      return writes_ ? close() : heartbeat();
    default:
      return close();
  }
}

void Session::heartbeat() {
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->events || state_->ended) return;
    state_->pending += state_->chunked ? "3\r\n:\n\n\r\n" : ":\n\n";
  }
  flush();
}

}  // namespace onmal
