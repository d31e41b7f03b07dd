#pragma once

#include <cstddef>
#include <string_view>

namespace onmal {

// Bytes of files that are part of the program (cmake/embed.cmake).
std::string_view embedded_index_html();
std::string_view embedded_app_js();
std::string_view embedded_app_css();
std::string_view embedded_openapi();
std::string_view embedded_map_words();

}  // namespace onmal
