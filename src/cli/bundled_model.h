#pragma once

#include <filesystem>
#include <string_view>

namespace onmal {

// The model that comes with the program under models/<name>: a GGUF file, or a folder that holds a
// model. Looked for beside the program (a build's or an archive's, bin/../share/onmal of an
// installation), then in the current folder. Empty where there is none.
std::filesystem::path find_bundled_model(std::string_view name);

}  // namespace onmal
