#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/timer.h"
#include "serve/http/message.h"
#include "serve/http/server.h"
#include "serve/http/transport.h"
#include "serve/http/workers.h"

namespace onmal {

struct ExchangeState;
class Session;

// What all connections of a server share.
struct ServerCore {
  boost::asio::io_context io;  // first: outlives every connection
  HttpServerOptions options;
  HttpServerParts parts;
  std::unique_ptr<Workers> workers;
  std::unique_ptr<RateLimiter> wrong_keys;  // by address
  std::atomic<uint64_t> requests{0};
  std::atomic<size_t> connections{0};
  std::atomic<bool> stopping{false};
  uint64_t largest_body = 0;  // of any route
  std::mutex sessions_mutex;
  std::unordered_map<Session*, std::weak_ptr<Session>> sessions;
};

// One connection: reads requests one after the other, hands each to its handler, and writes what
// comes back, while it keeps an eye on the client. Lives in its transport's executor; functions
// named `…_from_anywhere` may be called on any thread.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<ServerCore> core, std::unique_ptr<Transport> transport,
          std::string address);
  ~Session();

  void start_from_anywhere();
  // Ends an idle connection; another one after its answer.
  void wind_down_from_anywhere();
  // Asks the open request to stop.
  void cancel_from_anywhere();
  void close_from_anywhere();
  void flush_from_anywhere();
  const HttpServerOptions& options() const { return core_->options; }

 private:
  enum class Phase : uint8_t { kHandshake, kHead, kBody, kAnswer, kLinger, kClosed };
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Clock = std::chrono::steady_clock;

  void begin_request();
  void read_more();
  void on_read(bool good, size_t bytes);
  void feed();
  void on_head();
  void on_message();
  void parse_head();
  void make_state();
  // Throws HttpError for a request that is not to be answered by its route.
  void check_request();
  void check_host() const;
  void find_route();
  void check_origin() const;
  void check_content_type() const;
  void authenticate();
  void count_wrong_key();
  void limit();
  bool answer_preflight();
  void dispatch();
  void refuse(const HttpError& error);
  void flush();
  void on_written(bool good, size_t bytes);
  void finish_request();
  void record(bool broken);
  void linger();
  void close();
  void set_deadline(double seconds);
  void watch_clock();
  void heartbeat();
  void on_deadline();

  std::shared_ptr<ServerCore> core_;
  std::unique_ptr<Transport> transport_;
  std::string address_;
  Phase phase_ = Phase::kHandshake;
  std::string input_;  // read and not yet parsed
  std::string chunk_;  // where the read under way writes
  bool reading_ = false;
  bool counted_ = true;  // among the server's connections
  bool head_begun_ = false;
  bool keep_alive_ = false;
  std::optional<Parser> parser_;
  ServerRequest request_;
  uint64_t number_ = 0;  // of the request that is answered, for the record
  std::string method_;
  Caller client_;
  const Route* route_ = nullptr;
  RateLimiter::Admission admission_;
  std::shared_ptr<ExchangeState> state_;  // of the request being answered
  std::string writing_;
  bool writes_ = false;
  Timer timer_;  // since the request's first byte
  uint64_t bytes_in_ = 0;
  boost::asio::steady_timer clock_;
  Clock::time_point deadline_ = Clock::time_point::max();
};

}  // namespace onmal
