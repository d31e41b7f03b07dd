#include "formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/format_testing.h"

namespace onmal {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string file_of(const std::string& header, size_t data_bytes) {
  return Bytes().string(header).raw(std::string(data_bytes, 'd')).text();
}

class SafetensorsTest : public FolderTest {
 protected:
  std::vector<float> matrix_ = {1, 2, 3, 4, 5, 6};
  std::vector<uint16_t> halves_ = {0x3C00, 0x4000, 0x4200};
  std::vector<int32_t> integers_ = {-1, 7};
  std::vector<double> doubles_ = {0.25};
  std::vector<NamedTensor> tensors_ = {
      named("a.matrix", matrix_, {2, 3}, DType::kF32),
      named("b", halves_, {3}, DType::kF16),
      named("c \"quoted\" 가", halves_, {1, 3, 1}, DType::kBF16),
      named("d", integers_, {2}, DType::kI32),
      named("e", doubles_, {1}, DType::kF64),
  };
};

TEST_F(SafetensorsTest, RoundTrips) {
  Metadata metadata;
  metadata.set("format", "pt");
  metadata.set("note", "온말 \"1\"");
  write_safetensors(folder_ / "m.safetensors", tensors_, metadata);
  const SafetensorsFile file(folder_ / "m.safetensors");
  EXPECT_EQ(file.metadata().get_string("note"), "온말 \"1\"");
  ASSERT_EQ(file.entries().size(), tensors_.size());
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const Tensor tensor = file.tensor(tensors_[i].name);
    EXPECT_EQ(tensor.shape(), tensors_[i].tensor.shape());
    EXPECT_EQ(tensor.dtype(), tensors_[i].tensor.dtype());
    EXPECT_EQ(
        std::memcmp(tensor.data(), tensors_[i].tensor.data(), static_cast<size_t>(tensor.bytes())),
        0)
        << tensors_[i].name;
  }
  // Wide ones first, so that all are aligned.
  EXPECT_EQ(file.entries().front().name, "e");
  EXPECT_EQ(file.entries().back().name, tensors_[2].name);
  EXPECT_FALSE(file.find("none").defined());
  EXPECT_THAT(error_of([&] { file.tensor("none"); }),
              AllOf(HasSubstr("m.safetensors"), HasSubstr("'none'")));
}

TEST_F(SafetensorsTest, MovedFileKeepsItsTensors) {
  write_safetensors(folder_ / "m", tensors_);
  SafetensorsFile first(folder_ / "m");
  const Tensor before = first.tensor("a.matrix");
  const SafetensorsFile second = std::move(first);
  EXPECT_EQ(second.tensor("a.matrix").data(), before.data());
  EXPECT_EQ(before.f32()[5], 6.0F);
}

TEST_F(SafetensorsTest, RefusesQuantisedAndTakenNames) {
  std::vector<uint8_t> block(34);
  const std::vector<NamedTensor> quantized = {named("q", block, {1, 32}, DType::kQ8_0)};
  EXPECT_THAT(error_of([&] { write_safetensors(folder_ / "m", quantized); }),
              AllOf(HasSubstr("q8_0"), HasSubstr("GGUF")));
  const std::vector<NamedTensor> twice = {tensors_[0], tensors_[0]};
  EXPECT_THAT(error_of([&] { write_safetensors(folder_ / "m", twice); }), HasSubstr("taken"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "m"));
}

TEST_F(SafetensorsTest, SurvivesDamage) {
  write_safetensors(folder_ / "m", std::span(tensors_).subspan(0, 3));
  const std::string text = read_file(folder_ / "m");
  expect_survives_damage<SafetensorsFile>(text, text.size());
}

TEST_F(SafetensorsTest, UnalignedTensorsAreCopied) {
  // An odd header length puts the floats on odd addresses.
  std::string header = R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  if (header.size() % 2 == 0) header += ' ';
  const std::string text = Bytes().string(header).number(1.5F).number(-2.0F).text();
  const ExactBytes bytes(text);
  const SafetensorsFile file(bytes.span(), "t");
  const Tensor tensor = file.tensor("x");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data()) % alignof(float), 0U);
  EXPECT_EQ(tensor.f32()[0], 1.5F);
  EXPECT_EQ(tensor.f32()[1], -2.0F);
}

TEST(SafetensorsHostileTest, ForeignTypesFailOnlyWhenAskedFor) {
  const std::string header = R"({"x":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
                             R"("y":{"dtype":"NEW","shape":[3],"data_offsets":[8,9]},)"
                             R"("z":{"dtype":"U8","shape":[1,1,1,1,1],"data_offsets":[9,10]},)"
                             R"("s":{"dtype":"F32","shape":[],"data_offsets":[10,14]}})";
  const std::string text = file_of(header, 14);
  const ExactBytes bytes(text);
  const SafetensorsFile file(bytes.span(), "t");
  EXPECT_THAT(error_of([&] { file.tensor("x"); }), HasSubstr("I64"));
  EXPECT_THAT(error_of([&] { file.find("y"); }), HasSubstr("NEW"));
  EXPECT_THAT(error_of([&] { file.find("z"); }), HasSubstr("U8"));
  EXPECT_EQ(file.tensor("s").shape(), Shape{1});
}

struct HostileCase {
  const char* header;
  size_t data_bytes;
  const char* message;
};

TEST(SafetensorsHostileTest, RefusesEveryLie) {
  const std::vector<HostileCase> cases = {
      {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} x)", 8, "malformed JSON"},
      {R"({"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8, "do not make"},
      {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8, "ends before"},
      {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7, "wants bytes"},
      {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 9, "cover 8 of 9"},
      {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12, "cover 8 of 12"},
      {R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
       4, "overlap"},
      {R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
       2, "twice"},
      {R"({"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "-2"},
      {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[-1,7]}})", 8, "-1"},
      {R"({"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
       "do not make"},
      {R"({"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0,
       "do not make"},
      {R"({"x":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,0]}})", 0,
       "over 2^63"},
      {R"({"x":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}})", 8, "fraction"},
      {R"({"x":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", 8, "deeper"},
      {R"({"x":{"dtype":"F32","shape":{},"data_offsets":[0,8]}})", 8, "an object"},
      {R"({"x":{"dtype":"F32","shape":2,"data_offsets":[0,8]}})", 8, "where none belongs"},
      {R"({"x":{"dtype":4,"shape":[2],"data_offsets":[0,8]}})", 8, "where none belongs"},
      {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4,8]}})", 8, "third offset"},
      {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8, "lacks"},
      {R"({"x":{"dtype":"F32","shape":[2]}})", 8, "lacks"},
      {R"({"x":{"dtype":"F32","data_offsets":[0,8]}})", 8, "lacks"},
      {R"({"x":{"shape":[2],"data_offsets":[0,8]}})", 8, "lacks"},
      {R"({"x":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8, "repeated"},
      {R"({"x":{"dtype":"F32","colour":"F32","shape":[2],"data_offsets":[0,8]}})", 8, "colour"},
      {R"({"x":null})", 0, "null"},
      {R"({"x":[]})", 0, "an array"},
      {R"({"__metadata__":{"a":1}})", 0, "__metadata__"},
      {R"({"__metadata__":{"a":{}}})", 0, "__metadata__"},
      {R"({"__metadata__":{},"__metadata__":{}})", 0, "twice"},
      {R"({"__metadata__":{"a":"1","a":"2"}})", 0, "twice"},
      {R"([])", 0, "does not begin"},
      {R"()", 0, "does not begin"},
      {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[9223372036854775800,9223372036854775807]}})",
       8, "do not make"},
      {R"({"x":{"dtype":"U8","shape":[7],"data_offsets":[9223372036854775800,9223372036854775807]}})",
       8, "wants bytes"},
  };
  for (const HostileCase& hostile : cases) {
    std::string message;
    EXPECT_FALSE(opens<SafetensorsFile>(file_of(hostile.header, hostile.data_bytes), &message))
        << hostile.header;
    EXPECT_THAT(message, HasSubstr(hostile.message)) << hostile.header;
  }
}

TEST(SafetensorsHostileTest, RefusesHeaderLengths) {
  for (const uint64_t length :
       {uint64_t{3}, uint64_t{100'000'001}, ~uint64_t{0}, uint64_t{1} << 63}) {
    EXPECT_FALSE(opens<SafetensorsFile>(Bytes().number(length).raw("{}").text())) << length;
  }
  EXPECT_TRUE(opens<SafetensorsFile>(Bytes().number<uint64_t>(2).raw("{}").text()));
  std::string deep(100000, '[');
  EXPECT_FALSE(opens<SafetensorsFile>(file_of(R"({"x":)" + deep, 0)));
}

TEST_F(SafetensorsTest, ReadsShards) {
  write_safetensors(folder_ / "model-1.safetensors", std::span(tensors_).subspan(0, 2));
  write_safetensors(folder_ / "model-2.safetensors", std::span(tensors_).subspan(2));
  EXPECT_FALSE(SafetensorsWeights::exists_in(folder_));
  write_file(folder_ / "model.safetensors.index.json",
             R"({"metadata": {"total_size": 1}, "weight_map": {"a.matrix": "model-1.safetensors",
              "b": "model-1.safetensors", "d": "model-2.safetensors"}})");
  EXPECT_TRUE(SafetensorsWeights::exists_in(folder_));
  const SafetensorsWeights weights(folder_);
  EXPECT_EQ(weights.shards().size(), 2U);
  EXPECT_EQ(weights.tensor("a.matrix").f32()[0], 1.0F);
  EXPECT_EQ(weights.tensor("d").i32()[1], 7);
  EXPECT_FALSE(weights.find("none").defined());
  EXPECT_THROW(weights.tensor("none"), Error);
}

TEST_F(SafetensorsTest, WritesShards) {
  write_safetensors_folder(folder_, tensors_, {}, 1);  // a tensor each
  EXPECT_FALSE(std::filesystem::exists(folder_ / "model.safetensors"));
  const SafetensorsWeights weights(folder_);
  EXPECT_EQ(weights.shards().size(), tensors_.size());
  for (const NamedTensor& named : tensors_) {
    const Tensor read = weights.tensor(named.name);
    ASSERT_EQ(read.shape(), named.tensor.shape());
    EXPECT_EQ(std::memcmp(read.data_as<std::byte>(), named.tensor.data_as<std::byte>(),
                          static_cast<size_t>(read.bytes())),
              0);
  }
  // One file in the same place takes the index away, or it would not be read.
  write_safetensors_folder(folder_, tensors_, {}, 0);
  EXPECT_EQ(SafetensorsWeights(folder_).shards().size(), 1U);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "model.safetensors.index.json"));
  write_safetensors_folder(folder_, tensors_, {}, 1);
  EXPECT_EQ(SafetensorsWeights(folder_).shards().size(), tensors_.size());
}

TEST_F(SafetensorsTest, AnIndexThatDoesNotFitIsAnError) {
  write_safetensors(folder_ / "model-1.safetensors", std::span(tensors_).subspan(0, 2));
  write_file(folder_ / "model.safetensors.index.json",
             R"({"weight_map": {"a.matrix": "model-1.safetensors", "z": "model-1.safetensors"}})");
  EXPECT_THAT(error_of([&] { SafetensorsWeights weights(folder_); }), HasSubstr("'z'"));
}

TEST_F(SafetensorsTest, ShardNamesStayInTheFolder) {
  for (const char* name : {"../m.safetensors", "/etc/passwd", "..", "", "a\\\\b"}) {
    write_file(folder_ / "model.safetensors.index.json",
               std::string(R"({"weight_map": {"a": ")") + name + R"("}})");
    EXPECT_THAT(error_of([&] { SafetensorsWeights weights(folder_); }),
                HasSubstr("not a file name"))
        << name;
  }
  write_file(folder_ / "model.safetensors.index.json", "{}");
  EXPECT_THAT(error_of([&] { SafetensorsWeights weights(folder_); }), HasSubstr("weight_map"));
}

}  // namespace
}  // namespace onmal
