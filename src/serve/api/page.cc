#include "serve/api/page.h"

extern "C" {
// NOLINTBEGIN(readability-identifier-naming): names that the assembler gives
extern const char onmal_embedded_index_html[], onmal_embedded_index_html_end[];
extern const char onmal_embedded_app_js[], onmal_embedded_app_js_end[];
extern const char onmal_embedded_app_css[], onmal_embedded_app_css_end[];
extern const char onmal_embedded_openapi_json[], onmal_embedded_openapi_json_end[];
// NOLINTEND(readability-identifier-naming)
}

namespace onmal {
namespace {

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<size_t>(end - begin)};
}

}  // namespace

std::vector<StaticFile> page_files() {
  const std::string_view version = "0.1.0";
  return {{"/index.html", "text/html; charset=utf-8",
           between(onmal_embedded_index_html, onmal_embedded_index_html_end), version},
          {"/app.js", "text/javascript; charset=utf-8",
           between(onmal_embedded_app_js, onmal_embedded_app_js_end), version},
          {"/app.css", "text/css; charset=utf-8",
           between(onmal_embedded_app_css, onmal_embedded_app_css_end), version},
          {"/openapi.json", "application/json",
           between(onmal_embedded_openapi_json, onmal_embedded_openapi_json_end), version}};
}

}  // namespace onmal
