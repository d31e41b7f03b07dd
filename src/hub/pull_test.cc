#include "hub/pull.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace onmal {
namespace {

std::vector<std::string> names(const std::vector<HubFile>& files) {
  std::vector<std::string> result;
  for (const HubFile& file : files) result.push_back(file.name);
  return result;
}

TEST(PullTest, ListingsTellSizesAndChecksums) {
  const std::string sha256(64, 'a');
  const std::string sha1(40, 'b');
  std::vector<HubFile> files;
  parse_listing(
      R"([{"type": "directory", "path": "sub"}, {"type": "file", "path": "sub/config.json", "size": 12,
                    "oid": ")" +
          sha1 + R"("}, {"type": "file", "path": "m.gguf", "size": 1, "oid": "x",
                    "lfs": {"oid": ")" +
          sha256 + R"(", "size": 99}}])",
      "test", files);
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].name, "sub/config.json");
  EXPECT_EQ(files[0].expected.git_sha1, sha1);
  EXPECT_EQ(files[0].expected.bytes, 12U);
  EXPECT_EQ(files[1].expected.sha256, sha256);
  EXPECT_EQ(files[1].expected.bytes, 99U);
}

TEST(PullTest, BadListingsAreErrors) {
  for (const char* bad :
       {"", "{", "{}", "<html>", R"([{"type": "file", "path": "../x"}])",
        R"([{"type": "file", "path": "/etc/passwd"}])", R"([{"type": "file"}])"}) {
    std::vector<HubFile> files;
    EXPECT_THROW(parse_listing(bad, "test", files), Error) << bad;
  }
  std::vector<HubFile> files;
  EXPECT_THROW(parse_listing(std::string(100, '[') + std::string(100, ']'), "test", files), Error);
}

TEST(PullTest, OtherFormatsOfTheSameWeightsAreLeftOut) {
  const std::vector<HubFile> files = {{"config.json", {}},
                                      {"model.safetensors", {}},
                                      {"pytorch_model.bin", {}},
                                      {"onnx/model.onnx", {}}};
  EXPECT_EQ(names(choose_files(files, {})),
            (std::vector<std::string>{"config.json", "model.safetensors"}));
  EXPECT_EQ(names(choose_files(files, {"*.bin", "config*"})),
            (std::vector<std::string>{"config.json", "pytorch_model.bin"}));
  EXPECT_EQ(names(choose_files({{"pytorch_model.bin", {}}}, {})),
            (std::vector<std::string>{"pytorch_model.bin"}));
}

}  // namespace
}  // namespace onmal
