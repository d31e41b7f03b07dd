#include "models/architecture.h"

#include <array>
#include <string>

#include "base/error.h"
#include "models/gpt2.h"
#include "models/llama.h"

namespace onmal {
namespace {

// The registry: one line a family.
constexpr std::array kArchitectures = {&kLlamaArchitecture, &kQwen3Architecture,
                                       &kGpt2Architecture};

}  // namespace

const Architecture& find_architecture(std::string_view name, const std::string& where) {
  std::string known;
  for (const Architecture* architecture : kArchitectures) {
    if (architecture->name == name) return *architecture;
    known += (known.empty() ? "" : ", ") + std::string(architecture->name);
  }
  throw Error(ErrorCode::kUnsupported, where, "unknown architecture '" + std::string(name) + "'",
              "known ones: " + known);
}

}  // namespace onmal
