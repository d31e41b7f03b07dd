#include "corpus/dedup/exact.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <thread>

#include "base/error.h"
#include "corpus/dedup/dedup_testing.h"
#include "corpus/dedup/normal_text.h"
#include "corpus/random_text_testing.h"

namespace onmal {
namespace {

using SpillFileTest = DedupTest;
using ExternalSortTest = DedupTest;
using ExactTest = DedupTest;

// Bytes of both words in little-endian order.
std::string hex(const Fingerprint& print) {
  std::string text;
  for (const uint64_t word : {print.low, print.high}) {
    for (int i = 0; i < 8; ++i) {
      char byte[3];
      std::snprintf(byte, sizeof byte, "%02X", static_cast<unsigned>(word >> (8 * i) & 0xFF));
      text += byte;
    }
  }
  return text;
}

// From `openssl mac -macopt hexkey:000102030405060708090a0b0c0d0e0f -macopt size:16 SIPHASH`.
TEST(Fingerprint, IsSipHash) {
  constexpr uint64_t kLow = 0x0706050403020100ULL;
  constexpr uint64_t kHigh = 0x0F0E0D0C0B0A0908ULL;
  EXPECT_EQ(hex(siphash128("", kLow, kHigh)), "A3817F04BA25A8E66DF67214C7550293");
  EXPECT_EQ(hex(siphash128("abc", kLow, kHigh)), "BB96C3A813C9903E3325EF616045ABB8");
  EXPECT_EQ(hex(siphash128("온말 seventeen by", kLow, kHigh)), "2966AD71DAEE9C355C7B294AF5470FB7");
}

TEST(Fingerprint, NormalisesSpaceAndForms) {
  EXPECT_EQ(normalize_for_equality(" \t a  b\n\n c\r\n"), "a b c");
  EXPECT_EQ(normalize_for_equality("가\u3000\u00A0나"), "가 나");
  EXPECT_EQ(normalize_for_equality("\u1100\u1161"), "가");
  EXPECT_EQ(normalize_for_equality("e\u0301"), "\u00E9");
  EXPECT_EQ(normalize_for_equality(" \n "), "");
  EXPECT_EQ(normalize_for_equality("\xFF a \xC3"), "\xFF a \xC3");
  EXPECT_NE(fingerprint_text("ab"), fingerprint_text("a b"));
  EXPECT_NE(fingerprint_text("Ａ"), fingerprint_text("A"));
}

TEST(Fingerprint, NormalTextIsTheWordsInNfcWithSingleSpaces) {
  Rng rng(7);
  for (int round = 0; round < 4000; ++round) {
    const std::string text = random_text(rng, rng.below(30));
    const std::string composed = normalize_unicode(text, NormalForm::kNfc);
    std::string expected;
    bool gap = false;
    for (size_t i = 0; i < composed.size();) {
      const Utf8Char c = read_utf8(composed, i);
      const bool space = c.valid && is_white_space(c.code);
      if (!space) {
        if (gap && !expected.empty()) expected += ' ';
        expected.append(composed, i, c.length);
      }
      gap = space || (gap && expected.empty());
      i += c.length;
    }
    ASSERT_EQ(normalize_for_equality(text), expected) << text;
  }
}

// All characters with marks, jamo and others beside them.
TEST(NormalText, IsWhatNormalisingAllGives) {
  std::string buffer;
  for (uint32_t code = 1; code < 0x11000; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    for (const char* around :
         {"\u0301", "\u1161", "\u11A8", "\u3099", "가", "a", " ", "\xE1\x80"}) {
      std::string text = "가 a ";
      text += around;
      append_utf8(code, text);
      text += around;
      text += " b\n";
      for (const NormalForm form : {NormalForm::kNfc, NormalForm::kNfkc}) {
        ASSERT_EQ(normalize_by_words(text, form, buffer), normalize_unicode(text, form))
            << code << around;
      }
    }
  }
  const std::string plain = "온말 and";
  EXPECT_EQ(normalize_by_words(plain, NormalForm::kNfkc, buffer).data(), plain.data());
}

TEST(NormalText, ReadsCharactersLikeReadUtf8) {
  Rng rng(2);
  for (int i = 0; i < 200000; ++i) {
    std::string text;
    for (uint64_t length = 1 + rng.below(4); length > 0; --length)
      text.push_back(static_cast<char>(rng.below(4) == 0 ? rng.below(256) : 0x80 + rng.below(128)));
    const Utf8Char quick = read_character(text, 0);
    const Utf8Char slow = read_utf8(text, 0);
    ASSERT_TRUE(quick.code == slow.code && quick.length == slow.length &&
                quick.valid == slow.valid);
  }
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto span = std::as_bytes(std::span(text));
  return {span.begin(), span.end()};
}

TEST_F(SpillFileTest, GivesBackBlocksFromMemoryAndDisk) {
  for (const uint64_t buffer : {0, 40, 1 << 20}) {
    SpillFile file(folder_, buffer);
    std::vector<std::pair<uint64_t, std::string>> blocks;
    for (int i = 0; i < 100; ++i) {
      const std::string text(static_cast<size_t>(i % 60), static_cast<char>('a' + i % 26));
      blocks.emplace_back(file.append(bytes_of(text)), text);
    }
    std::vector<std::byte> bytes;
    for (const auto& [place, text] : blocks) {
      file.read(place, bytes);
      EXPECT_EQ(bytes, bytes_of(text));
    }
    EXPECT_EQ(file.on_disk(), buffer < 1 << 20);
    EXPECT_THROW(file.read(blocks[1].first + 1, bytes), Error);
    EXPECT_THROW(file.read(file.size(), bytes), Error);
  }
}

TEST_F(SpillFileTest, DamageIsAnError) {
  for (const bool cut : {false, true}) {
    SpillFile file(folder_, 0);
    const uint64_t place = file.append(bytes_of("a block that somebody spoils"));
    const std::vector<std::string> names = open_spill_files();
    ASSERT_EQ(names.size(), 1U);
    if (cut) {
      std::filesystem::resize_file(names[0], 30);
    } else {
      std::fstream raw(names[0], std::ios::in | std::ios::out | std::ios::binary);
      raw.seekp(20);
      raw.put('X');
    }
    std::vector<std::byte> bytes;
    try {
      file.read(place, bytes);
      FAIL() << cut;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadFile);
      EXPECT_NE(std::string(error.what()).find(folder_.string()), std::string::npos);
    }
  }
}

TEST_F(SpillFileTest, FolderThatCannotBeIsAnError) {
  SpillFile file("/dev/null/spill", 0);
  EXPECT_THROW(file.append(bytes_of("x")), Error);
}

TEST_F(ExternalSortTest, SortsLikeMemoryWithAnyLimit) {
  Rng rng(3);
  std::vector<Duplicate> records;
  for (int i = 0; i < 5000; ++i) records.push_back({rng.below(700), rng.below(5)});
  std::vector<Duplicate> sorted = records;
  std::sort(sorted.begin(), sorted.end());
  for (const uint64_t memory : {1, 200, 3000, 70000, 1 << 20}) {
    ExternalSort<Duplicate> sort(storage(memory));
    for (const Duplicate& record : records) sort.add(record);
    sort.sort();
    EXPECT_EQ(sort.spilled(), memory <= 70000);
    std::vector<Duplicate> out;
    for (Duplicate record; sort.next(record);) out.push_back(record);
    EXPECT_EQ(out, sorted) << memory;
  }
  ExternalSort<Duplicate> none(storage(10));
  none.sort();
  Duplicate record;
  EXPECT_FALSE(none.next(record));
}

TEST_F(ExternalSortTest, CanBeStopped) {
  for (const uint64_t memory : {1 << 24, 1 << 16}) {
    ExternalSort<uint64_t> sort(storage(memory));
    Rng rng(4);
    for (int i = 0; i < 200000; ++i) sort.add(rng.next());
    int checks = 0;
    const auto stop = [&] {
      if (++checks == 2) throw Error(ErrorCode::kCancelled, "test", "stopped");
    };
    EXPECT_THROW(sort.sort(stop), Error);
    EXPECT_EQ(checks, 2);
  }
}

TEST_F(ExactTest, DuplicateListIsAskedInOrder) {
  DuplicateList list(storage(1));
  for (const uint64_t id : {9, 2, 5, 4}) list.add({id, 0});
  list.sort();
  std::string dropped;
  for (uint64_t id = 0; id < 12; ++id) dropped += list.drops(id) ? 'x' : '.';
  EXPECT_EQ(dropped, "..x.xx...x..");
}

// Texts of few words, so that many are equal; some with other spaces or decomposed.
std::vector<std::string> short_texts(size_t count) {
  Rng rng(11);
  const std::vector<std::string> words = {"가방", "나무", "book", "tree", "é"};
  std::vector<std::string> texts;
  for (size_t i = 0; i < count; ++i) {
    std::string text;
    for (uint64_t w = rng.below(6); w > 0; --w) {
      text += words[rng.below(words.size())];
      text += rng.below(4) == 0 ? "\n " : " ";
    }
    texts.push_back(rng.below(3) == 0 ? normalize_unicode(text, NormalForm::kNfd) : text);
  }
  return texts;
}

TEST_F(ExactTest, DropsWhatComparingTextsDrops) {
  const std::vector<std::string> texts = short_texts(3000);
  std::vector<Duplicate> expected;
  std::map<std::string, uint64_t> first;
  for (uint64_t id = 0; id < texts.size(); ++id) {
    const auto [found, is_new] = first.try_emplace(normalize_for_equality(texts[id]), id);
    if (!is_new) expected.push_back({id, found->second});
  }
  ASSERT_GT(expected.size(), 500U);
  for (const uint64_t memory : {100, 10000, 1 << 24}) {
    ExactDuplicates forward(storage(memory));
    ExactDuplicates threaded(storage(memory));
    for (uint64_t id = 0; id < texts.size(); ++id) forward.add(id, texts[id]);
    std::vector<std::thread> threads;
    for (size_t t = 0; t < 3; ++t) {
      threads.emplace_back([&, t] {
        for (size_t i = t; i < texts.size(); i += 3)
          threaded.add(texts.size() - 1 - i, texts[texts.size() - 1 - i]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(all_of(forward.finish()), expected);
    EXPECT_EQ(all_of(threaded.finish()), expected);
    EXPECT_EQ(forward.spilled(), memory < 1 << 24);
  }
}

TEST_F(ExactTest, TakesEmptyHugeAndBrokenTexts) {
  ExactDuplicates exact(storage(100));
  const std::string huge(50'000'000, 'x');
  exact.add(0, "");
  exact.add(1, " \n");
  exact.add(2, huge);
  exact.add(3, huge + " ");
  exact.add(4, "\xFF\xFE\xED\xA0\x80");
  exact.add(5, "\xFF\xFE\xED\xA0\x81");
  EXPECT_EQ(all_of(exact.finish()), (std::vector<Duplicate>{{1, 0}, {3, 2}}));
}

TEST_F(ExactTest, SameNumberTwiceIsAnError) {
  ExactDuplicates exact(storage(100));
  exact.add(7, "a");
  exact.add(7, "a");
  EXPECT_THROW(exact.finish(), Error);
}

TEST_F(ExactTest, DamagedSpillIsAnError) {
  ExactDuplicates exact(storage(100));
  for (uint64_t id = 0; id < 100; ++id) exact.add(id, std::to_string(id));
  for (const std::string& name : open_spill_files()) std::filesystem::resize_file(name, 100);
  try {
    all_of(exact.finish());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadFile);
  }
}

}  // namespace
}  // namespace onmal
