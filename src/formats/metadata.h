#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace onmal {

// One value of GGUF metadata or of a JSON configuration. uint64_t holds only what int64_t cannot
// (and whatever a caller sets from a size_t). An empty JSON array is an empty vector<int64_t>.
using MetadataValue =
    std::variant<bool, int64_t, uint64_t, double, std::string, std::vector<bool>,
                 std::vector<int64_t>, std::vector<double>, std::vector<std::string>>;

// "a string", "an array of 3 integers", for messages.
std::string metadata_type_name(const MetadataValue& value);

// Keys and values in the order of the file. Nested JSON objects are flattened with '.', arrays of
// anything but equal scalars with "[index]": {"a": {"b": 1}, "c": [{"d": 2}]} has the keys "a.b"
// and "c[0].d". JSON null counts as absent.
//
// Getters with a fallback return it when the key is absent. Every getter throws Error(kBadFile),
// naming the file, the key, what was found and what was expected, when the value has another type;
// without a fallback also when the key is absent.
class Metadata {
 public:
  using Item = std::pair<std::string, MetadataValue>;

  Metadata() = default;
  // `where` names the file in errors.
  explicit Metadata(std::string where) : where_(std::move(where)) {}

  const std::string& where() const { return where_; }
  bool contains(std::string_view key) const { return find(key) != nullptr; }
  // Null when absent; valid until the next set or add.
  const MetadataValue* find(std::string_view key) const;
  std::span<const Item> items() const { return items_; }
  bool empty() const { return items_.empty(); }

  // Replaces the value of an existing key in its place, else appends.
  void set(std::string key, MetadataValue value);
  // Appends; throws Error(kBadFile) when the key is there already.
  void add(std::string key, MetadataValue value);

  int64_t get_int(std::string_view key) const;
  int64_t get_int(std::string_view key, int64_t fallback) const;
  // Integers are taken as numbers too.
  double get_float(std::string_view key) const;
  double get_float(std::string_view key, double fallback) const;
  bool get_bool(std::string_view key) const;
  bool get_bool(std::string_view key, bool fallback) const;
  const std::string& get_string(std::string_view key) const;
  std::string get_string(std::string_view key, std::string_view fallback) const;

  // Arrays, valid until the next set or add. A single value counts as an array of one.
  std::span<const int64_t> get_ints(std::string_view key) const;
  std::span<const std::string> get_strings(std::string_view key) const;
  std::vector<double> get_floats(std::string_view key) const;

 private:
  const MetadataValue& require(std::string_view key, std::string_view expected) const;
  [[noreturn]] void fail_type(std::string_view key, const MetadataValue& found,
                              std::string_view expected) const;

  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  std::string where_ = "metadata";
  std::vector<Item> items_;
  std::unordered_map<std::string, size_t, Hash, std::equal_to<>> index_;
};

}  // namespace onmal
