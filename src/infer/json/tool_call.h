#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "infer/json/json_constraint.h"

namespace onmal {

enum class ToolCallForm : uint8_t {
  kJson,    // {"name": …, "arguments": {…}}
  kHermes,  // <tool_call>\n{"name": …, "arguments": {…}}\n</tool_call>, as Hermes and Qwen write
};

struct ToolCallOptions {
  ToolCallForm form = ToolCallForm::kHermes;
  std::string required_tool;  // the only one that may be called; "": any
  // kHermes: calls that may follow one another, separated by a line end.
  int32_t max_calls = 1;
  // kHermes: free text may stand before <tool_call>, or instead of any call ("auto").
  bool text_allowed = false;
  JsonConstraintOptions json;
};

// Answers that call one of the tools with arguments valid for its schema. `tools_json`: an array of
// tools as in OpenAI's API, {"type": "function", "function": {"name", "parameters"}}, or of
// {"name", "parameters"}. A tool without parameters takes {}. Throws as make_json_constraint does,
// and Error(kInvalidArgument) for a required tool that is not there.
std::shared_ptr<const TextConstraint> make_tool_call_constraint(
    std::string_view tools_json, const ToolCallOptions& options = {});

}  // namespace onmal
