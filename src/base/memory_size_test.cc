#include "base/memory_size.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace onmal {
namespace {

TEST(MemorySizeTest, IsThereAndTheAvailablePartIsNoLarger) {
  const MemorySize size = memory_size();
  EXPECT_GT(size.available, 0);
  EXPECT_LE(size.available, size.total);
}

TEST(MemorySizeTest, TooMuchIsAnErrorWithBothNumbers) {
  EXPECT_NO_THROW(require_memory(1, "model", "the cache", "use less"));
  try {
    require_memory(int64_t{1} << 60, "model", "the cache", "use less");
    FAIL() << "an exabyte was available";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kResource);
    const std::string text = error.what();
    EXPECT_NE(text.find("model: the cache needs 1152921504.61 GB of memory, "), std::string::npos)
        << text;
    EXPECT_NE(text.find(" are available; use less"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace onmal
