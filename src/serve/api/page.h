#pragma once

#include <vector>

#include "serve/http/static_files.h"

namespace onmal {

// The page that is part of the program (web/dist) and the API's description (/openapi.json).
std::vector<StaticFile> page_files();

}  // namespace onmal
