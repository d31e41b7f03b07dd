#include "formats/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "formats/format_testing.h"
#include "formats/gguf_types.h"

namespace onmal {
namespace {

using gguf::ValueType;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// "GGUF", version, number of tensors, number of keys.
Bytes head(uint64_t tensors, uint64_t keys, uint32_t version = 3) {
  return Bytes().raw("GGUF").number(version).number(tensors).number(keys);
}

// One tensor's row, dimensions innermost first.
void add_entry(Bytes& bytes, const std::string& name, const std::vector<int64_t>& dims,
               uint32_t type, uint64_t offset) {
  bytes.string(name).number(static_cast<uint32_t>(dims.size()));
  for (const int64_t dim : dims) bytes.number(dim);
  bytes.number(type).number(offset);
}

std::string one_tensor(const std::vector<int64_t>& dims, uint32_t type, uint64_t offset,
                       size_t data_bytes) {
  Bytes bytes = head(1, 0);
  add_entry(bytes, "t", dims, type, offset);
  return bytes.pad(32).raw(std::string(data_bytes, 'd')).text();
}

class GgufTest : public FolderTest {
 protected:
  GgufTest() {
    for (size_t i = 0; i < blocks_.size(); ++i) blocks_[i] = static_cast<uint8_t>(i);
    metadata_.set("general.architecture", "llama");
    metadata_.set("flag", true);
    metadata_.set("small", int64_t{7});
    metadata_.set("negative", int64_t{-7});
    metadata_.set("wide", int64_t{-1} << 40);
    metadata_.set("unsigned", ~uint64_t{0});
    metadata_.set("float", 0.5);
    metadata_.set("flags", std::vector<bool>{true, false});
    metadata_.set("ints", std::vector<int64_t>{1, -2, 3});
    metadata_.set("wides", std::vector<int64_t>{int64_t{1} << 40});
    metadata_.set("floats", std::vector<double>{1.5, -2.5});
    metadata_.set("strings", std::vector<std::string>{"가", "", "b c"});
  }

  Metadata metadata_;
  std::vector<float> matrix_ = {1, 2, 3, 4, 5, 6};
  std::vector<uint16_t> halves_ = {0x3C00, 0x4000, 0x4200};
  std::vector<int32_t> integers_ = {-1, 7};
  std::vector<uint8_t> blocks_ = std::vector<uint8_t>(34 * 4);
  std::vector<NamedTensor> tensors_ = {
      named("a.matrix", matrix_, {2, 3}, DType::kF32),
      named("b", halves_, {3}, DType::kF16),
      named("c", halves_, {3, 1}, DType::kBF16),
      named("d", integers_, {1, 1, 1, 2}, DType::kI32),
      named("e", blocks_, {2, 64}, DType::kQ8_0),
  };
};

TEST_F(GgufTest, RoundTrips) {
  write_gguf(folder_ / "m.gguf", metadata_, tensors_);
  const GgufFile file(folder_ / "m.gguf");
  EXPECT_EQ(file.version(), 3U);
  ASSERT_EQ(file.metadata().items().size(), metadata_.items().size());
  for (size_t i = 0; i < metadata_.items().size(); ++i) {
    EXPECT_EQ(file.metadata().items()[i].first, metadata_.items()[i].first);
    EXPECT_EQ(file.metadata().items()[i].second, metadata_.items()[i].second)
        << metadata_.items()[i].first;
  }
  ASSERT_EQ(file.entries().size(), tensors_.size());
  for (size_t i = 0; i < tensors_.size(); ++i) {
    EXPECT_EQ(file.entries()[i].name, tensors_[i].name);
    EXPECT_EQ(file.entries()[i].offset % 32, 0U);
    const Tensor tensor = file.tensor(tensors_[i].name);
    EXPECT_EQ(tensor.shape(), tensors_[i].tensor.shape());
    EXPECT_EQ(tensor.dtype(), tensors_[i].tensor.dtype());
    EXPECT_EQ(
        std::memcmp(tensor.data(), tensors_[i].tensor.data(), static_cast<size_t>(tensor.bytes())),
        0)
        << tensors_[i].name;
  }
  EXPECT_FALSE(file.find("none").defined());
  EXPECT_THROW(file.tensor("none"), Error);
}

TEST_F(GgufTest, WritesTheTypesThatLlamaCppWants) {
  Metadata metadata;
  metadata.set("n", int64_t{7});
  write_gguf(folder_ / "m.gguf", metadata, {});
  const std::string expected =
      head(0, 1).string("n").number(ValueType::kUint32).number(uint32_t{7}).pad(32).text();
  EXPECT_EQ(read_file(folder_ / "m.gguf"), expected);
}

TEST_F(GgufTest, OwnAlignmentReplacesTheSource) {
  metadata_.set("general.alignment", int64_t{4096});
  write_gguf(folder_ / "m.gguf", metadata_, tensors_);
  const GgufFile file(folder_ / "m.gguf");
  EXPECT_FALSE(file.metadata().contains("general.alignment"));
  EXPECT_EQ(file.tensor("a.matrix").f32()[5], 6.0F);
}

TEST_F(GgufTest, RefusesWhatGgufCannotHold) {
  const auto error = [&](const std::vector<NamedTensor>& tensors) {
    return error_of([&] { write_gguf(folder_ / "m.gguf", {}, tensors); });
  };
  EXPECT_THAT(error({tensors_[0], tensors_[0]}), HasSubstr("twice"));
  EXPECT_THAT(error({named("", matrix_, {6}, DType::kF32)}), HasSubstr("1 to 63"));
  EXPECT_THAT(error({named(std::string(64, 'n'), matrix_, {6}, DType::kF32)}),
              HasSubstr("1 to 63"));
  EXPECT_THAT(error({{"u", Tensor()}}), HasSubstr("undefined"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "m.gguf"));
}

TEST_F(GgufTest, SurvivesDamage) {
  write_gguf(folder_ / "m.gguf", metadata_, tensors_);
  const std::string text = read_file(folder_ / "m.gguf");
  // The last tensor's padding may be missing.
  const size_t padding = (32 - blocks_.size() % 32) % 32;
  expect_survives_damage<GgufFile>(text, text.size() - padding);
}

TEST_F(GgufTest, ReadsEveryValueType) {
  Bytes bytes = head(0, 9, 2);
  bytes.string("u8").number(ValueType::kUint8).number(uint8_t{255});
  bytes.string("i8").number(ValueType::kInt8).number(int8_t{-1});
  bytes.string("u16").number(ValueType::kUint16).number(uint16_t{65535});
  bytes.string("i16").number(ValueType::kInt16).number(int16_t{-2});
  bytes.string("i64").number(ValueType::kInt64).number(std::numeric_limits<int64_t>::min());
  bytes.string("u64").number(ValueType::kUint64).number(uint64_t{9});
  bytes.string("f64").number(ValueType::kFloat64).number(0.1);
  bytes.string("a8").number(ValueType::kArray).number(ValueType::kInt8).number(uint64_t{2});
  bytes.number(int8_t{-3}).number(int8_t{3});
  bytes.string("af64").number(ValueType::kArray).number(ValueType::kFloat64).number(uint64_t{1});
  bytes.number(0.2);
  const ExactBytes exact(bytes.text());
  const GgufFile file(exact.span(), "t");
  const Metadata& metadata = file.metadata();
  EXPECT_EQ(file.version(), 2U);
  EXPECT_EQ(metadata.get_int("u8"), 255);
  EXPECT_EQ(metadata.get_int("i8"), -1);
  EXPECT_EQ(metadata.get_int("u16"), 65535);
  EXPECT_EQ(metadata.get_int("i16"), -2);
  EXPECT_EQ(metadata.get_int("i64"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(metadata.get_int("u64"), 9);
  EXPECT_EQ(metadata.get_float("f64"), 0.1);
  EXPECT_THAT(metadata.get_ints("a8"), ElementsAre(-3, 3));
  EXPECT_THAT(metadata.get_floats("af64"), ElementsAre(0.2));
}

TEST(GgufHostileTest, ForeignTypesFailOnlyWhenAskedFor) {
  Bytes bytes = head(2, 0);
  add_entry(bytes, "k", {256, 2}, 16, 0);
  add_entry(bytes, "new", {5}, 12345, 160);
  const ExactBytes exact(bytes.pad(32).raw(std::string(192, 'd')).text());
  const GgufFile file(exact.span(), "t");
  EXPECT_EQ(file.entries()[0].type_name, "IQ2_XXS");
  EXPECT_EQ(file.entries()[0].bytes, 132U);
  EXPECT_THAT(file.entries()[0].dims, ElementsAre(2, 256));
  EXPECT_THAT(error_of([&] { file.tensor("k"); }), AllOf(HasSubstr("'k'"), HasSubstr("IQ2_XXS")));
  EXPECT_THAT(error_of([&] { file.find("new"); }), HasSubstr("type 12345"));
}

struct HostileFile {
  std::string text;
  const char* message;
};

Bytes key_of_type(ValueType type) { return head(0, 1).string("k").number(type); }

Bytes array_of(ValueType element, uint64_t count) {
  return key_of_type(ValueType::kArray).number(element).number(count);
}

void expect_refused(const std::vector<HostileFile>& files) {
  for (size_t i = 0; i < files.size(); ++i) {
    std::string message;
    EXPECT_FALSE(opens<GgufFile>(files[i].text, &message)) << "case " << i;
    EXPECT_THAT(message, HasSubstr(files[i].message)) << "case " << i;
  }
}

TEST(GgufHostileTest, RefusesLyingHeadersAndValues) {
  constexpr uint64_t kHuge = ~uint64_t{0};
  expect_refused({
      {"", "ends inside"},
      {"GGU", "ends inside"},
      {Bytes().raw("GGML").number(uint32_t{3}).text(), "does not begin with 'GGUF'"},
      {head(0, 0, 1).text(), "version 1"},
      {head(0, 0, 4).text(), "version 4"},
      {head(0, 0, 0x03000000).text(), "big-endian"},
      {head(kHuge, 0).text(), "tensors"},
      {head(0, kHuge).text(), "metadata keys"},
      {head(uint64_t{1} << 61, 0).text(), "tensors"},
      {head(0, 1).number(kHuge).text(), "metadata keys"},
      {head(0, 1).number(kHuge).raw("12345").text(), "ends inside a key"},
      {key_of_type(static_cast<ValueType>(13)).number(kHuge).text(), "unknown value type 13"},
      {key_of_type(ValueType::kString).number(kHuge).text(), "ends inside k"},
      {key_of_type(ValueType::kString).number(uint64_t{9}).raw("short").text(), "ends inside k"},
      {key_of_type(ValueType::kBool).number(uint8_t{2}).text(), "the boolean 2"},
      {array_of(ValueType::kString, kHuge).text(), "array elements"},
      {array_of(ValueType::kString, 1).number(kHuge).text(), "ends inside k"},
      {array_of(ValueType::kUint64, 1).number(kHuge).text(), "over 2^63"},
      {array_of(ValueType::kUint64, uint64_t{1} << 61).text(), "array elements"},
      {array_of(ValueType::kUint8, uint64_t{1} << 40).raw("xxxx").text(), "array elements"},
      {array_of(ValueType::kBool, 2).raw("\1\2").text(), "the boolean 2"},
      {array_of(ValueType::kArray, 1).number(ValueType::kArray).text(), "array of arrays"},
      {array_of(static_cast<ValueType>(99), 0).text(), "unknown value type 99"},
      {head(0, 2)
           .string("k")
           .number(ValueType::kBool)
           .number(uint8_t{1})
           .string("k")
           .number(ValueType::kBool)
           .number(uint8_t{1})
           .text(),
       "'k' twice"},
  });
}

TEST(GgufHostileTest, RefusesBadAlignments) {
  for (const int32_t alignment : {0, -32, 3, 48, 1 << 30}) {
    const std::string text =
        head(0, 1).string("general.alignment").number(ValueType::kInt32).number(alignment).text();
    expect_refused({{text, "power of two"}});
  }
  expect_refused(
      {{head(0, 1).string("general.alignment").number(ValueType::kString).string("x").text(),
        "expected an integer"}});
}

TEST(GgufHostileTest, RefusesLyingTensors) {
  constexpr int64_t kLarge = int64_t{1} << 62;
  expect_refused({
      {one_tensor({-1}, 0, 0, 64), "negative"},
      {one_tensor({4, -4}, 0, 0, 64), "negative"},
      {one_tensor({kLarge}, 0, 0, 64), "overflow"},
      {one_tensor({int64_t{1} << 32, int64_t{1} << 32}, 0, 0, 64), "overflow"},
      {one_tensor({0, kLarge, kLarge}, 0, 0, 64), "overflow"},
      {one_tensor({17}, 0, 0, 64), "wants bytes"},
      {one_tensor({1}, 0, 64, 64), "wants bytes"},
      {one_tensor({1}, 0, ~uint64_t{0} - 31, 64), "wants bytes"},
      {one_tensor({1}, 0, 4, 64), "not aligned"},
      {one_tensor({31}, 8, 0, 64), "whole blocks"},
      {one_tensor({1, 1, 1, 1, 1}, 0, 0, 64), "5 dimensions"},
      {head(1, 0).string("t").number(~uint32_t{0}).pad(64).text(), "dimensions"},
      {head(1, 0).number(~uint64_t{0}).raw(std::string(24, 'x')).text(), "a tensor's name"},
  });
  EXPECT_TRUE(opens<GgufFile>(one_tensor({16}, 0, 0, 64)));
  EXPECT_TRUE(opens<GgufFile>(one_tensor({0, 4}, 0, 0, 0)));
  EXPECT_TRUE(opens<GgufFile>(one_tensor({}, 0, 0, 4)));
}

TEST(GgufHostileTest, RefusesOverlapAndRepeatedNames) {
  Bytes overlap = head(2, 0);
  add_entry(overlap, "a", {16}, 0, 0);
  add_entry(overlap, "b", {16}, 0, 32);
  Bytes repeated = head(2, 0);
  add_entry(repeated, "a", {8}, 0, 0);
  add_entry(repeated, "a", {8}, 0, 32);
  expect_refused({{overlap.pad(32).raw(std::string(96, 'd')).text(), "overlap"},
                  {repeated.pad(32).raw(std::string(96, 'd')).text(), "twice"}});
}

TEST(GgufGoldenTest, EveryGoldenFileOpens) {
  const std::filesystem::path folder = golden_folder();
  if (!std::filesystem::is_directory(folder)) {
    GTEST_SKIP() << "SKIPPED: no golden files in " << folder << " (set ONMAL_GOLDEN)";
  }
  int files = 0;
  for (const auto& place : std::filesystem::directory_iterator(folder)) {
    if (place.path().extension() != ".gguf") continue;
    const GgufFile file(place.path());
    const std::string architecture = file.metadata().get_string("general.architecture");
    const int64_t width = file.metadata().get_int(architecture + ".embedding_length");
    const int64_t vocabulary = file.metadata().get_int(architecture + ".vocab_size");
    EXPECT_EQ(static_cast<int64_t>(file.metadata().get_strings("tokenizer.ggml.tokens").size()),
              vocabulary);
    bool seen = false;
    for (const TensorEntry& entry : file.entries()) {
      EXPECT_GT(entry.bytes, 0U) << place.path() << " " << entry.name << " " << entry.type_name;
      if (entry.name == "token_embd.weight") {
        seen = true;
        EXPECT_THAT(entry.dims, ElementsAre(vocabulary, width)) << place.path();
      }
    }
    EXPECT_TRUE(seen) << place.path();
    const bool bert = architecture == "bert";  // the one that norms its embedding instead
    const std::string norm = bert ? "token_embd_norm.weight" : "blk.0.attn_norm.weight";
    EXPECT_EQ(file.tensor(norm).shape(), Shape{width}) << place.path();
    ++files;
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace onmal
