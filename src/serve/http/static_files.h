#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "serve/http/router.h"

namespace onmal {

// A file that is part of the program.
struct StaticFile {
  std::string_view path;  // "/index.html"
  std::string_view content_type;
  std::string_view bytes;
  std::string tag;  // changes with the bytes
};

// Serves them, "/index.html" as "/" too. Bytes must outlive the router.
void add_static_files(Router& router, const std::vector<StaticFile>& files);

}  // namespace onmal
