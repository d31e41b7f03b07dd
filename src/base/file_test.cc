#include "base/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <string>

#include "base/error.h"

namespace onmal {
namespace {

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() /
        ("onmal_file_test_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
         ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(FileTest, WritesAndReadsBack) {
  const auto path = folder_ / "a";
  AtomicFile file(path);
  file.write(std::string_view("header--"));
  const std::string large(3 << 20, 'x');
  file.write(large);
  file.write_at(0, std::as_bytes(std::span("HEAD", 4)));
  file.commit();
  EXPECT_EQ(read_file(path), "HEADer--" + large);
}

TEST_F(FileTest, UncommittedLeavesTheOldFileAndNoLitter) {
  const auto path = folder_ / "a";
  write_file(path, "old");
  {
    AtomicFile file(path);
    file.write(std::string_view("new"));
  }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(FileTest, MissingFolderAndLimitAreErrors) {
  EXPECT_THROW(read_file(folder_ / "none"), Error);
  EXPECT_THROW(read_file(folder_), Error);
  write_file(folder_ / "a", "12345");
  EXPECT_THROW(read_file(folder_ / "a", 4), Error);
}

TEST_F(FileTest, FullDiskIsNamed) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  std::filesystem::create_symlink("/dev/full", folder_ / ("a.part-" + std::to_string(::getpid())));
  AtomicFile file(folder_ / "a");
  file.write(std::string_view("x"));
  try {
    file.commit();
    FAIL() << "commit to a full disk succeeded";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("disk is full"), std::string::npos) << error.what();
  }
}

TEST_F(FileTest, EmptyFileMapsToNothing) {
  write_file(folder_ / "a", "");
  EXPECT_EQ(MappedFile(folder_ / "a").bytes().size(), 0U);
}

// Wishes to the system, on a stretch that begins and ends within pages: what is read stays the
// same.
TEST_F(FileTest, PagesComeAndGoWithoutChangingWhatIsRead) {
  std::string content(100'000, ' ');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>('a' + i % 23);
  write_file(folder_ / "a", content);
  const MappedFile file(folder_ / "a");
  const auto reads_the_same = [&] {
    return std::ranges::equal(file.bytes(), std::as_bytes(std::span(content)));
  };
  map_in_pages(file.bytes().data() + 100, content.size() - 5'000);
  EXPECT_TRUE(reads_the_same());
  drop_mapped_pages(file.bytes().data() + 100, content.size() - 5'000);
  EXPECT_TRUE(reads_the_same());
  map_in_pages(file.bytes().data(), 0);
  map_in_pages(file.bytes().data() + 10, 20);
  EXPECT_TRUE(reads_the_same());
}

}  // namespace
}  // namespace onmal
