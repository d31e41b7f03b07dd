#include "corpus/input/json_fields.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "corpus/input/plain_object.h"

namespace onmal {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostDepth = 64;

// Follows the parser's events; what to do with a text is up to the kind.
class Events : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return ++depth_ <= kMostDepth; }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    top_is_array_ = top_is_array_ || depth_ == 0;
    return ++depth_ <= kMostDepth;
  }
  bool end_array() override { return end_object(); }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    return false;
  }

 protected:
  size_t depth_ = 0;
  bool top_is_array_ = false;
};

class FieldEvents : public Events {
 public:
  FieldEvents(std::span<const std::string> names, std::vector<std::optional<std::string>>& values)
      : names_(names), values_(values) {}

  bool key(string_t& name) override {
    wanted_ = names_.size();
    for (size_t i = 0; depth_ == 1 && i < names_.size(); ++i) {
      if (names_[i] == name) wanted_ = i;
    }
    return true;
  }
  bool string(string_t& text) override {
    if (depth_ == 1 && wanted_ < names_.size()) values_[wanted_] = std::move(text);
    is_object_ = is_object_ || depth_ >= 1;
    return true;
  }
  bool start_object(std::size_t size) override {
    is_object_ = true;
    return Events::start_object(size);
  }
  bool is_object() const { return is_object_ && !top_is_array_; }

 private:
  std::span<const std::string> names_;
  std::vector<std::optional<std::string>>& values_;
  size_t wanted_ = 0;
  bool is_object_ = false;
};

class TextEvents : public Events {
 public:
  explicit TextEvents(FunctionRef<void(const std::string&)> take) : take_(take) {}
  bool key(string_t&) override { return true; }
  bool string(string_t& text) override {
    take_(text);
    return true;
  }

 private:
  FunctionRef<void(const std::string&)> take_;
};

}  // namespace

bool read_json_fields(std::string_view json, std::span<const std::string> names,
                      std::vector<std::optional<std::string>>& values) {
  if (read_plain_object(json, names, values)) return true;
  values.assign(names.size(), std::nullopt);
  FieldEvents events(names, values);
  return Json::sax_parse(json.begin(), json.end(), &events) && events.is_object();
}

bool for_each_json_text(std::string_view json, FunctionRef<void(const std::string&)> take) {
  TextEvents events(take);
  return Json::sax_parse(json.begin(), json.end(), &events);
}

void JsonListReader::take(char c) {
  if (object_.size() < most_) {
    object_.push_back(c);
  } else {
    cut_ = true;
  }
  if (in_text_) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_text_ = false;
    }
    return;
  }
  if (c == '"') in_text_ = true;
  if (c == '{' || c == '[') ++depth_;
  if (c == '}' || c == ']') --depth_;
}

bool JsonListReader::next(std::string_view& object, const std::string& where) {
  object_.clear();
  cut_ = false;
  for (;;) {
    if (at_ == end_) {
      at_ = 0;
      end_ = bytes_->read(buffer_);
      if (end_ == 0 && depth_ > 0)
        throw Error(ErrorCode::kBadFile, where, "ends within an object", "fetch the file again");
      if (end_ == 0) return false;
    }
    const char c = buffer_[at_++];
    ++position_;
    if (depth_ == 0 && c != '{') continue;
    if (depth_ == 0) object_at_ = position_ - 1;
    take(c);
    if (depth_ > 0) continue;
    object = object_;
    return true;
  }
}

}  // namespace onmal
