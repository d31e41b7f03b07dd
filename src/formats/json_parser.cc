#include "formats/json_parser.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace onmal {

// Hands the library's events on to a handler.
class JsonEvents {
 public:
  JsonEvents(JsonHandler& handler, int depth_limit)
      : handler_(handler), depth_limit_(depth_limit) {}

  bool null() {
    handler_.on_null();
    return true;
  }
  bool boolean(bool value) {
    handler_.on_bool(value);
    return true;
  }
  bool number_integer(int64_t value) {
    handler_.on_int(value);
    return true;
  }
  bool number_unsigned(uint64_t value) {
    if (std::in_range<int64_t>(value)) {
      handler_.on_int(static_cast<int64_t>(value));
    } else {
      handler_.on_unsigned(value);
    }
    return true;
  }
  bool number_float(double value, const std::string& /*text*/) {
    handler_.on_float(value);
    return true;
  }
  bool string(std::string& value) {
    handler_.on_string(std::move(value));
    return true;
  }
  bool binary(nlohmann::json::binary_t& /*value*/) { return false; }
  bool key(std::string& name) {
    handler_.on_key(std::move(name));
    return true;
  }
  bool start_object(size_t /*size*/) { return begin(false); }
  bool start_array(size_t /*size*/) { return begin(true); }
  bool end_object() { return end(false); }
  bool end_array() { return end(true); }
  bool parse_error(size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& error) {
    // The message is "[json.exception.parse_error.101] …" and quotes the whole last token.
    constexpr size_t kLongest = 300;
    const std::string message = error.what();
    const size_t bracket = message.find("] ");
    handler_.fail("malformed JSON at byte " + std::to_string(position) + ": " +
                  message.substr(bracket == std::string::npos ? 0 : bracket + 2, kLongest));
  }

 private:
  bool begin(bool array) {
    if (++handler_.depth_ > depth_limit_) {
      handler_.fail("JSON nests deeper than " + std::to_string(depth_limit_) + " levels");
    }
    handler_.on_begin(array);
    return true;
  }
  bool end(bool array) {
    handler_.on_end(array);
    --handler_.depth_;
    return true;
  }

  JsonHandler& handler_;
  int depth_limit_;
};

void JsonHandler::parse(std::string_view text, const std::string& where, const JsonLimits& limits) {
  where_ = where;
  depth_ = 0;
  if (text.size() > limits.bytes) {
    throw Error(ErrorCode::kResource, where_,
                "is " + std::to_string(text.size()) + " bytes of JSON, over the limit of " +
                    std::to_string(limits.bytes));
  }
  JsonEvents events(*this, limits.depth);
  nlohmann::json::sax_parse(text.begin(), text.end(), &events);
}

void JsonHandler::fail(const std::string& what, const std::string& hint) const {
  throw Error(ErrorCode::kBadFile, where_, what, hint);
}

}  // namespace onmal
