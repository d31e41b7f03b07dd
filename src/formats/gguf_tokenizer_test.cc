#include "formats/gguf_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/format_testing.h"
#include "formats/gguf.h"
#include "tokenizer/bpe_tokenizer.h"

namespace onmal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The 256 bytes, two merges ("th", "the") and four special tokens.
BpeDefinition small_definition() {
  BpeDefinition definition;
  for (int byte = 0; byte < 256; ++byte) definition.pieces.push_back({static_cast<char>(byte)});
  for (const char* piece : {"th", "the", "<s>", "<|endoftext|>", "<|im_end|>", "<pad> 가"}) {
    definition.pieces.emplace_back(piece);
  }
  definition.merges = {{'t', 'h'}, {256, 'e'}};
  definition.special_ids = {258, 259, 260, 261};
  definition.pretokenizer = "qwen2";
  definition.begin_id = 258;
  definition.end_id = 259;
  definition.pad_id = 261;
  definition.add_begin = true;
  return definition;
}

Metadata small_metadata() {
  const BpeTokenizer tokenizer(small_definition());
  const std::vector<int32_t> end_ids = {259, 260};
  Metadata metadata("small.gguf");
  write_gguf_tokenizer(tokenizer, "{{ template }}", end_ids, metadata);
  return metadata;
}

class GgufTokenizerTest : public FolderTest {};

TEST_F(GgufTokenizerTest, RoundTripsThroughAFile) {
  write_gguf(folder_ / "t.gguf", small_metadata(), {});
  const GgufFile file(folder_ / "t.gguf");
  const GgufTokenizer read = read_gguf_tokenizer(file.metadata());
  EXPECT_EQ(read.chat_template, "{{ template }}");
  EXPECT_THAT(read.end_ids, ElementsAre(259, 260));
  const auto* tokenizer = dynamic_cast<const BpeTokenizer*>(read.tokenizer.get());
  ASSERT_NE(tokenizer, nullptr);
  const BpeTokenizer before(small_definition());
  EXPECT_EQ(tokenizer->definition().pieces, before.definition().pieces);
  EXPECT_EQ(tokenizer->definition().merges, before.definition().merges);
  EXPECT_EQ(tokenizer->definition().special_ids, before.definition().special_ids);
  EXPECT_EQ(tokenizer->definition().pretokenizer, "qwen2");
  EXPECT_EQ(tokenizer->begin_id(), 258);
  EXPECT_EQ(tokenizer->end_id(), 259);
  EXPECT_EQ(tokenizer->definition().pad_id, 261);
  EXPECT_TRUE(tokenizer->definition().add_begin);
  EXPECT_THAT(tokenizer->encode("the<|im_end|>", {true, true}), ElementsAre(258, 257, 260));
}

TEST_F(GgufTokenizerTest, WritesWhatLlamaCppReads) {
  const Metadata metadata = small_metadata();
  const auto tokens = metadata.get_strings("tokenizer.ggml.tokens");
  EXPECT_EQ(tokens[' '], "Ġ");
  EXPECT_EQ(tokens[0], "Ā");
  EXPECT_EQ(tokens[261], "<pad> 가");
  EXPECT_EQ(metadata.get_ints("tokenizer.ggml.token_type")[257], 1);
  EXPECT_EQ(metadata.get_ints("tokenizer.ggml.token_type")[258], 3);
  EXPECT_THAT(metadata.get_strings("tokenizer.ggml.merges"), ElementsAre("t h", "th e"));
  EXPECT_EQ(metadata.get_int("tokenizer.ggml.eot_token_id"), 260);
}

TEST_F(GgufTokenizerTest, OtherKindsAreNamed) {
  Metadata metadata("other.gguf");
  EXPECT_EQ(read_gguf_tokenizer(metadata).tokenizer, nullptr);
  metadata.set("tokenizer.ggml.model", "rwkv");
  try {
    read_gguf_tokenizer(metadata);
    FAIL() << "an unknown tokenizer was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_THAT(error.what(), HasSubstr("'rwkv'"));
    EXPECT_THAT(error.what(), HasSubstr("other.gguf"));
  }
}

TEST_F(GgufTokenizerTest, RefusesContradictions) {
  const auto error_with = [](const char* key, MetadataValue value) {
    Metadata metadata = small_metadata();
    metadata.set(key, std::move(value));
    return error_of([&] { read_gguf_tokenizer(metadata); });
  };
  using Strings = std::vector<std::string>;
  EXPECT_THAT(error_with("tokenizer.ggml.pre", "klingon"), HasSubstr("'klingon'"));
  EXPECT_THAT(error_with("tokenizer.ggml.eos_token_id", int64_t{262}), HasSubstr("outside"));
  EXPECT_THAT(error_with("tokenizer.ggml.bos_token_id", int64_t{-5}), HasSubstr("outside"));
  EXPECT_THAT(error_with("tokenizer.ggml.token_type", std::vector<int64_t>{1}),
              HasSubstr("token types"));
  EXPECT_THAT(error_with("tokenizer.ggml.merges", Strings{"t q q"}), HasSubstr("not in the voc"));
  EXPECT_THAT(error_with("tokenizer.ggml.merges", Strings{"th"}), HasSubstr("not a pair"));
  EXPECT_THAT(error_with("tokenizer.ggml.merges", Strings{""}), HasSubstr("not a pair"));
  EXPECT_THAT(error_with("tokenizer.ggml.merges", Strings{"q q"}), HasSubstr("small.gguf"));
  EXPECT_THAT(error_with("tokenizer.ggml.tokens", Strings{}), HasSubstr("small.gguf"));
  EXPECT_THAT(error_with("tokenizer.ggml.tokens", int64_t{3}), HasSubstr("expected strings"));
  EXPECT_EQ(error_with("tokenizer.ggml.bos_token_id", int64_t{0xFFFFFFFF}), "");
}

TEST_F(GgufTokenizerTest, GoldenByteLevelFilesGiveTheirTokens) {
  const std::filesystem::path folder = golden_folder();
  if (!std::filesystem::is_directory(folder)) {
    GTEST_SKIP() << "SKIPPED: no golden files in " << folder << " (set ONMAL_GOLDEN)";
  }
  for (const char* name : {"gpt2.gguf", "qwen2.gguf", "qwen3.gguf"}) {
    const GgufFile file(folder / name);
    const GgufTokenizer read = read_gguf_tokenizer(file.metadata());
    ASSERT_NE(read.tokenizer, nullptr) << name;
    EXPECT_EQ(read.tokenizer->vocab_size(), 512);
    EXPECT_EQ(read.tokenizer->end_id(), 510);
    const std::string text = "The 온말 of\n\n the 言語!";
    EXPECT_EQ(read.tokenizer->decode(read.tokenizer->encode(text)), text) << name;
  }
}

}  // namespace
}  // namespace onmal
