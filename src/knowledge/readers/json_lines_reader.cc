#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "knowledge/readers/reader.h"
#include "text/encoding.h"

namespace onmal {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMostJsonDepth = 64;

// Brackets open at once, outside strings.
int depth_of(std::string_view line) {
  int depth = 0;
  int deepest = 0;
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '{' || c == '[') deepest = std::max(deepest, ++depth);
    if (c == '}' || c == ']') --depth;
  }
  return deepest;
}

// One line per value: "author.name: 홍길동"; the document's own text without a name.
void add_values(const Json& value, const std::string& name, DocumentBuilder& out) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items())
      add_values(inner, name.empty() ? key : name + "." + key, out);
    return;
  }
  if (value.is_array()) {
    for (const Json& inner : value) add_values(inner, name, out);
    return;
  }
  if (value.is_null()) return;
  if (out.open_bytes() > 0) out.append("\n");
  const bool bare = name.empty() || name == "text" || name == "content";
  if (!bare) out.append(name + ": ");
  out.append(value.is_string() ? value.get_ref<const std::string&>() : value.dump());
}

}  // namespace

void read_json_lines(const ReaderInput& input, DocumentBuilder& out) {
  const std::string text = decode_text(input.bytes, input.where()).text;
  size_t number = 0;
  for (size_t begin = mark_length(text); begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const std::string place = input.where() + ":" + std::to_string(number);
    if (depth_of(line) > kMostJsonDepth)
      throw Error(ErrorCode::kBadFile, place, "values nested more than 64 deep");
    const Json value = Json::parse(line, nullptr, false);
    if (value.is_discarded())
      throw Error(ErrorCode::kBadFile, place, "no JSON value", "put one value on each line");
    out.begin_block(BlockKind::kParagraph);
    add_values(value, "", out);
    out.end_block();
  }
}

}  // namespace onmal
