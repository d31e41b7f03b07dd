#include "serve/api/api.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <thread>

#include "base/file.h"
#include "base/timer.h"
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
  const std::filesystem::path none = "/nowhere";
  EnergyMeter unknown(0, none), stated(10, none);
  EXPECT_EQ(unknown.source(), "unknown");
  EXPECT_FALSE(EnergyMeter::Use(unknown).joules());
  EXPECT_EQ(stated.source(), "estimated");
  const Timer timer;
  EnergyMeter::Use use(stated);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const double joules = *use.joules();
  EXPECT_GE(joules, 0.2);
  EXPECT_LE(joules, 10 * timer.seconds());
  EXPECT_EQ(*use.joules(), joules);  // it has ended
}

TEST(EnergyMeter, SharesWhatAllPackagesDraw) {
  const auto folder = std::filesystem::temp_directory_path() / "onmal_energy_test";
  std::filesystem::remove_all(folder);
  const auto count = [&](int package, int64_t microjoules) {
    const auto place = folder / ("intel-rapl:" + std::to_string(package));
    std::filesystem::create_directories(place);
    write_file(place / "max_energy_range_uj", "1000000000");
    write_file(place / "energy_uj", std::to_string(microjoules) + "\n");
  };
  count(0, 999'000'000);
  count(1, 0);
  EnergyMeter meter(50, folder);
  EXPECT_EQ(meter.source(), "measured");
  count(0, 999'500'000);  // nobody asked for it
  EnergyMeter::Use one(meter);
  count(0, 2'500'000);  // round once: 3 J
  count(1, 1'000'000);
  EnergyMeter::Use two(meter);
  count(1, 7'000'000);  // 6 J for both
  EXPECT_NEAR(*one.joules(), 3 + 1 + 3, 1e-9);
  count(0, 4'500'000);
  EXPECT_NEAR(*two.joules(), 3 + 2, 1e-9);
  std::filesystem::remove_all(folder);
}

TEST(Prices, AddUpTokensAndEnergy) {
  const PriceList list = PriceList::parse(R"(
currency = "KRW"
per_million_prompt_tokens = 100
per_million_cached_tokens = 10.0
per_million_completion_tokens = 1000
per_kwh = 180
[models."large:mine"]
per_million_completion_tokens = 4000
)",
                                          "prices.toml");
  RequestCost cost;
  cost.prompt_tokens = 3'000'000;
  cost.cached_tokens = 1'000'000;
  cost.completion_tokens = 500'000;
  list.put(cost, "small");
  EXPECT_DOUBLE_EQ(*cost.money, 200 + 10 + 500);
  cost.joules = 1.8e6;  // half a kilowatt-hour
  list.put(cost, "large:mine");
  EXPECT_DOUBLE_EQ(*cost.money, 200 + 10 + 2000 + 90);
  EnergyMeter meter(0, "/nowhere");
  EXPECT_EQ(cost_json(cost, meter)["cost"]["currency"], "KRW");
  ResourceTotals totals;
  totals.add(cost);
  totals.add(cost);
  EXPECT_DOUBLE_EQ(totals.json(meter)["total"]["cost"]["value"].get<double>(), 4600);
  RequestCost free;
  PriceList().put(free, "small");
  EXPECT_FALSE(free.money);
  for (const char* wrong :
       {"", "currency = 1", "currency = \"KRW\"\nper_mile = 1", "currency = \"KRW\"\nper_kwh = -1",
        "currency = \"KRW\"\nper_kwh = \"1\"", "currency = \"KRW\"\nmodels = 1",
        "currency = \"KRW\"\n[models.a]\nx = 1"})
    EXPECT_THROW(PriceList::parse(wrong, "prices.toml"), Error) << wrong;
}

}  // namespace
}  // namespace onmal
