#include "tokenizer/jinja/json_value.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace onmal::jinja {
namespace {

// Builds values while the text is read: no tree of another kind in between.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(uint32_t mark, const std::string& where) : mark_(mark), where_(where) {}

  bool null() override { return put(None{}); }
  bool boolean(bool value) override { return put(Value(value)); }
  bool number_integer(int64_t value) override { return put(Value(value)); }
  bool number_unsigned(uint64_t value) override {
    constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    return put(value <= kMost ? Value(static_cast<int64_t>(value))
                              : Value(static_cast<double>(value)));
  }
  bool number_float(double value, const std::string& /*text*/) override {
    return put(Value(value));
  }
  bool string(std::string& value) override { return put(Value::of_text(value, mark_)); }
  bool binary(nlohmann::json::binary_t& /*value*/) override { return false; }
  bool start_object(size_t /*size*/) override { return open(false); }
  bool start_array(size_t /*size*/) override { return open(true); }
  bool key(std::string& value) override {
    levels_.back().keys.push_back(Value::of_text(value, mark_));
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    throw Error(ErrorCode::kBadFile, where_,
                "is not JSON (at byte " + std::to_string(position) + ")");
  }

  Value take() { return std::move(root_); }

 private:
  struct Level {
    bool array;
    std::vector<Value> keys;
    std::vector<Value> values;
  };

  bool open(bool array) {
    constexpr size_t kMostDepth = 100;
    if (levels_.size() >= kMostDepth) throw Error(ErrorCode::kBadFile, where_, "nests too deep");
    levels_.push_back({array, {}, {}});
    return true;
  }

  bool put(Value value) {
    if (levels_.empty()) {
      root_ = std::move(value);
    } else {
      levels_.back().values.push_back(std::move(value));
    }
    return true;
  }

  bool close() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    if (level.array) return put(Value::list(std::move(level.values)));
    Value dict = Value::dict();
    for (size_t i = 0; i < level.keys.size(); ++i) {
      dict.dict_or_null()->set(std::move(level.keys[i]), std::move(level.values[i]));
    }
    return put(std::move(dict));
  }

  uint32_t mark_;
  const std::string& where_;
  std::vector<Level> levels_;
  Value root_;
};

}  // namespace

Value parse_json(std::string_view json, uint32_t mark, const std::string& where) {
  constexpr size_t kMostBytes = size_t{16} << 20;
  if (json.size() > kMostBytes) throw Error(ErrorCode::kBadFile, where, "is larger than 16 MB");
  Builder builder(mark, where);
  nlohmann::json::sax_parse(json.begin(), json.end(), &builder);
  return builder.take();
}

}  // namespace onmal::jinja
