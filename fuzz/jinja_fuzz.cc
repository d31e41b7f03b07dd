#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "tokenizer/jinja/json_value.h"
#include "tokenizer/jinja/template.h"

// Any text is a template that renders, or an Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using onmal::jinja::parse_json;
  constexpr std::string_view kMessages =
      R"([{"role": "user", "content": " 안녕 x "}, {"role": "assistant", "content": null,
          "tool_calls": [{"function": {"name": "f", "arguments": {"a": [1, 2.5, true]}}}]}])";
  constexpr std::string_view kTools = R"([{"name": "f", "parameters": {"type": "object"}}])";
  onmal::jinja::RenderLimits limits;
  limits.steps = 20'000;
  limits.characters = 200'000;
  try {
    const onmal::jinja::Template parsed({reinterpret_cast<const char*>(data), size});
    parsed.render({{"messages", parse_json(kMessages, 1, "fuzz")},
                   {"tools", parse_json(kTools, 1, "fuzz")},
                   {"bos_token", onmal::jinja::Value::of_text("<s>")},
                   {"add_generation_prompt", onmal::jinja::Value(true)}},
                  1'700'000'000, limits);
  } catch (const onmal::Error&) {
  }
  return 0;
}
