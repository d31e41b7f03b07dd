#include "base/digest.h"

#include <gtest/gtest.h>

#include <string>

namespace onmal {
namespace {

template <typename Digest>
std::string digest(const std::string& text, size_t step = 1000) {
  Digest made;
  for (size_t at = 0; at < text.size(); at += step) {
    const std::string part = text.substr(at, step);
    made.add(std::as_bytes(std::span(part.data(), part.size())));
  }
  return made.finish();
}

// The examples of FIPS 180-4's companion, and sizes around a block's end.
TEST(DigestTest, KnownTexts) {
  EXPECT_EQ(digest<Sha256>(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest<Sha256>("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest<Sha256>("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest<Sha256>(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(digest<Sha1>("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(digest<Sha1>(std::string(1'000'000, 'a')), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST(DigestTest, PiecesDoNotMatter) {
  for (const size_t size : {1, 55, 56, 63, 64, 65, 127, 128, 200}) {
    const std::string text(size, 'x');
    EXPECT_EQ(digest<Sha256>(text, 1), digest<Sha256>(text, 64)) << size;
    EXPECT_EQ(digest<Sha1>(text, 7), digest<Sha1>(text)) << size;
  }
}

}  // namespace
}  // namespace onmal
