#include "serve/http/server.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/timer.h"
#include "serve/http/session.h"

namespace onmal {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorOf = boost::system::error_code;

constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    "Connection: close\r\nContent-Length: 121\r\n\r\n"
    R"({"error":{"message":"Too many connections; try again.","type":"server_error","code":"too_many_connections","param":null}})";

tcp::endpoint endpoint_of(const HttpServerOptions& options) {
  ErrorOf error;
  const std::string host = options.host == "localhost" ? "127.0.0.1" : options.host;
  const asio::ip::address address = asio::ip::make_address(host, error);
  if (error)
    throw Error(ErrorCode::kInvalidArgument, options.host, "is no address to listen at",
                "give one of this machine's, such as 127.0.0.1, or 0.0.0.0 for all");
  return {address, options.port};
}

}  // namespace

struct HttpServer::Running {
  std::shared_ptr<ServerCore> core = std::make_shared<ServerCore>();
  tcp::acceptor acceptor{asio::make_strand(core->io)};
  asio::steady_timer pause{acceptor.get_executor()};
  std::optional<TlsContext> tls;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
  std::vector<std::thread> threads;
  bool stopped = false;

  void listen() {
    const HttpServerOptions& options = core->options;
    const tcp::endpoint endpoint = endpoint_of(options);
    ErrorOf error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      throw Error(ErrorCode::kIo, options.host + ":" + std::to_string(options.port),
                  "cannot be listened at: " + error.message(), "choose another --port or --host");
  }

  void accept() {
    acceptor.async_accept(asio::make_strand(core->io), [this](ErrorOf error, tcp::socket socket) {
      if (core->stopping || error == asio::error::operation_aborted) return;
      if (error) {  // too many open files, say
        pause.expires_after(std::chrono::milliseconds(100));
        pause.async_wait([this](ErrorOf cancelled) {
          if (!cancelled) accept();
        });
        return;
      }
      take(std::move(socket));
      accept();
    });
  }

  void take(tcp::socket socket) {
    ErrorOf ignored;
    const tcp::endpoint client = socket.remote_endpoint(ignored);
    socket.set_option(tcp::no_delay(true), ignored);
    if (core->connections >= core->options.most_connections) {
      socket.non_blocking(true, ignored);
      if (!tls) socket.send(asio::buffer(kFull.data(), kFull.size()), 0, ignored);
      return;
    }
    auto transport =
        tls ? tls->make_transport(std::move(socket)) : make_plain_transport(std::move(socket));
    auto session =
        std::make_shared<Session>(core, std::move(transport), client.address().to_string(ignored));
    {
      const std::lock_guard lock(core->sessions_mutex);
      core->sessions.emplace(session.get(), session);
    }
    session->start_from_anywhere();
  }

  std::vector<std::shared_ptr<Session>> sessions() {
    std::vector<std::shared_ptr<Session>> all;
    const std::lock_guard lock(core->sessions_mutex);
    for (const auto& [address, weak] : core->sessions) {
      if (auto session = weak.lock()) all.push_back(std::move(session));
    }
    return all;
  }

  bool wait_for_end(double seconds) {
    for (const Timer timer; timer.seconds() < seconds;) {
      if (core->connections == 0) return true;
      for (const auto& session : sessions()) session->wind_down_from_anywhere();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return core->connections == 0;
  }
};

HttpServer::HttpServer(const HttpServerOptions& options, const HttpServerParts& parts)
    : running_(std::make_unique<Running>()) {
  ServerCore& core = *running_->core;
  core.options = options;
  core.parts = parts;
  core.wrong_keys = std::make_unique<RateLimiter>(options.wrong_keys);
  core.largest_body = options.most_body_bytes;
  for (const auto& route : parts.router->routes())
    core.largest_body = std::max(core.largest_body, route->body_limit);
  if (!options.certificate_file.empty())
    running_->tls.emplace(options.certificate_file, options.key_file);
  running_->listen();
  core.workers = std::make_unique<Workers>(options.workers, options.most_queued);
  if (parts.metrics != nullptr) {
    parts.metrics->gauge(
        "onmal_http_connections", "Connections that are open",
        [shared = running_->core] { return static_cast<double>(shared->connections.load()); });
  }
  running_->work.emplace(asio::make_work_guard(core.io));
  asio::post(running_->acceptor.get_executor(), [this] { running_->accept(); });
  for (int i = 0; i < std::max(1, options.io_threads); ++i)
    running_->threads.emplace_back([shared = running_->core] { shared->io.run(); });
}

HttpServer::~HttpServer() { stop(); }

uint16_t HttpServer::port() const { return running_->acceptor.local_endpoint().port(); }

size_t HttpServer::connections() const { return running_->core->connections; }

void HttpServer::stop() {
  if (running_->stopped) return;
  running_->stopped = true;
  ServerCore& core = *running_->core;
  core.stopping = true;
  asio::post(running_->acceptor.get_executor(), [this] {
    ErrorOf ignored;
    running_->acceptor.close(ignored);
    running_->pause.cancel();
  });
  if (!running_->wait_for_end(core.options.grace_seconds)) {
    for (const auto& session : running_->sessions()) session->cancel_from_anywhere();
    running_->wait_for_end(3);
    for (const auto& session : running_->sessions()) session->close_from_anywhere();
    running_->wait_for_end(3);
  }
  running_->work.reset();
  core.io.stop();
  for (std::thread& thread : running_->threads) thread.join();
  // Operations that closing broke off still hold their sessions, and those the core that holds the
  // operations: their ends run here, also of a connection that came in the very last moment.
  core.io.restart();
  for (const auto& session : running_->sessions()) session->close_from_anywhere();
  core.io.poll();
  core.workers.reset();
  // Who still holds an exchange holds the core with it.
}

}  // namespace onmal
