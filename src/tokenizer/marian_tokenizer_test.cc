#include "tokenizer/marian_tokenizer.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace onmal {
namespace {

// A unigram model of a few pieces.
std::unique_ptr<PipelineTokenizer> source_model() {
  PipelineDefinition definition;
  definition.kind = SubwordKind::kUnigram;
  definition.model.texts = {"<unk>",
                            "</s>",
                            "\xE2\x96\x81",
                            "a",
                            "b",
                            "\xE2\x96\x81"
                            "ab",
                            "c"};
  definition.pieces = {"<unk>", "</s>", " ", "a", "b", " ab", "c"};
  definition.model.scores = {0, 0, -3, -2, -2, -1, -2};
  definition.model.kinds = {TokenKind::kUnknown, TokenKind::kControl, TokenKind::kNormal,
                            TokenKind::kNormal,  TokenKind::kNormal,  TokenKind::kNormal,
                            TokenKind::kNormal};
  definition.model.unknown_id = 0;
  return std::make_unique<PipelineTokenizer>(std::move(definition));
}

constexpr const char* kVocabulary =
    "{\"</s>\": 0, \"<unk>\": 1, \"b\": 2, \"a\": 3, \"\xE2\x96\x81\": 4, \">>fra<<\": 5, "
    "\"\xE2\x96\x81"
    "ab\": 6, \"<pad>\": 7}";

TEST(MarianTokenizerTest, PiecesGetTheIdsOfTheVocabulary) {
  const MarianTokenizer tokenizer(source_model(), kVocabulary, "vocab.json");
  const std::string text =
      "\xE2\x96\x81"
      "abac";
  EXPECT_EQ(tokenizer.encode(text), (std::vector<int32_t>{6, 3, 1}));  // "c" is in no vocabulary
  EXPECT_EQ(tokenizer.encode(">>fra<<" + text, {.add_special = true}),
            (std::vector<int32_t>{5, 6, 3, 1, 0}));
  EXPECT_EQ(tokenizer.encode(">>xyz<<" + text), (std::vector<int32_t>{1, 6, 3, 1}));
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{6, 3, 6}), "aba ab");
  EXPECT_TRUE(tokenizer.is_special(0) && tokenizer.is_special(7) && !tokenizer.is_special(6));
  EXPECT_THROW(tokenizer.piece(8), Error);
  EXPECT_THROW(tokenizer.piece(-1), Error);
}

TEST(MarianTokenizerTest, MalformedVocabulariesAreErrors) {
  for (const char* text : {"", "[]", "{}", R"({"</s>": 0})", R"({"</s>": 0, "<unk>": 0})",
                           R"({"</s>": 0, "<unk>": 9})", R"({"</s>": 0, "<unk>": "x"})"}) {
    EXPECT_THROW(MarianTokenizer(source_model(), text, "vocab.json"), Error) << text;
  }
}

}  // namespace
}  // namespace onmal
