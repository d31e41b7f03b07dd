#include "serve/http/static_files.h"

#include <string>

namespace onmal {
namespace {

constexpr std::string_view kPolicy =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'";

void answer(Exchange& exchange, const StaticFile& file) {
  ServerResponse response;
  std::string tag = "\"";
  tag.append(file.tag).append("\"");
  response.content_type = file.content_type;
  response.headers = {{"ETag", tag},
                      {"Cache-Control", "no-cache"},
                      {"Content-Security-Policy", std::string(kPolicy)},
                      {"Referrer-Policy", "no-referrer"}};
  if (exchange.request().header("If-None-Match") == tag) {
    response.status = 304;
  } else {
    response.body = file.bytes;
  }
  exchange.respond(std::move(response));
}

}  // namespace

void add_static_files(Router& router, const std::vector<StaticFile>& files) {
  for (const StaticFile& file : files) {
    const HttpHandler handle = [file](const std::shared_ptr<Exchange>& exchange) {
      answer(*exchange, file);
    };
    router.add({"GET", std::string(file.path), handle, Role::kAnyone, true});
    if (file.path == "/index.html") router.add({"GET", "/", handle, Role::kAnyone, true});
  }
}

}  // namespace onmal
