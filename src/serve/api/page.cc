#include "serve/api/page.h"

#include "serve/api/embedded.h"
#include "serve/http/api_keys.h"

namespace onmal {
namespace {

StaticFile file(std::string_view path, std::string_view type, std::string_view bytes) {
  return {path, type, bytes, sha256_hex(bytes).substr(0, 16)};
}

}  // namespace

std::vector<StaticFile> page_files() {
  return {file("/index.html", "text/html; charset=utf-8", embedded_index_html()),
          file("/app.js", "text/javascript; charset=utf-8", embedded_app_js()),
          file("/app.css", "text/css; charset=utf-8", embedded_app_css()),
          file("/openapi.json", "application/json", embedded_openapi())};
}

}  // namespace onmal
