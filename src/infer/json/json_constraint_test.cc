#include "infer/json/json_constraint.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "base/error.h"
#include "base/rng.h"
#include "infer/generator.h"
#include "infer/json/tool_call.h"
#include "infer/test_model.h"

namespace onmal {
namespace {

bool passes(const TextConstraint& constraint, std::string_view text) {
  int32_t state = constraint.start();
  for (const char c : text) {
    state = constraint.next(state, static_cast<uint8_t>(c));
    if (state == TextConstraint::kDead) return false;
  }
  return constraint.may_end(state);
}

struct SchemaCase {
  const char* schema;
  std::vector<const char*> good;
  std::vector<const char*> bad;
};

TEST(JsonConstraint, Keywords) {
  const std::vector<SchemaCase> cases = {
      {R"(true)",
       {"1", "[]", R"({"a":[{}]})", "null", R"("x")", "-0.5e+10"},
       {"", "01", "+1", "[1,]", "{,}", "nul"}},
      {R"({"type":["integer","null"]})",
       {"1", "null", "-20"},
       {"1.0", "1e2", "-0", "true", "\"1\""}},
      {R"({"type":"string","minLength":2,"maxLength":3})",
       {R"("한국")", R"("a\n😀")", R"("\ud83d\ude00a")"},
       {R"("한")", R"("abcd")"}},
      {R"({"type":"string","nullable":true})", {"null", R"("a")"}, {"1"}},
      {R"({"enum":[1,"a b",{"k":[true]}],"type":["string","object"]})",
       {R"("a b")", R"({"k":[true]})"},
       {"1", R"({"k": [true]})"}},
      {R"({"const":"서울"})", {R"("서울")"}, {R"("서")", R"("\uc11c\uc6b8")"}},
      {R"({"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":2})",
       {"[1]", "[1,2]", "[ 1, 2]"},
       {"[]", "[1,2,3]", "[1,]", "[,1]"}},
      {R"({"type":"array","prefixItems":[{"type":"null"},{"type":"boolean"}],"items":false})",
       {"[]", "[null]", "[null,true]"},
       {"[true]", "[null,true,1]"}},
      {R"({"type":"array","items":[{"type":"null"}],"additionalItems":{"type":"boolean"}})",
       {"[null,true,false]"},
       {"[null,null]"}},
      {R"({"type":"object","properties":{"a":{"type":"integer"},"나":{"type":"null"}},"required":["나"],"additionalProperties":false})",
       {R"({"나":null})", R"({"a":1,"나":null})", "{\"a\": 1,\n\"나\": null }"},
       {"{}", R"({"a":1})", R"({"나":null,"a":1})", R"({"나":null,"b":1})", R"({"나":null,})",
        R"({"나":1})"}},
      {R"({"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"null"}})",
       {"{}", R"({"a":1})", R"({"b":null})", R"({"a":1,"ab":null,"":null})"},
       {R"({"b":1})", R"({"a":null})", R"({"b":null,"a":1})"}},
      {R"({"type":"object","patternProperties":{"^n":{"type":"integer"},"s$":{"minimum":5}},"additionalProperties":false})",
       {R"({"n":1})", R"({"ns":7,"xs":"t","s":5})"},
       {R"({"x":1})", R"({"ns":4})", R"({"n":"a"})"}},
      {R"({"type":"object","properties":{"a":{},"b":{},"c":{}},"additionalProperties":false,"minProperties":2,"maxProperties":2})",
       {R"({"a":1,"c":1})", R"({"b":1,"c":1})"},
       {R"({"c":1})", R"({"a":1,"b":1,"c":1})", "{}"}},
      {R"({"type":"object","required":["x"],"additionalProperties":{"type":"integer"}})",
       {R"({"x":1})", R"({"x":1,"y":2})"},
       {"{}", R"({"y":1})"}},
      {R"({"anyOf":[{"type":"integer","minimum":5},{"type":"string"}]})",
       {"5", R"("")"},
       {"4", "true"}},
      {R"({"oneOf":[{"type":"integer"},{"type":"string"}]})", {"5", R"("")"}, {"null"}},
      {R"({"oneOf":[{"type":"object","properties":{"t":{"const":"a"},"v":{"type":"null"}},"required":["t","v"]},
                    {"type":"object","properties":{"t":{"const":"b"}},"required":["t"],"additionalProperties":false}]})",
       {R"({"t":"a","v":null})", R"({"t":"b"})"},
       {R"({"t":"a"})", R"({"t":"c"})", R"({"t":"b","v":null})"}},
      {R"({"allOf":[{"type":"object","properties":{"a":{"minimum":3}},"required":["a"]},{"properties":{"a":{"type":"integer","maximum":4}},"additionalProperties":false}]})",
       {R"({"a":3})", R"({"a":4})"},
       {R"({"a":5})", R"({"a":2})", "{}", R"({"a":3,"b":1})"}},
      {R"({"$defs":{"t":{"type":"object","properties":{"v":{"type":"boolean"},"n":{"$ref":"#/$defs/t"}},"additionalProperties":false}},"$ref":"#/$defs/t"})",
       {"{}", R"({"n":{"v":true,"n":{}}})"},
       {R"({"n":1})", R"({"n":{"n":null}})"}},
      {R"({"type":"string","pattern":"^[가-힣]+$","maxLength":2})",
       {R"("가힣")"},
       {R"("a")", R"("가가가")", R"("")", R"("\uac00")"}},
      {R"({"type":"number","minimum":0.5,"maximum":1})",
       {"0.5", "1", "0.99", "1.0"},
       {"0.49", "1.01", "0", "1e0"}},
      {R"({"type":"number","multipleOf":1})", {"5", "-3"}, {"5.5"}},
      {R"({"type":"array","maxItems":1,"uniqueItems":true})", {"[1]"}, {"[1,1]"}},
      {R"({"properties":{"a":false},"required":["a"]})", {"1", "[]"}, {"{", "{}", R"({"a":1})"}},
      {R"({"type":"object","properties":{"a":false},"additionalProperties":false})",
       {"{}"},
       {R"({"a":1})"}},
  };
  for (const SchemaCase& one : cases) {
    const auto constraint = make_json_constraint(one.schema);
    for (const char* text : one.good) EXPECT_TRUE(passes(*constraint, text)) << one.schema << text;
    for (const char* text : one.bad) EXPECT_FALSE(passes(*constraint, text)) << one.schema << text;
  }
}

TEST(JsonConstraint, WhatItCannotHonourIsNamed) {
  const auto fails = [](const char* schema, ErrorCode code, const char* place) {
    try {
      make_json_constraint(schema);
      ADD_FAILURE() << schema;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << schema << error.what();
      EXPECT_NE(std::string(error.what()).find(place), std::string::npos) << error.what();
    }
  };
  constexpr auto kNo = ErrorCode::kUnsupported;
  constexpr auto kWrong = ErrorCode::kInvalidArgument;
  fails(R"({"not":{}})", kNo, "#/not");
  fails(R"({"properties":{"a/b":{"if":true}}})", kNo, "#/properties/a~1b/if");
  fails(R"({"items":{"uniqueItems":true}})", kNo, "#/items/uniqueItems");
  fails(R"({"contains":{}})", kNo, "contains");
  fails(R"({"propertyNames":{}})", kNo, "propertyNames");
  fails(R"({"unevaluatedProperties":false})", kNo, "unevaluatedProperties");
  fails(R"({"dependentRequired":{}})", kNo, "dependentRequired");
  fails(R"({"anyOf":[{"type":"string","format":"color"}]})", kNo, "#/anyOf/0/format");
  fails(R"({"multipleOf":0.1})", kNo, "multipleOf");
  fails(R"({"oneOf":[{"type":"number"},{"type":"integer"}]})", kNo, "#/oneOf");
  fails(R"({"$ref":"http://example.com/schema"})", kNo, "$ref");
  fails(R"x({"pattern":"(?=a)"})x", kNo, "#/pattern");
  fails(R"({"nonsense":1})", kNo, "#/nonsense");
  fails(R"({"minProperties":3})", kNo, "minProperties");
  fails(R"({"$ref":"#/$defs/x"})", kWrong, "$ref");
  fails(R"({"$ref":"#"})", kWrong, "itself");
  fails(R"({"type":"text"})", kWrong, "#/type");
  fails(R"({"minLength":-1})", kWrong, "#/minLength");
  fails(R"({"required":"a"})", kWrong, "#/required");
  fails(R"({"type":"string","minLength":3,"maxLength":2})", kWrong, "no value");
  fails(R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})", kWrong,
        "no value");
  fails(R"(false)", kWrong, "no value");
  fails(R"({"type":)", kWrong, "not JSON");
  fails(R"([1])", kWrong, "object");
}

TEST(JsonConstraint, SoftLimitsEndWhatIsOpen) {
  JsonConstraintOptions options;
  options.max_string_characters = 3;
  options.max_items = 2;
  options.max_depth = 3;
  options.max_blanks = 0;
  const auto constraint = any_json(options);
  EXPECT_TRUE(passes(*constraint, R"(["abc",[[1]]])"));
  EXPECT_FALSE(passes(*constraint, R"("abcd")"));
  EXPECT_FALSE(passes(*constraint, "[1,2,3]"));
  EXPECT_FALSE(passes(*constraint, "[[[[1]]]]"));
  EXPECT_FALSE(passes(*constraint, "[1, 2]"));
}

// With tokens longer than some limits, and some that lead out of strings.
class LongTokenizer : public testing::ByteTokenizer {
 public:
  int64_t vocab_size() const override { return first() + static_cast<int64_t>(kLong.size()); }
  std::string_view piece(int32_t id) const override {
    return id < first() ? ByteTokenizer::piece(id) : kLong[static_cast<size_t>(id - first())];
  }

 private:
  static constexpr std::array<std::string_view, 7> kLong = {
      "한국한국",   "aaaaaaaaaaaaaaaaaaaaaaaa", "word\",\"b\":\"x",        "x\"}",
      "\\u00e9\\n", "\":\"the the the",         "한국어가 나라에서 쓰인다"};
  int64_t first() const { return ByteTokenizer::vocab_size(); }
};

// What TokenMask finds by its shortcuts, beside a walk through each token.
void compare_masks(const TextConstraint& constraint, uint64_t seed) {
  const LongTokenizer tokenizer;
  TokenMask mask(tokenizer, constraint, tokenizer.vocab_size());
  const auto automaton = constraint.walker();
  int32_t state = automaton->start();
  Rng rng(seed);
  const std::vector<float> logits(static_cast<size_t>(tokenizer.vocab_size()), 1.0F);
  for (int step = 0; step < 60; ++step) {
    const int64_t left =
        rng.below(3) == 0 ? automaton->shortest_ending(state) + 1 : TokenMask::kNoLimit;
    const std::span<const float> masked = mask.apply(logits, left);
    std::vector<int32_t> allowed;
    for (int32_t id = 0; id < static_cast<int32_t>(masked.size()); ++id) {
      int32_t behind = state;
      for (const char c : tokenizer.piece(id)) {
        if (behind != TextConstraint::kDead)
          behind = automaton->next(behind, static_cast<uint8_t>(c));
      }
      const bool in_time =
          behind != TextConstraint::kDead && automaton->shortest_ending(behind) < left;
      const bool expected = tokenizer.is_special(id) ? automaton->may_end(state) : in_time;
      ASSERT_EQ(std::isfinite(masked[static_cast<size_t>(id)]), expected) << id;
      if (expected && !tokenizer.is_special(id)) allowed.push_back(id);
    }
    EXPECT_EQ(mask.is_complete(), automaton->may_end(state) && allowed.empty());
    if (allowed.empty()) return;
    const bool long_ones = allowed.back() >= 256 && rng.below(2) == 0;
    const int32_t id = long_ones ? allowed.back() : allowed[rng.below(allowed.size())];
    mask.accept(id);
    for (const char c : tokenizer.piece(id))
      state = automaton->next(state, static_cast<uint8_t>(c));
  }
}

TEST(JsonConstraint, MasksAreThoseOfTheAutomaton) {
  for (
      const char* schema :
      {R"({"type":"object","properties":{"한국":{"type":"string","minLength":2,"maxLength":20},"b":{"type":"string"}},"required":["b"]})",
       R"({"type":"object"})", R"({"anyOf":[{"type":"string"},{"type":"string","maxLength":30}]})",
       R"({"type":"array","items":{"type":"string","maxLength":45}})"}) {
    const auto constraint = make_json_constraint(schema);
    for (uint64_t seed = 0; seed < 10; ++seed) compare_masks(*constraint, seed);
  }
}

TEST(JsonConstraint, AnswersEndInTimeWithAndWithoutSpeculation) {
  const LanguageModel model = testing::random_model(testing::small_config("llama"));
  ThreadPool pool(1);
  const auto constraint = make_json_constraint(
      R"({"type":"object","properties":{"the":{"type":"string"},"n":{"type":"array","items":{"type":"integer"}}},"required":["the","n"]})");
  const std::vector<int32_t> prompt = model.tokenizer->encode(R"({"the":"the the the")");
  // {"the":"","n":[]}: 17 bytes, in 15 tokens, since "the" is one.
  for (const int64_t tokens : {15, 16, 17, 18, 20, 40, 90}) {
    std::string texts[2];
    for (const int64_t drafts : {0, 4}) {
      GeneratorOptions options;
      options.matmul = MatmulPrecision::kF32;
      options.speculation.draft_tokens = drafts;
      options.speculation.adaptive = false;
      Generator generator(model, pool, options);
      GenerateOptions how;
      how.max_tokens = tokens;
      how.sampler.temperature = 2.0F;
      how.sampler.top_k = 0;
      how.sampler.seed = static_cast<uint64_t>(tokens);
      how.constraint = constraint.get();
      const GenerateResult result = generator.generate(prompt, how, [](std::string_view) {});
      EXPECT_EQ(result.finish, FinishReason::kComplete);
      EXPECT_LE(result.ids.size(), static_cast<size_t>(tokens));
      EXPECT_TRUE(passes(*constraint, result.text)) << result.text;
      texts[drafts > 0 ? 1 : 0] = result.text;
    }
    EXPECT_EQ(texts[0], texts[1]);
  }
  Generator generator(model, pool);
  GenerateOptions how;
  how.max_tokens = 14;
  how.constraint = constraint.get();
  EXPECT_THROW(generator.generate(prompt, how, [](std::string_view) {}), Error);
}

TEST(JsonConstraint, AFullContextEndsInTimeToo) {
  const LanguageModel model = testing::random_model(testing::small_config("llama"));
  ThreadPool pool(1);
  GeneratorOptions options;
  options.context = 60;
  Generator generator(model, pool, options);
  GenerateOptions how;
  how.max_tokens = 1000;
  const auto constraint = any_json_object();
  how.constraint = constraint.get();
  const std::vector<int32_t> prompt = model.tokenizer->encode(std::string(40, 'x'));
  const GenerateResult result = generator.generate(prompt, how, [](std::string_view) {});
  EXPECT_TRUE(passes(*constraint, result.text)) << result.text;
}

TEST(JsonConstraint, LongAnswersKeepFewStates) {
  JsonConstraintOptions options;
  options.max_string_characters = 1'000'000;
  const auto walker = make_json_constraint(R"({"type":"string"})", options)->walker();
  int32_t state = walker->next(walker->start(), '"');
  for (int i = 0; i < 200'000; ++i) {
    state = walker->next(state, 'a');
    ASSERT_NE(state, TextConstraint::kDead);
    if (walker->is_crowded()) state = walker->keep_only(state);
    ASSERT_LE(state, 30'000);
  }
  EXPECT_EQ(walker->shortest_ending(state), 1);
}

constexpr const char* kTools = R"([
  {"type": "function", "function": {"name": "날씨", "parameters": {"type": "object",
    "properties": {"city": {"$ref": "#/$defs/city"}}, "required": ["city"], "additionalProperties": false,
    "$defs": {"city": {"enum": ["서울", "부산"]}}}}},
  {"name": "now"}])";

TEST(ToolCall, AsJson) {
  ToolCallOptions options;
  options.form = ToolCallForm::kJson;
  const auto any = make_tool_call_constraint(kTools, options);
  EXPECT_TRUE(passes(*any, R"({"name": "날씨", "arguments": {"city": "서울"}})"));
  EXPECT_TRUE(passes(*any, R"({"name": "now", "arguments": {}})"));
  EXPECT_FALSE(passes(*any, R"({"name": "now", "arguments": {"city": "서울"}})"));
  EXPECT_FALSE(passes(*any, R"({"name": "날씨", "arguments": {"city": "대구"}})"));
  options.required_tool = "now";
  const auto one = make_tool_call_constraint(kTools, options);
  EXPECT_FALSE(passes(*one, R"({"name": "날씨", "arguments": {"city": "서울"}})"));
  EXPECT_TRUE(passes(*one, R"({"name":"now","arguments":{}})"));
  options.required_tool = "none";
  EXPECT_THROW(make_tool_call_constraint(kTools, options), Error);
}

TEST(ToolCall, AsHermesWritesThem) {
  const std::string call = "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";
  ToolCallOptions options;
  const auto one = make_tool_call_constraint(kTools, options);
  EXPECT_TRUE(passes(*one, call));
  EXPECT_FALSE(passes(*one, "hello"));
  EXPECT_FALSE(passes(*one, call + "\n" + call));
  options.max_calls = 2;
  const auto two = make_tool_call_constraint(kTools, options);
  EXPECT_TRUE(passes(*two, call));
  EXPECT_TRUE(passes(*two, call + "\n" + call));
  EXPECT_FALSE(passes(*two, call + "\n"));
  EXPECT_FALSE(passes(*two, call + "\n" + call + "\n" + call));
  options.text_allowed = true;
  const auto free = make_tool_call_constraint(kTools, options);
  EXPECT_TRUE(passes(*free, "안녕 <tool_cal l>"));
  EXPECT_TRUE(passes(*free, ""));
  EXPECT_TRUE(passes(*free, "잠시만요.\n<" + call));
  EXPECT_FALSE(passes(*free, "<tool_call>\n{\"name\": \"x"));
  EXPECT_FALSE(passes(*free, "<tool_call>\nhello"));
  EXPECT_EQ(free->shortest_ending(free->start()), 0);
}

}  // namespace
}  // namespace onmal
