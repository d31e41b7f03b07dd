#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/rng.h"
#include "corpus/dedup/duplicate_list.h"

namespace onmal {

// The paragraphs of the samples, Korean first.
inline std::vector<std::string> sample_paragraphs() {
  std::vector<std::string> found;
  for (const char* name : {"ko.txt", "en.txt"}) {
    const std::string text = read_file(std::string(ONMAL_SOURCE_DIR "/samples/") + name);
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find("\n\n", at), text.size());
      found.push_back(text.substr(at, end - at));
      at = end + 2;
    }
  }
  return found;
}

// A folder for spilled records, which must be empty behind every test.
class DedupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("onmal_dedup_" + std::to_string(::getpid()) +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override {
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
    std::filesystem::remove_all(folder_);
  }

  SpillOptions storage(uint64_t memory_bytes) const { return {folder_, memory_bytes}; }

  static std::vector<Duplicate> all_of(DuplicateList&& list) {
    std::vector<Duplicate> found;
    for (Duplicate duplicate; list.next(duplicate);) found.push_back(duplicate);
    return found;
  }

  // Paths like /proc/self/fd/7 of this test's spilled files, which have no other name.
  std::vector<std::string> open_spill_files() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code error;
      const std::filesystem::path target = std::filesystem::read_symlink(entry.path(), error);
      if (!error && target.string().starts_with(folder_.string() + "/"))
        found.push_back(entry.path().string());
    }
    return found;
  }

  std::filesystem::path folder_;
};

}  // namespace onmal
