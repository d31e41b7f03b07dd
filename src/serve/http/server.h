#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "serve/http/api_keys.h"
#include "serve/http/audit_log.h"
#include "serve/http/metrics.h"
#include "serve/http/rate_limiter.h"
#include "serve/http/router.h"

namespace onmal {

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 8080;  // 0: any free one
  int io_threads = 2;
  int workers = 16;
  size_t most_queued = 512;  // requests that wait for a worker; beyond: 503
  size_t most_connections = 10'000;
  uint64_t most_head_bytes = uint64_t{16} << 10;
  uint64_t most_body_bytes = uint64_t{4} << 20;
  double head_seconds = 10;       // from a request's first byte to the end of its head
  double body_seconds = 120;      // for the whole body
  double idle_seconds = 75;       // between two requests
  double write_seconds = 60;      // for a client to take what is written at a time
  double heartbeat_seconds = 15;  // between comments in a stream of events that has nothing to say
  double grace_seconds = 20;      // for open requests when the server ends
  size_t most_backlog_bytes = size_t{4}
                              << 20;       // written and not taken by a client; beyond, it goes
  std::vector<std::string> cors_origins;   // "https://example.org"; "*": any
  std::vector<std::string> allowed_hosts;  // beside this machine's: see is_allowed_host
  RateLimits wrong_keys{30, 10, 0};        // that one address may try; beyond: 429
  std::string certificate_file, key_file;  // PEM; "": plain HTTP
};

// What the server asks and tells while it runs; all of it outlives the server.
struct HttpServerParts {
  const Router* router = nullptr;
  const ApiKeys* keys = nullptr;                   // null or empty: everybody may do everything
  RateLimiter* limiter = nullptr;                  // null: no limits
  Metrics* metrics = nullptr;                      // null: none are kept
  AuditLog* audit = nullptr;                       // null: none
  std::function<void(std::string_view)> log = {};  // a line about a fault of the server's own
};

// An HTTP/1.1 server with threads of its own.
class HttpServer {
 public:
  // Listens when made. Throws Error(kIo) when the address cannot be had, and as TlsContext does.
  HttpServer(const HttpServerOptions& options, const HttpServerParts& parts);
  // stop().
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  size_t connections() const;
  // Takes no more connections, lets open requests end for options.grace_seconds, asks them to stop,
  // and returns when all are gone.
  void stop();

 private:
  struct Running;
  std::unique_ptr<Running> running_;
};

}  // namespace onmal
