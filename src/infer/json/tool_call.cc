#include "infer/json/tool_call.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "infer/json/grammar.h"

namespace onmal {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kBefore = "<tool_call>\n";
constexpr std::string_view kAfter = "\n</tool_call>";

[[noreturn]] void invalid(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, where, what);
}

Json parse_tools(std::string_view text) {
  if (text.size() > (size_t{1} << 20))
    throw Error(ErrorCode::kUnsupported, "tools", "have more than 1 MiB");
  Json tools = Json::parse(text, nullptr, false);
  if (!tools.is_array() || tools.empty()) invalid("tools", "must be a list with at least one tool");
  return tools;
}

// References into a document that now stands at `base` of another. What enum, const and examples
// hold is data.
void rebase(Json& schema, const std::string& base, int depth) {
  if (depth > 100) throw Error(ErrorCode::kUnsupported, "tools", "are nested more than 100 deep");
  if (schema.is_array()) {
    for (Json& item : schema) rebase(item, base, depth + 1);
  }
  if (!schema.is_object()) return;
  for (auto item = schema.begin(); item != schema.end(); ++item) {
    const std::string& key = item.key();
    if (key == "enum" || key == "const" || key == "default" || key == "examples") continue;
    if (key != "$ref" || !item->is_string()) {
      rebase(*item, base, depth + 1);
      continue;
    }
    const auto text = item->get<std::string>();
    if (text.starts_with("#")) *item = "#" + base + text.substr(1);
  }
}

// {"anyOf": [{"name": const, "arguments": parameters}, …]}
Json call_schema(const Json& tools, const std::string& required_tool) {
  Json calls = Json::array();
  for (size_t i = 0; i < tools.size(); ++i) {
    const std::string where = "tools[" + std::to_string(i) + "]";
    const Json& entry = tools[i];
    if (!entry.is_object()) invalid(where, "must be an object");
    const Json& tool = entry.contains("function") ? entry["function"] : entry;
    if (!tool.is_object() || !tool.contains("name") || !tool["name"].is_string())
      invalid(where, "needs a name");
    if (!required_tool.empty() && tool["name"] != required_tool) continue;
    Json parameters = tool.contains("parameters") && !tool["parameters"].is_null()
                          ? tool["parameters"]
                          : Json{{"type", "object"}, {"additionalProperties", false}};
    rebase(parameters, "/anyOf/" + std::to_string(calls.size()) + "/properties/arguments", 0);
    Json call;
    call["type"] = "object";
    call["properties"]["name"]["const"] = tool["name"];
    call["properties"]["arguments"] = std::move(parameters);
    call["required"] = {"name", "arguments"};
    call["additionalProperties"] = false;
    calls.push_back(std::move(call));
  }
  if (calls.empty())
    invalid("tool_choice", "\"" + required_tool + "\" is not among the tools that are given");
  return {{"anyOf", calls}};
}

std::shared_ptr<const json::Dfa> literal(std::string text) {
  return std::make_shared<json::Dfa>(
      json::make_literals(std::array{std::move(text)}, false, "tools"));
}

// How much of `text` ends what has been read (Knuth, Morris & Pratt, 1977).
std::shared_ptr<const json::Dfa> until(std::string_view text) {
  const auto step = [&](const json::Position& at, uint8_t byte, json::Position& reached) {
    const std::string read =
        std::string(text.substr(0, static_cast<size_t>(at[0]))) + static_cast<char>(byte);
    size_t kept = std::min(read.size(), text.size());
    while (!text.starts_with(std::string_view(read).substr(read.size() - kept))) --kept;
    reached.push_back(static_cast<int32_t>(kept));
    return true;
  };
  const auto mark = [&](const json::Position& at) {
    return json::PositionMark{at[0] == static_cast<int32_t>(text.size()) ? 1 : 0, false};
  };
  std::vector<std::array<uint8_t, 2>> ranges;
  for (const char c : text) ranges.push_back({static_cast<uint8_t>(c), static_cast<uint8_t>(c)});
  return std::make_shared<json::Dfa>(json::ByteClasses(ranges), json::DfaPlan{{0}, step, mark},
                                     "tools");
}

}  // namespace

std::shared_ptr<const TextConstraint> make_tool_call_constraint(std::string_view tools_json,
                                                                const ToolCallOptions& options) {
  const Json schema = call_schema(parse_tools(tools_json), options.required_tool);
  const std::shared_ptr<json::Grammar> grammar = json::compile_schema(schema.dump(), options.json);
  if (options.form == ToolCallForm::kJson) {
    if (options.text_allowed || options.max_calls != 1)
      invalid("tools", "text and several calls need the form <tool_call>");
    return json::make_walker(grammar);
  }
  if (options.max_calls < 1) invalid("tools", "max_calls must be 1 or more");
  json::Node node;
  node.kind = json::Node::Kind::kWrap;
  node.wrap.before = literal(std::string(kBefore));
  node.wrap.again = literal("\n" + std::string(kBefore));
  node.wrap.after = literal(std::string(kAfter));
  node.wrap.value = grammar->root;
  node.wrap.max_calls = options.max_calls;
  if (options.text_allowed) {
    node.wrap.trigger = kBefore;
    node.wrap.free_text = until(kBefore);
  }
  grammar->nodes.push_back(std::move(node));
  grammar->values.push_back({{static_cast<int32_t>(grammar->nodes.size()) - 1}, json::kNoWay});
  grammar->root = static_cast<int32_t>(grammar->values.size()) - 1;
  json::measure(*grammar);
  return json::make_walker(grammar);
}

}  // namespace onmal
