#include "formats/gguf_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/format_testing.h"

namespace onmal {
namespace {

using ::testing::HasSubstr;

class GgufPartsTest : public FolderTest {
 protected:
  std::vector<float> values_ = {1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<NamedTensor> tensors_ = {named("a", values_, {8}, DType::kF32),
                                       named("b", values_, {2, 4}, DType::kF32),
                                       named("c", values_, {8}, DType::kF32)};

  std::vector<std::filesystem::path> write(uint64_t most_bytes) {
    Metadata metadata;
    metadata.set("general.architecture", "llama");
    return write_gguf_parts(folder_ / "m.gguf", metadata, tensors_, most_bytes);
  }
  std::filesystem::path part(size_t number) { return folder_ / gguf_part_name("m", number, 3); }
  std::string error(const std::filesystem::path& path) {
    return error_of([&] { GgufParts read(path); });
  }
};

TEST_F(GgufPartsTest, AnyPartOpensAll) {
  const auto files = write(40);
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[1].filename(), "m-00002-of-00003.gguf");
  for (const auto& file : files) {
    const GgufParts read(file);
    EXPECT_EQ(read.path(), files[0]);
    EXPECT_EQ(read.parts(), 3U);
    ASSERT_EQ(read.entries().size(), 3U);
    EXPECT_EQ(read.entries()[2].name, "c");
    EXPECT_EQ(read.tensor("b").f32()[5], 6.0F);
    EXPECT_FALSE(read.find("d").defined());
    EXPECT_THROW(read.tensor("d"), Error);
    EXPECT_EQ(read.metadata().get_string("general.architecture"), "llama");
    EXPECT_FALSE(read.metadata().contains("split.count"));
  }
  EXPECT_EQ(find_gguf(folder_), files[0]);
}

TEST_F(GgufPartsTest, WhatFitsStaysOneFile) {
  for (const uint64_t most : {uint64_t{0}, uint64_t{96}}) {
    const auto files = write(most);
    ASSERT_EQ(files.size(), 1U);
    EXPECT_EQ(files[0], folder_ / "m.gguf");
    EXPECT_EQ(GgufParts(files[0]).parts(), 1U);
  }
  EXPECT_EQ(write(64).size(), 2U);
}

TEST_F(GgufPartsTest, MissingAndForeignPartsAreNamed) {
  write(40);
  const auto aside = folder_ / "aside";
  std::filesystem::rename(part(2), aside);
  EXPECT_THAT(error(part(3)), HasSubstr("part 2 of 3"));
  std::filesystem::copy(part(3), part(2));
  EXPECT_THAT(error(part(1)), HasSubstr("says it is part 3 of 3"));
  std::filesystem::remove(part(2));
  std::filesystem::rename(aside, part(2));
  std::filesystem::rename(part(1), folder_ / "other.gguf");
  EXPECT_THAT(error(folder_ / "other.gguf"), HasSubstr("its name does not say so"));
  EXPECT_THAT(error(part(2)), HasSubstr("part 1 of 3"));
  EXPECT_EQ(find_gguf(folder_), folder_ / "other.gguf");
}

TEST_F(GgufPartsTest, FoldersWithNoneOrSeveralModels) {
  EXPECT_THAT(error_of([&] { find_gguf(folder_); }), HasSubstr("holds no model"));
  write(40);
  write(0);
  EXPECT_THAT(error_of([&] { find_gguf(folder_); }), HasSubstr("several"));
}

}  // namespace
}  // namespace onmal
