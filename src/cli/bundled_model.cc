#include "cli/bundled_model.h"

#include <algorithm>
#include <string>
#include <vector>

namespace onmal {
namespace {

namespace fs = std::filesystem;

// The one model of a folder; empty where there is none.
fs::path model_in(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".gguf") found.push_back(entry.path());
  }
  if (fs::exists(folder / "model.safetensors", error)) return folder;
  return found.empty() ? fs::path() : *std::min_element(found.begin(), found.end());
}

}  // namespace

fs::path find_bundled_model(std::string_view name) {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  std::vector<fs::path> places;
  if (!error)
    places = {program / "models", program / "../share/onmal/models", program / "../../models"};
  places.emplace_back("models");
  for (const fs::path& place : places) {
    if (fs::path found = model_in((place / name).lexically_normal()); !found.empty()) return found;
  }
  return {};
}

}  // namespace onmal
