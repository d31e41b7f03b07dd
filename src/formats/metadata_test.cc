#include "formats/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/format_testing.h"
#include "formats/json_metadata.h"

namespace onmal {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(MetadataTest, KeepsOrderAndReplacesInPlace) {
  Metadata metadata;
  metadata.set("b", int64_t{1});
  metadata.set("a", "text");
  metadata.set("b", 2.5);
  ASSERT_EQ(metadata.items().size(), 2U);
  EXPECT_EQ(metadata.items()[0].first, "b");
  EXPECT_EQ(metadata.get_float("b"), 2.5);
  EXPECT_EQ(metadata.get_string("a"), "text");
  EXPECT_THROW(metadata.add("a", true), Error);
}

TEST(MetadataTest, GettersConvertOnlyWithoutLoss) {
  Metadata metadata;
  metadata.set("int", int64_t{7});
  metadata.set("size", uint64_t{8});
  metadata.set("huge", uint64_t{1} << 63);
  EXPECT_EQ(metadata.get_float("int"), 7.0);
  EXPECT_EQ(metadata.get_int("size"), 8);
  EXPECT_EQ(metadata.get_float("huge"), 0x1p63);
  EXPECT_THROW(metadata.get_int("huge"), Error);
  EXPECT_THROW(metadata.get_bool("int"), Error);
  EXPECT_EQ(metadata.get_int("none", 5), 5);
  EXPECT_EQ(metadata.get_float("none", 0.5), 0.5);
  EXPECT_TRUE(metadata.get_bool("none", true));
  EXPECT_EQ(metadata.get_string("none", "x"), "x");
  EXPECT_THAT(metadata.get_ints("int"), ElementsAre(7));
  EXPECT_THAT(metadata.get_floats("int"), ElementsAre(7.0));
}

TEST(MetadataTest, ErrorsNameFileKeyFoundAndExpected) {
  Metadata metadata("some/config.json");
  metadata.set("layers", std::vector<std::string>{"a", "b"});
  EXPECT_THAT(error_of([&] { metadata.get_int("layers"); }),
              AllOf(HasSubstr("some/config.json"), HasSubstr("'layers'"),
                    HasSubstr("an array of 2 string(s)"), HasSubstr("expected an integer")));
  EXPECT_THAT(error_of([&] { metadata.get_int("heads"); }),
              AllOf(HasSubstr("some/config.json"), HasSubstr("'heads' is missing")));
  // A fallback is for absence, not for a wrong type.
  EXPECT_THROW(metadata.get_int("layers", 3), Error);
}

TEST(JsonMetadataTest, FlattensAndWritesBack) {
  const std::string text = R"({
  "model_type": "llama",
  "rope": {
    "theta": 10000.5,
    "deep": {
      "on": true
    }
  },
  "ids": [
    1,
    2
  ],
  "names": [
    "가",
    "b"
  ],
  "flags": [
    true,
    false
  ],
  "mixed": [
    1,
    "x",
    {
      "y": [
        0.5,
        1.0
      ]
    }
  ],
  "none": [],
  "big": 18446744073709551615,
  "negative": -3
}
)";
  const Metadata metadata = parse_json_metadata(text, "t.json");
  EXPECT_EQ(metadata.get_float("rope.theta"), 10000.5);
  EXPECT_TRUE(metadata.get_bool("rope.deep.on"));
  EXPECT_THAT(metadata.get_ints("ids"), ElementsAre(1, 2));
  EXPECT_THAT(metadata.get_strings("names"), ElementsAre("가", "b"));
  EXPECT_EQ(metadata.get_int("mixed[0]"), 1);
  EXPECT_EQ(metadata.get_string("mixed[1]"), "x");
  EXPECT_THAT(metadata.get_floats("mixed[2].y"), ElementsAre(0.5, 1.0));
  EXPECT_THAT(metadata.get_strings("none"), IsEmpty());
  EXPECT_THAT(metadata.get_ints("none"), IsEmpty());
  EXPECT_EQ(metadata.get_int("negative"), -3);
  EXPECT_EQ(write_json_metadata(metadata), text);
}

TEST(JsonMetadataTest, NullIsAbsentAndIntegersAmongFloatsAreFloats) {
  const Metadata metadata =
      parse_json_metadata(R"({"a": null, "b": [1, 2.5, 3], "c": [1.5, 2], "d": [null, 4]})", "t");
  EXPECT_FALSE(metadata.contains("a"));
  EXPECT_THAT(metadata.get_floats("b"), ElementsAre(1.0, 2.5, 3.0));
  EXPECT_THAT(metadata.get_floats("c"), ElementsAre(1.5, 2.0));
  EXPECT_EQ(metadata.get_int("d[1]"), 4);
}

TEST(JsonMetadataTest, RefusesMalformedText) {
  const std::string deep_arrays = R"({"a":)" + std::string(100000, '[');
  std::string deep_objects;
  for (int i = 0; i < 100; ++i) deep_objects += R"({"a":)";
  const std::vector<std::string> cases = {"",
                                          "[]",
                                          "1",
                                          "\"x\"",
                                          "{",
                                          R"({"a" 1})",
                                          R"({"a":1,})",
                                          R"({"a":1}x)",
                                          R"({"a":1e999})",
                                          R"({"a":1,"a":2})",
                                          "null",
                                          "{\"a\":\"\xff\"}",
                                          deep_arrays,
                                          deep_objects,
                                          R"({"a":tru})"};
  for (const std::string& text : cases) {
    const AllocationWatch watch;
    EXPECT_THAT(error_of([&] { parse_json_metadata(text, "bad.json"); }), HasSubstr("bad.json"))
        << text.substr(0, 40);
    EXPECT_LE(watch.total(), 64 * text.size() + 65536);
  }
  EXPECT_THAT(error_of([] { parse_json_metadata(R"({"a": tru})", "t"); }), HasSubstr("at byte 10"));
}

TEST(JsonMetadataTest, LongKeysCannotMultiply) {
  std::string text = R"({")" + std::string(100000, 'k') + R"(":{)";
  for (int i = 0; i < 10000; ++i) {
    text += i > 0 ? ",\"" : "\"";
    text += std::to_string(i);
    text += "\":1";
  }
  text += "}}";
  const AllocationWatch watch;
  EXPECT_THAT(error_of([&] { parse_json_metadata(text, "t"); }), HasSubstr("keys too long"));
  EXPECT_LE(watch.total(), 128 * text.size());
}

TEST(JsonMetadataTest, RefusesToWriteContradictions) {
  Metadata twice;
  twice.set("a", int64_t{1});
  twice.set("a.b", int64_t{2});
  EXPECT_THAT(error_of([&] { write_json_metadata(twice); }), HasSubstr("contradicts"));
  Metadata infinite;
  infinite.set("a", std::numeric_limits<double>::infinity());
  EXPECT_THAT(error_of([&] { write_json_metadata(infinite); }), HasSubstr("finite"));
  Metadata holes;
  holes.set("a[999999999]", int64_t{1});
  EXPECT_THAT(error_of([&] { write_json_metadata(holes); }), HasSubstr("skips"));
  EXPECT_THROW(quote_json("\xff", "t"), Error);
  EXPECT_EQ(quote_json("a\"\n", "t"), R"("a\"\n")");
}

}  // namespace
}  // namespace onmal
