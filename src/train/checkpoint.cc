#include "train/checkpoint.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "formats/safetensors.h"

namespace onmal {
namespace {

constexpr std::string_view kPrefix = "checkpoint-";
constexpr int64_t kVersion = 1;

// checkpoint-<digits> -> the number; -1 for any other name.
int64_t step_of(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(kPrefix)) return -1;
  int64_t step = -1;
  const char* end = name.data() + name.size();
  const auto result = std::from_chars(name.data() + kPrefix.size(), end, step);
  return result.ec == std::errc() && result.ptr == end ? step : -1;
}

std::vector<std::filesystem::path> all_checkpoints(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  if (!std::filesystem::is_directory(folder)) return found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_directory() && step_of(entry.path()) >= 0) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return step_of(a) < step_of(b); });
  return found;
}

void restore(const SafetensorsFile& file, const std::string& where, const std::string& name,
             const Tensor& target) {
  const Tensor stored = file.tensor(name);
  if (stored.dtype() != target.dtype() || !(stored.shape() == target.shape())) {
    throw Error(ErrorCode::kBadFile, where,
                "'" + name + "' is " + std::string(dtype_info(stored.dtype()).name) + " " +
                    stored.shape().to_string() + ", expected " +
                    std::string(dtype_info(target.dtype()).name) + " " + target.shape().to_string(),
                "this checkpoint belongs to another model");
  }
  std::memcpy(target.data(), stored.data(), static_cast<size_t>(stored.bytes()));
}

}  // namespace

void save_checkpoint(const std::filesystem::path& folder, const RunState& state, VisitParams visit,
                     const Optimizer& optimizer, int64_t keep) {
  std::filesystem::create_directories(folder);
  const std::filesystem::path target = folder / (std::string(kPrefix) + std::to_string(state.step));
  const std::filesystem::path part = folder / ("part-" + std::to_string(::getpid()));
  std::filesystem::remove_all(part);
  std::filesystem::create_directory(part);
  std::vector<NamedTensor> weights;
  visit([&](Param& param) { weights.push_back({param.name, param.value}); });
  write_safetensors(part / "weights.safetensors", weights);
  Metadata metadata;
  metadata.set("version", std::to_string(kVersion));
  metadata.set("step", std::to_string(state.step));
  metadata.set("position", std::to_string(state.position));
  metadata.set("fingerprint", state.fingerprint);
  write_safetensors(part / "optimizer.safetensors", optimizer.state(), metadata);
  std::filesystem::remove_all(target);
  std::filesystem::rename(part, target);
  std::vector<std::filesystem::path> all = all_checkpoints(folder);
  for (size_t i = 0; i + static_cast<size_t>(keep) < all.size(); ++i)
    std::filesystem::remove_all(all[i]);
}

std::optional<std::filesystem::path> newest_checkpoint(const std::filesystem::path& folder) {
  const std::vector<std::filesystem::path> all = all_checkpoints(folder);
  if (all.empty()) return std::nullopt;
  return all.back();
}

RunState load_checkpoint(const std::filesystem::path& checkpoint, const std::string& fingerprint,
                         VisitParams visit, Optimizer& optimizer) {
  const SafetensorsFile weights(checkpoint / "weights.safetensors");
  const SafetensorsFile states(checkpoint / "optimizer.safetensors");
  const std::string where = checkpoint.string();
  const auto number = [&](const char* key) {
    const std::string text = states.metadata().get_string(key);
    int64_t value = -1;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc() || value < 0) {
      throw Error(ErrorCode::kBadFile, where,
                  std::string("'") + key + "' is not a number: '" + text + "'");
    }
    return value;
  };
  if (number("version") != kVersion)
    throw Error(ErrorCode::kUnsupported, where, "was written by another version");
  RunState state;
  state.step = number("step");
  state.position = static_cast<uint64_t>(number("position"));
  state.fingerprint = states.metadata().get_string("fingerprint");
  if (state.fingerprint != fingerprint) {
    throw Error(ErrorCode::kInvalidArgument, where,
                "belongs to a run with another model, data, batch or seed",
                "resume with the recipe it was started with, or choose another output folder");
  }
  visit([&](Param& param) { restore(weights, where, param.name, param.value); });
  for (const NamedTensor& tensor : optimizer.state())
    restore(states, where, tensor.name, tensor.tensor);
  optimizer.set_steps(state.step);
  return state;
}

}  // namespace onmal
