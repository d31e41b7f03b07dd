#include "formats/json_metadata.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/file.h"
#include "formats/json_parser.h"

namespace onmal {
namespace {

// Flattens a document into metadata. Arrays gather equal scalars until something else turns up;
// then they are spilled into one key an element.
class Flattener : public JsonHandler {
 public:
  Flattener(size_t text_size, const std::string& where)
      : metadata_(where), key_budget_(16 * text_size + 65536) {}

  Metadata take() { return std::move(metadata_); }

 private:
  struct Level {
    bool array = false;
    bool spilled = false;
    size_t path_size = 0;  // of this container's own key
    size_t next_index = 0;
    MetadataValue gathered = std::vector<int64_t>{};
  };

  void on_null() override {
    require_object();
    if (!levels_.back().array) return;
    spill(levels_.back());
    ++levels_.back().next_index;
  }
  void on_bool(bool value) override { on_scalar<bool>(value); }
  void on_int(int64_t value) override { on_scalar<int64_t>(value); }
  void on_float(double value) override { on_scalar<double>(value); }
  void on_string(std::string&& value) override { on_scalar<std::string>(std::move(value)); }
  void on_unsigned(uint64_t value) override {
    require_object();
    if (levels_.back().array) spill(levels_.back());
    add_here(value);
  }

  void on_key(std::string&& key) override {
    path_.resize(levels_.back().path_size);
    if (levels_.size() > 1) path_ += '.';
    path_ += key;
  }

  void on_begin(bool array) override {
    if (levels_.empty() && array) require_object();
    if (!levels_.empty() && levels_.back().array) {
      spill(levels_.back());
      set_element_path(levels_.back());
    }
    Level level;
    level.array = array;
    level.path_size = path_.size();
    levels_.push_back(std::move(level));
  }

  void on_end(bool array) override {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    path_.resize(level.path_size);
    if (array && !level.spilled) add(std::move(level.gathered));
  }

  void require_object() {
    if (levels_.empty()) fail("is not a JSON object", "it must begin with '{'");
  }

  // Moves path_ to the next element of an array.
  void set_element_path(Level& level) {
    path_.resize(level.path_size);
    path_ += '[' + std::to_string(level.next_index++) + ']';
  }

  void add(MetadataValue value) {
    // Keys repeat their parents' names: without a bound a small file could ask for much memory.
    if (path_.size() > key_budget_) fail("has keys too long for its size");
    key_budget_ -= path_.size();
    metadata_.add(path_, std::move(value));
  }

  void add_here(MetadataValue value) {
    if (levels_.back().array) set_element_path(levels_.back());
    add(std::move(value));
  }

  void spill(Level& level) {
    if (std::exchange(level.spilled, true)) return;
    std::visit(
        [&](auto& held) {
          if constexpr (requires { held.push_back(held.front()); } &&
                        !std::is_same_v<std::remove_cvref_t<decltype(held)>, std::string>) {
            for (const auto& element : held) {
              set_element_path(level);
              add(element);
            }
          }
        },
        level.gathered);
    level.gathered = std::vector<int64_t>{};
  }

  template <typename T>
  void on_scalar(T value) {
    require_object();
    Level& level = levels_.back();
    if (level.array && !level.spilled && gather<T>(level.gathered, value)) return;
    if (level.array) spill(level);
    add_here(std::move(value));
  }

  // Appends to an array of the same type (an empty one takes any; integers among floats become
  // floats). False when the types do not agree.
  template <typename T>
  static bool gather(MetadataValue& gathered, T& value) {
    auto* integers = std::get_if<std::vector<int64_t>>(&gathered);
    if constexpr (!std::is_same_v<T, int64_t>) {
      if (integers != nullptr && integers->empty()) gathered = std::vector<T>{};
    }
    if (auto* same = std::get_if<std::vector<T>>(&gathered)) {
      same->push_back(std::move(value));
      return true;
    }
    if constexpr (std::is_same_v<T, int64_t>) {
      if (auto* floats = std::get_if<std::vector<double>>(&gathered)) {
        floats->push_back(static_cast<double>(value));
        return true;
      }
    }
    if constexpr (std::is_same_v<T, double>) {
      if (integers != nullptr) {
        std::vector<double> floats(integers->begin(), integers->end());
        floats.push_back(value);
        gathered = std::move(floats);
        return true;
      }
    }
    return false;
  }

  Metadata metadata_;
  std::string path_;
  std::vector<Level> levels_;
  size_t key_budget_;
};

// A step of a flat key: a name or an array index.
struct KeyStep {
  std::string name;
  size_t index = 0;
  bool is_index = false;
};

// "[12]" at `begin` of `key` gives its end; 0 when there is no such thing.
size_t index_end(std::string_view key, size_t begin, size_t& index) {
  constexpr size_t kMostDigits = 9;
  size_t at = begin + 1;
  index = 0;
  while (at < key.size() && at <= begin + kMostDigits && key[at] >= '0' && key[at] <= '9') {
    index = index * 10 + static_cast<size_t>(key[at++] - '0');
  }
  const bool closed = at > begin + 1 && at < key.size() && key[at] == ']';
  const bool at_end = closed && (at + 1 == key.size() || key[at + 1] == '.' || key[at + 1] == '[');
  return at_end ? at + 1 : 0;
}

std::vector<KeyStep> split_key(std::string_view key) {
  std::vector<KeyStep> steps(1);
  for (size_t at = 0; at < key.size();) {
    size_t index = 0;
    const size_t end = key[at] == '[' ? index_end(key, at, index) : 0;
    if (end > 0) {
      steps.push_back({"", index, true});
      at = end;
    } else if (key[at] == '.') {
      steps.emplace_back();
      ++at;
    } else {
      if (steps.back().is_index) steps.emplace_back();
      steps.back().name += key[at++];
    }
  }
  return steps;
}

using OrderedJson = nlohmann::ordered_json;

std::string dump(const OrderedJson& document, int indent, const std::string& where) {
  try {
    return document.dump(indent);
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::kInvalidArgument, where, "holds text that is not UTF-8");
  }
}

[[noreturn]] void fail_write(const Metadata& metadata, const std::string& key,
                             const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, metadata.where(), "the key '" + key + "' " + what);
}

// The place in the tree that a key names, made on the way.
OrderedJson& place_of(OrderedJson& root, const Metadata& metadata, const std::string& key) {
  constexpr size_t kMostHoles = 65536;
  constexpr size_t kMostSteps = JsonLimits{}.depth - 1;  // so that it can be read again
  OrderedJson* node = &root;
  const std::vector<KeyStep> steps = split_key(key);
  if (steps.size() > kMostSteps) fail_write(metadata, key.substr(0, 100), "nests too deep");
  for (const KeyStep& step : steps) {
    const bool fits = node->is_null() || (step.is_index ? node->is_array() : node->is_object());
    if (!fits) fail_write(metadata, key, "contradicts another key");
    if (step.is_index) {
      if (step.index > node->size() + kMostHoles) fail_write(metadata, key, "skips elements");
      node = &(*node)[step.index];
    } else {
      node = &(*node)[step.name];
    }
  }
  if (!node->is_null()) fail_write(metadata, key, "contradicts another key");
  return *node;
}

bool is_finite(const MetadataValue& value) {
  if (const double* number = std::get_if<double>(&value)) return std::isfinite(*number);
  const auto* numbers = std::get_if<std::vector<double>>(&value);
  if (numbers == nullptr) return true;
  for (const double number : *numbers) {
    if (!std::isfinite(number)) return false;
  }
  return true;
}

}  // namespace

Metadata parse_json_metadata(std::string_view text, const std::string& where) {
  Flattener flattener(text.size(), where);
  flattener.parse(text, where);
  return flattener.take();
}

Metadata read_json_metadata(const std::filesystem::path& path, uint64_t limit) {
  const MappedFile file(path);
  if (file.bytes().size() > limit) {
    throw Error(
        ErrorCode::kResource, path.string(),
        "is " + std::to_string(file.bytes().size()) + " bytes, over " + std::to_string(limit),
        "is this the right file?");
  }
  return parse_json_metadata(file.text(), path.string());
}

std::string write_json_metadata(const Metadata& metadata) {
  OrderedJson root = OrderedJson::object();
  for (const auto& [key, value] : metadata.items()) {
    if (!is_finite(value)) fail_write(metadata, key, "is not a finite number");
    OrderedJson& place = place_of(root, metadata, key);
    std::visit([&](const auto& held) { place = held; }, value);
  }
  return dump(root, 2, metadata.where()) + "\n";
}

std::string quote_json(std::string_view text, const std::string& where) {
  return dump(OrderedJson(text), -1, where);
}

}  // namespace onmal
