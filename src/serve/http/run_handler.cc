#include "serve/http/run_handler.h"

#include <new>
#include <string>

namespace onmal {
namespace {

void log(const HttpServerParts& parts, const Route& route, const std::string& what) {
  if (parts.log) parts.log(route.method + " " + route.pattern + ": " + what);
}

void run(const Route& route, const std::shared_ptr<Exchange>& exchange,
         const HttpServerParts& parts) {
  try {
    route.handle(exchange);
  } catch (const HttpError& error) {
    exchange->fail(error);
  } catch (const Error& error) {
    const HttpError told = to_http_error(error);
    if (told.status() == 500) log(parts, route, error.what());
    exchange->fail(told);
  } catch (const std::bad_alloc&) {
    log(parts, route, "not enough memory");
    exchange->fail(HttpError(503, "The server has not enough memory for this.", "out_of_memory"));
  } catch (const std::exception& error) {
    log(parts, route, error.what());
    exchange->fail(HttpError(500, "Internal error; the server's log says more.", "internal_error"));
  }
}

}  // namespace

void run_handler(const Route& route, const std::shared_ptr<Exchange>& exchange,
                 const HttpServerParts& parts) noexcept {
  try {
    run(route, exchange, parts);
  } catch (const std::exception&) {
    // Not even the error could be told; letting go of the exchange breaks the answer off.
  }
}

}  // namespace onmal
