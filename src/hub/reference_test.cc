#include "hub/reference.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace onmal {
namespace {

TEST(ReferenceTest, Parts) {
  HubReference reference = parse_hub_reference("hf:org/repo");
  EXPECT_EQ(reference.repository, "org/repo");
  EXPECT_EQ(reference.revision, "main");
  EXPECT_EQ(reference.file, "");
  reference = parse_hub_reference("hf:org/re.po-1@v2/sub/model.gguf");
  EXPECT_EQ(reference.repository, "org/re.po-1");
  EXPECT_EQ(reference.revision, "v2");
  EXPECT_EQ(reference.file, "sub/model.gguf");
  for (const char* bad :
       {"", "org/repo", "hf:", "hf:repo", "hf:/repo", "hf:org/", "hf:org/repo@", "hf:org/repo/",
        "hf:../repo", "hf:org/..", "hf:org/repo/../x", "hf:org/repo/a//b", "http://x/y"}) {
    EXPECT_THROW(parse_hub_reference(bad), Error) << bad;
  }
}

TEST(ReferenceTest, NamesStayInside) {
  EXPECT_EQ(safe_relative_path("a/b c/한글.bin"), std::filesystem::path("a/b c/한글.bin"));
  for (const char* bad : {"", "/etc/passwd", "..", "../x", "a/../../x", "a//b", "a/", "./a", "a\\b",
                          "C:x", "a\nb", "model.gguf.part"}) {
    EXPECT_THROW(safe_relative_path(bad), Error) << bad;
  }
  EXPECT_THROW(safe_relative_path(std::string("a\0b", 3)), Error);
  EXPECT_THROW(safe_relative_path(std::string(300, 'a')), Error);
}

TEST(ReferenceTest, Patterns) {
  EXPECT_TRUE(fits_pattern("model.safetensors", "*.safetensors"));
  EXPECT_TRUE(fits_pattern("sub/model-q4.gguf", "*q4*"));
  EXPECT_TRUE(fits_pattern("sub/model.gguf", "sub/*"));
  EXPECT_TRUE(fits_pattern("abc", "a?c"));
  EXPECT_TRUE(fits_pattern("abab", "*ab"));
  EXPECT_FALSE(fits_pattern("model.gguf", "*.bin"));
  EXPECT_FALSE(fits_pattern("sub/model.gguf", "other/*"));
  EXPECT_FALSE(fits_pattern("", "?"));
  EXPECT_TRUE(fits_pattern("", "*"));
}

}  // namespace
}  // namespace onmal
