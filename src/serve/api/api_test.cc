#include "serve/api/api.h"

#include <gtest/gtest.h>

#include <set>

#include "serve/api/completion_call.h"
#include "serve/api/embedded.h"

namespace onmal {
namespace {

TEST(Api, DescribesWhatItServesAndServesWhatItDescribes) {
  Metrics metrics;
  Api api(metrics, 0);
  Router router;
  add_api_routes(router, api);
  std::set<std::string> served, described;
  for (const auto& route : router.routes()) served.insert(route->method + " " + route->pattern);
  const ApiJson document = ApiJson::parse(embedded_openapi());
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      std::string upper;
      for (const char c : method) upper += static_cast<char>(c - 'a' + 'A');
      described.insert(upper + " " + path);
      // Every {part} of a path has a parameter.
      for (size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1)) {
        const std::string name = path.substr(at + 1, path.find('}', at) - at - 1);
        bool known = false;
        for (const ApiJson& one : operation["parameters"]) known = known || one["name"] == name;
        EXPECT_TRUE(known) << path << " " << name;
      }
    }
  }
  EXPECT_EQ(served, described);
}

TEST(JsonFields, NamesWhatIsWrong) {
  const JsonFields fields(R"({"a":1,"b":"x","c":null,"d":[1],"f":18446744073709551615})");
  EXPECT_EQ(fields.whole("a", 0, 0, 5), 1);
  EXPECT_EQ(fields.text("b"), "x");
  EXPECT_FALSE(fields.has("c"));
  EXPECT_EQ(fields.whole("c", 7, 0, 5), 7);
  const auto refused = [&](const std::function<void()>& ask) {
    try {
      ask();
    } catch (const HttpError& error) {
      EXPECT_EQ(error.status(), 400);
      return error.param();
    }
    return std::string("nothing");
  };
  EXPECT_EQ(refused([&] { fields.whole("a", 0, 2, 5); }), "a");
  EXPECT_EQ(refused([&] { fields.text("a"); }), "a");
  EXPECT_EQ(refused([&] { fields.flag("b", false); }), "b");
  EXPECT_EQ(refused([&] { fields.texts("d", 5); }), "d");
  EXPECT_EQ(refused([&] { fields.whole("f", 0, 0, INT64_MAX); }), "f");
  EXPECT_EQ(refused([&] { fields.required_text("none"); }), "none");
  for (const std::string body : {"", "[]", "{", "{\"a\":}", "\xFF"})
    EXPECT_THROW(JsonFields{body}, HttpError) << body;
  EXPECT_THROW(JsonFields("{\"a\":" + std::string(100'000, '[')), HttpError);
}

TEST(ToolCalls, AreFoundInText) {
  std::string rest;
  const ApiJson two = find_tool_calls(
      "보자.<tool_call>\n{\"name\":\"f\",\"arguments\":{\"x\":1}}\n</"
      "tool_call>\n<tool_call>{\"name\":"
      "\"g\",\"arguments\":{}}</tool_call>",
      false, rest);
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[0]["function"]["name"], "f");
  EXPECT_EQ(two[0]["function"]["arguments"], "{\"x\":1}");
  EXPECT_EQ(two[1]["index"], 1);
  EXPECT_EQ(rest, "보자.\n");
  EXPECT_TRUE(find_tool_calls("<tool_call>{nothing", false, rest).empty());
  EXPECT_EQ(rest, "<tool_call>{nothing");
  EXPECT_EQ(find_tool_calls("{\"name\":\"f\",\"arguments\":{}}", true, rest).size(), 1U);
  EXPECT_EQ(rest, "");
}

TEST(EnergyMeter, TellsAnEstimateFromAMeasurement) {
  const EnergyMeter unknown(0), stated(10);
  if (unknown.source() == "measured") GTEST_SKIP() << "this machine has a counter";
  EXPECT_EQ(unknown.source(), "unknown");
  EXPECT_FALSE(unknown.joules_since(unknown.mark(), 2));
  EXPECT_EQ(stated.source(), "estimated");
  EXPECT_DOUBLE_EQ(*stated.joules_since(stated.mark(), 2), 20);
}

}  // namespace
}  // namespace onmal
