#include "tokenizer/jinja/template.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tokenizer/jinja/json_value.h"

namespace onmal::jinja {
namespace {

std::string render(std::string_view source, std::string_view variables = "{}") {
  std::vector<std::pair<std::string, Value>> names;
  const Value object = parse_json(variables, 1, "variables");
  for (const auto& [key, value] : object.dict_or_null()->items) {
    names.emplace_back(encode_text(*key.text()), value);
  }
  return encode_text(Template(source).render(names, 1'700'000'000));
}

std::string error_of(std::string_view source, std::string_view variables = "{}") {
  try {
    return "rendered: " + render(source, variables);
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(JinjaTest, WhiteSpaceIsControlled) {
  EXPECT_EQ(render("a\n  {% if true %}\nb\n  {% endif %}\nc\n"), "a\nb\nc");
  EXPECT_EQ(render("a  {%- if true -%}  b  {%- endif %}  c"), "ab  c");
  EXPECT_EQ(render("a\n  {%+ if true +%}\nb{% endif %}"), "a\n  \nb");
  EXPECT_EQ(render("a {{- 1 -}} b\n\n"), "a1b\n");
  EXPECT_EQ(render("x\n  {# note #}\ny {#- z -#} w"), "x\nyw");
  EXPECT_EQ(render("{% raw %}{{ x }}{% endraw %}"), "{{ x }}");
}

TEST(JinjaTest, OperatorsAreThoseOfPython) {
  EXPECT_EQ(render("{{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 3 ** 2 }} {{ 7 / 2 }} {{ 1 ~ none }}"),
            "-4 2 64 3.5 1None");
  EXPECT_EQ(render("{{ 1 < 2 < 3 }} {{ 1 in [1] }} {{ 'b' not in 'abc' }} {{ [1, 2] == [1, 2] }}"),
            "True True False True");
  EXPECT_EQ(render("{{ -1 | abs }} {{ not 1 == 2 }} {{ 'a' 'b' }} {{ '가나다라'[::-2] }}"),
            "1 True ab 라나");
  EXPECT_EQ(render("{{ 1e16 }} {{ 0.1 + 0.2 }} {{ 100.0 }} {{ 1e-5 }}"),
            "1e+16 0.30000000000000004 100.0 1e-05");
  EXPECT_EQ(render("{{ [1, 'a\\'', none, {'k': (1,)}] }}"), "[1, \"a'\", None, {'k': (1,)}]");
}

TEST(JinjaTest, ScopesAreThoseOfJinja) {
  EXPECT_EQ(
      render("{% set x = 1 %}{% for i in [1, 2] %}{% set x = i + x %}{{ x }}{% endfor %}{{ x }}"),
      "231");
  EXPECT_EQ(render("{% set ns = namespace(n=0) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}"
                   "{% endfor %}{{ ns.n }}"),
            "3");
  EXPECT_EQ(render("{% macro m(a, b='B') %}{{ a }}{{ b }}{{ caller() if caller }}{% endmacro %}"
                   "{{ m(1) }}{% call m(2, b=3) %}x{% endcall %}"),
            "1B23x");
}

TEST(JinjaTest, LoopsCount) {
  EXPECT_EQ(render("{% for x in 'abc' %}{{ loop.index }}{{ loop.revindex0 }}{{ x }}"
                   "{{ ',' if not loop.last }}{% endfor %}"),
            "12a,21b,30c");
  EXPECT_EQ(
      render("{% for x in [1, 2, 3, 4] if x is even %}{{ x }}/{{ loop.length }} {% endfor %}"),
      "2/2 4/2 ");
  EXPECT_EQ(render("{% for x in [] %}{% else %}none{% endfor %}"), "none");
  EXPECT_EQ(render("{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}"), "a1");
  EXPECT_EQ(render("{% for x in [1, [2, [3]]] recursive %}{% if x is iterable %}({{ loop(x) }})"
                   "{% else %}{{ x }}{% endif %}{% endfor %}"),
            "1(2(3))");
  EXPECT_EQ(
      render("{% for x in [1, 2, 3] %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}"),
      "13");
}

TEST(JinjaTest, JsonKeepsCharactersAndOrder) {
  EXPECT_EQ(render("{{ x | tojson }}", R"({"x": {"나": "<\"\n>", "a": [1, 2.0, true, null]}})"),
            R"({"나": "<\"\n>", "a": [1, 2.0, true, null]})");
  EXPECT_EQ(render("{{ x | tojson(indent=1) }}", R"({"x": {"a": [1], "b": {}}})"),
            "{\n \"a\": [\n  1\n ],\n \"b\": {}\n}");
}

TEST(JinjaTest, TextIsCountedInCharacters) {
  EXPECT_EQ(
      render("{{ s | length }} {{ s[1] }} {{ s | upper }} {{ 'ß'.upper() }} {{ 'ΑΣ' | lower }}",
             R"({"s": "온말é"})"),
      "3 말 온말É SS ας");
  EXPECT_EQ(render("{{ s }}", "{\"s\": \"a\"}"), "a");
}

TEST(JinjaTest, MarksFollowTheirCharacters) {
  const Template parsed("<{{ s | trim | replace('x', 'y') | upper }}>{{ (s ~ 'z')[1:4] }}");
  const Text text = parsed.render({{"s", Value::of_text(" axb ", 7)}}, 0);
  EXPECT_EQ(encode_text(text), "<AYB>axb");
  std::vector<uint32_t> marks;
  for (const char32_t c : text) marks.push_back(mark_of(c));
  EXPECT_EQ(marks, (std::vector<uint32_t>{0, 7, 0, 7, 0, 7, 7, 7}));
}

TEST(JinjaTest, ErrorsNameTheLine) {
  EXPECT_EQ(error_of("a\n{{ raise_exception('no') }}"),
            "chat template, line 2: the template refuses: no");
  EXPECT_EQ(error_of("\n\n{{ x.y }}"), "chat template, line 3: 'x' is undefined");
  for (const char* bad : {"{{ 1 +",
                          "{% if %}",
                          "{% for x %}",
                          "{% endif %}",
                          "{{ (1 }}",
                          "{% if x %}",
                          "{{ 'a }}",
                          "{# x",
                          "{% raw %}",
                          "{{ 1 | nosuch }}",
                          "{{ 1 is nosuch }}",
                          "{% include 'x' %}",
                          "{{ [1].append(2) }}",
                          "{{ 1 / 0 }}",
                          "{{ 'a' + 1 }}",
                          "{{ 9223372036854775807 + 1 }}",
                          "{{ none() }}",
                          "{% break %}",
                          "{{ range(1000000) }}",
                          "{{ 'a'.nosuch() }}",
                          "{% set x.y = 1 %}"}) {
    EXPECT_EQ(error_of(bad).substr(0, 19), "chat template, line") << bad << ": " << error_of(bad);
  }
}

TEST(JinjaTest, NothingRunsForEver) {
  const char* endless[] = {
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}"
      "{% endfor %}",
      "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
      "{{ 'a' * 1000000000000 }}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor "
      "%}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% "
      "endfor %}"
      "{{ ns.x }}",
      "{% set ns = namespace(x=[1]) %}{% set m = namespace(x=[1]) %}{% for i in range(99) %}"
      "{% set ns.x = [ns.x, ns.x] %}{% set m.x = [m.x, m.x] %}{% endfor %}{{ ns.x == m.x }}",
  };
  for (const char* source : endless) {
    EXPECT_THROW(render(source), Error) << source;
  }
  EXPECT_THROW(Template("{{ " + std::string(100000, '(')), Error);
  std::string sum = "{{ 1";
  for (int i = 0; i < 100000; ++i) sum += " + 1";
  EXPECT_THROW(Template(sum + " }}"), Error);
}

TEST(JinjaTest, CirclesAreFreed) {
  EXPECT_EQ(render("{% set ns = namespace() %}{% set ns.me = ns %}{% macro m() %}x{% endmacro %}"
                   "{% set ns.m = m %}{{ ns.m() }}"),
            "x");
}

}  // namespace
}  // namespace onmal::jinja
