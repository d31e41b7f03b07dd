#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "formats/tensor_table.h"

// What the tests of this folder share.
namespace onmal {

// Bytes asked of operator new since the last construction.
class AllocationWatch {
 public:
  AllocationWatch();
  uint64_t total() const;
  uint64_t largest() const;
};

// A folder of its own for each test, removed afterwards.
class FolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "onmal_formats_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

// Little-endian bytes, put together piece by piece.
class Bytes {
 public:
  template <typename T>
  Bytes& number(T value) {
    text_.append(reinterpret_cast<const char*>(&value), sizeof(T));
    return *this;
  }
  Bytes& raw(std::string_view text) {
    text_ += text;
    return *this;
  }
  // A length of 64 bits, then the text.
  Bytes& string(std::string_view text) { return number<uint64_t>(text.size()).raw(text); }
  Bytes& pad(size_t alignment) {
    while (text_.size() % alignment != 0) text_ += '\0';
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Memory of exactly this size, so that a sanitizer sees a read one byte too far.
class ExactBytes {
 public:
  explicit ExactBytes(std::string_view text)
      : data_(new std::byte[text.size()]), size_(text.size()) {
    std::memcpy(data_.get(), text.data(), text.size());
  }
  std::span<const std::byte> span() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> data_;
  size_t size_;
};

// Opens `text` as a File, asks for every tensor and sums their bytes. True when it opened; any
// exception but Error fails the test, as does asking for memory out of proportion.
template <typename File>
bool opens(std::string_view text, std::string* message = nullptr) {
  const ExactBytes bytes(text);
  const AllocationWatch watch;
  bool opened = false;
  uint64_t sum = 0;
  try {
    const File file(bytes.span(), "test.file");
    for (const TensorEntry& entry : file.entries()) {
      const Tensor tensor = file.tensor(entry.name);
      for (int64_t i = 0; i < tensor.bytes(); ++i) sum += tensor.data_as<const uint8_t>()[i];
    }
    opened = true;
  } catch (const Error& error) {
    if (message != nullptr) *message = error.what();
  }
  EXPECT_LE(watch.total(), 64 * text.size() + 65536);
  EXPECT_LE(watch.largest(), 32 * text.size() + 16384);
  volatile uint64_t keep = sum;
  static_cast<void>(keep);
  return opened;
}

// Shortens, then changes bytes of, a well-formed file: Error or a file, never a crash.
// `needed` is how much of it a reader cannot do without.
template <typename File>
void expect_survives_damage(const std::string& text, size_t needed) {
  ASSERT_TRUE(opens<File>(text));
  for (size_t size = 0; size < needed; ++size) {
    ASSERT_FALSE(opens<File>(std::string_view(text).substr(0, size))) << "cut at " << size;
  }
  size_t refused = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    for (const int change : {0x00, 0x01, 0x7F, 0x80, 0xFF}) {
      std::string damaged = text;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      if (change == 0) damaged[at] = '\0';
      refused += opens<File>(damaged) ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 0U);
}

// A tensor over a vector that the caller keeps.
template <typename T>
NamedTensor named(const std::string& name, std::vector<T>& values, const Shape& shape,
                  DType dtype) {
  return {name, Tensor::borrowed(values.data(), shape, dtype)};
}

template <typename Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

inline std::filesystem::path golden_folder() {
  const char* given = std::getenv("ONMAL_GOLDEN");
  if (given != nullptr) return given;
  return std::filesystem::path(ONMAL_SOURCE_DIR) / ".." / "shared" / "golden";
}

}  // namespace onmal
