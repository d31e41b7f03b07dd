#include "knowledge/chunk.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "base/rng.h"
#include "text/utf8.h"

namespace onmal {
namespace {

const auto kCount = [](std::string_view text) { return estimate_tokens(text); };

// A document from lines: "# " begins a heading, "- " an item, "\f" a page; others are paragraphs.
Document document_of(const std::vector<std::string>& lines) {
  Document document;
  for (std::string line : lines) {
    if (line == "\f") {
      if (document.pages.empty()) document.pages.push_back({1, 0});
      document.pages.push_back(
          {static_cast<int64_t>(document.pages.size()) + 1, document.text.size()});
      continue;
    }
    Block block;
    const size_t marks = std::min(line.find_first_not_of('#'), line.size());
    if (marks > 0) {
      block.kind = BlockKind::kHeading;
      block.level = static_cast<uint8_t>(marks);
      line = line.substr(marks + 1);
    } else if (line.starts_with("- ")) {
      block.kind = BlockKind::kListItem;
      line = line.substr(2);
    }
    block.begin = document.text.size();
    document.text += line;
    block.end = document.text.size();
    document.text += "\n\n";
    document.blocks.push_back(block);
  }
  return document;
}

std::string text_of(const Document& document, const Chunk& chunk) {
  return document.text.substr(chunk.begin, chunk.end - chunk.begin);
}

TEST(Chunk, StandsUnderItsHeadings) {
  const Document document = document_of({"# 안내", "첫 문단입니다.", "## 설치", "둘째 문단입니다.",
                                         "## 사용", "셋째 문단입니다.", "# 부록", "끝."});
  const std::vector<Chunk> chunks = chunk_document(document, {}, kCount);
  ASSERT_EQ(chunks.size(), 4U);
  EXPECT_EQ(text_of(document, chunks[1]), "설치\n\n둘째 문단입니다.");
  EXPECT_EQ(chunks[1].headings, std::vector<std::string>{"안내"});
  EXPECT_EQ(chunks[2].headings, std::vector<std::string>{"안내"});
  EXPECT_TRUE(chunks[3].headings.empty());
}

TEST(Chunk, SentencesStayWholeAndOverlap) {
  std::string paragraph;
  for (int i = 0; i < 30; ++i) paragraph += "문장 번호는 " + std::to_string(i) + "번이다. ";
  const Document document = document_of({paragraph});
  const std::vector<Chunk> chunks = chunk_document(document, {40, 12}, kCount);
  ASSERT_GT(chunks.size(), 4U);
  for (size_t i = 0; i < chunks.size(); ++i) {
    const std::string text = text_of(document, chunks[i]);
    EXPECT_TRUE(text.starts_with("문장") && text.ends_with("다.")) << text;
    EXPECT_LE(estimate_tokens(text), 44) << text;
    EXPECT_TRUE(i == 0 || chunks[i].begin < chunks[i - 1].end) << text;
  }
}

TEST(Chunk, PagesEndPassages) {
  const Document document = document_of({"첫 쪽이다.", "\f", "둘째 쪽이다.", "\f", "셋째 쪽이다."});
  const std::vector<Chunk> chunks = chunk_document(document, {}, kCount);
  ASSERT_EQ(chunks.size(), 3U);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(chunks[i].page, static_cast<int64_t>(i) + 1);
}

// Whatever the text: nothing but white space is left out, order is kept, characters stay whole, and
// the count is held to where there is anything to cut.
TEST(Chunk, CoversEveryText) {
  Rng rng(4);
  const std::vector<std::string> parts = {"가나다라", "word",  " ", ". ",   "다. ",
                                          "\n",       "3.14 ", "é", "🙂", "- "};
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> lines;
    for (uint64_t i = rng.below(8); i > 0; --i) {
      std::string line = rng.below(4) == 0 ? "# " : rng.below(4) == 0 ? "- " : "";
      for (uint64_t j = 1 + rng.below(120); j > 0; --j) line += parts[rng.below(parts.size())];
      lines.push_back(line);
    }
    Document document = document_of(lines);
    if (rng.below(3) == 0) document.blocks.clear();
    const int64_t most = 16 + static_cast<int64_t>(rng.below(40));
    const std::vector<Chunk> chunks = chunk_document(document, {most, most / 4}, kCount);
    std::vector<bool> covered(document.text.size(), false);
    uint64_t last = 0;
    for (const Chunk& chunk : chunks) {
      ASSERT_GT(chunk.end, chunk.begin);
      ASSERT_GE(chunk.begin, last);
      last = chunk.begin;
      EXPECT_EQ(find_invalid_utf8(text_of(document, chunk)), std::string::npos);
      std::fill(covered.begin() + static_cast<std::ptrdiff_t>(chunk.begin),
                covered.begin() + static_cast<std::ptrdiff_t>(chunk.end), true);
    }
    for (size_t i = 0; i < covered.size(); ++i) {
      const char c = document.text[i];
      EXPECT_TRUE(covered[i] || c == ' ' || c == '\n') << i << " of " << document.text;
    }
  }
}

TEST(Chunk, WrongOptionsAreNamed) {
  EXPECT_THROW(chunk_document({}, {8, 0}, kCount), Error);
  EXPECT_THROW(chunk_document({}, {100, 60}, kCount), Error);
  EXPECT_TRUE(chunk_document({}, {}, kCount).empty());
}

}  // namespace
}  // namespace onmal
