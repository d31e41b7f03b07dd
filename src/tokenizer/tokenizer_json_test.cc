// Kinds of tokenizer.json beside byte-level BPE; ids as Hugging Face's tokenizers give them.
#include "tokenizer/tokenizer_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace onmal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kWordPiece = R"({
  "added_tokens": [
    {"id": 0, "content": "[UNK]", "special": true, "normalized": false},
    {"id": 1, "content": "[CLS]", "special": true, "normalized": false},
    {"id": 2, "content": "[SEP]", "special": true, "normalized": false}],
  "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                 "strip_accents": null, "lowercase": true},
  "pre_tokenizer": {"type": "BertPreTokenizer"},
  "post_processor": {"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
               {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
    "pair": [],
    "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]},
                       "[SEP]": {"id": "[SEP]", "ids": [2], "tokens": ["[SEP]"]}}},
  "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
  "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 5,
            "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "un": 3, "##able": 4, "##ab": 5, "cafe": 6,
                      ",": 7, "中": 8, "a": 9, "##b": 10}}})";

TEST(TokenizerJsonKindsTest, WordPiece) {
  const auto tokenizer = parse_any_tokenizer_json(kWordPiece, "test");
  EXPECT_THAT(tokenizer->encode("Café, UNab"), ElementsAre(6, 7, 3, 5));
  EXPECT_THAT(tokenizer->encode("中中ab", {true, true}), ElementsAre(1, 8, 8, 9, 10, 2));
  EXPECT_THAT(tokenizer->encode("unable un x [SEP]", {false, true}), ElementsAre(0, 3, 0, 2));
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{6, 7, 3, 5}), "cafe, unab");
  EXPECT_TRUE(tokenizer->is_special(0));
}

constexpr const char* kUnigram = R"({
  "added_tokens": [{"id": 0, "content": "<unk>", "special": true}],
  "normalizer": {"type": "Sequence", "normalizers": [
    {"type": "NFKC"}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
  "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": true},
  "decoder": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": true},
  "model": {"type": "Unigram", "unk_id": 0,
            "vocab": [["<unk>", 0.0], ["▁", -2.0], ["a", -2.5], ["b", -3.0], ["ab", -4.0],
                      ["▁a", -3.0], ["▁ab", -9.0]]}})";

TEST(TokenizerJsonKindsTest, UnigramTakesTheMostProbablePath) {
  const auto tokenizer = parse_any_tokenizer_json(kUnigram, "test");
  // ▁ab: "▁a b" and "▁ ab" weigh 6 each: the one whose last token begins first stays.
  EXPECT_THAT(tokenizer->encode("ab"), ElementsAre(1, 4));
  EXPECT_THAT(tokenizer->encode("a  ｂ"), ElementsAre(5, 1, 3));
  EXPECT_THAT(tokenizer->encode("가나 a"), ElementsAre(1, 0, 5));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("a ab")), "a ab");
}

constexpr const char* kMerges = R"({
  "added_tokens": [{"id": 0, "content": "<unk>", "special": true},
                   {"id": 8, "content": "<t>", "special": false, "normalized": false,
                    "lstrip": true}],
  "normalizer": {"type": "Sequence", "normalizers": [
    {"type": "Prepend", "prepend": "▁"},
    {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
  "pre_tokenizer": null,
  "decoder": {"type": "Sequence", "decoders": [
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
    {"type": "ByteFallback"}, {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
  "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
            "vocab": {"<unk>": 0, "<0xC3>": 1, "<0xA9>": 2, "▁": 3, "a": 4, "b": 5, "ab": 6,
                      "▁ab": 7},
            "merges": ["a b", ["▁", "ab"]]}})";

TEST(TokenizerJsonKindsTest, MergesFallBackToBytesThenToUnknown) {
  const auto tokenizer = parse_any_tokenizer_json(kMerges, "test");
  EXPECT_THAT(tokenizer->encode("ab bé"), ElementsAre(7, 3, 5, 1, 2));
  EXPECT_THAT(tokenizer->encode("가나"), ElementsAre(3, 0));
  EXPECT_THAT(tokenizer->encode("b <t>ab"), ElementsAre(3, 5, 8, 7));
  EXPECT_THAT(tokenizer->encode(""), IsEmpty());
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("ab é")), "ab é");
}

TEST(TokenizerJsonKindsTest, UnknownPartsAreNamed) {
  const auto error_with = [](const std::string& from, const std::string& to) {
    std::string json = kUnigram;
    json.replace(json.find(from), from.size(), to);
    try {
      parse_any_tokenizer_json(json, "file.json");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(error_with("NFKC", "NFXX"), ::testing::HasSubstr("'NFXX'"));
  EXPECT_THAT(error_with("Metaspace", "Martian"), ::testing::HasSubstr("'Martian'"));
  EXPECT_THAT(error_with("\"Unigram\"", "\"Trigram\""), ::testing::HasSubstr("'Trigram'"));
  EXPECT_THAT(error_with(" {2,}", "(("), ::testing::HasSubstr("'(?m)(('"));
  EXPECT_THAT(error_with("-2.5", "\"x\""), ::testing::HasSubstr("file.json"));
}

}  // namespace
}  // namespace onmal
