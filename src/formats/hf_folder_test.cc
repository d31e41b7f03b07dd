#include "formats/hf_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/format_testing.h"
#include "formats/json_metadata.h"

namespace onmal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class HfFolderTest : public FolderTest {
 protected:
  void write(const char* name, std::string_view text) { write_file(folder_ / name, text); }
  std::vector<float> values_ = {1, 2};
  std::vector<NamedTensor> tensors_ = {named("w", values_, {2}, DType::kF32)};
};

TEST_F(HfFolderTest, RoundTrips) {
  Metadata config;
  config.set("model_type", "llama");
  config.set("architectures", std::vector<std::string>{"LlamaForCausalLM"});
  config.set("rope_parameters.rope_theta", 500000.0);
  config.set("eos_token_id", int64_t{1});
  Metadata generation;
  generation.set("eos_token_id", std::vector<int64_t>{1, 2});
  HfTokenizerConfig tokenizer;
  tokenizer.chat_template = "{% for m in messages %}\n\"온\"{% endfor %}";
  tokenizer.eos_token = "<|endoftext|>";
  tokenizer.add_bos_token = false;
  const std::filesystem::path target = folder_ / "deep" / "model";
  write_hf_folder(target, config, generation, tokenizer, tensors_);

  const HfFolder read = open_hf_folder(target);
  EXPECT_EQ(read.config.get_string("model_type"), "llama");
  EXPECT_THAT(read.config.get_strings("architectures"), ElementsAre("LlamaForCausalLM"));
  EXPECT_EQ(read.config.get_float("rope_parameters.rope_theta"), 500000.0);
  EXPECT_THAT(read.end_token_ids(), ElementsAre(1, 2));
  EXPECT_EQ(read.tokenizer_config.chat_template, tokenizer.chat_template);
  EXPECT_EQ(read.tokenizer_config.eos_token, "<|endoftext|>");
  EXPECT_EQ(read.tokenizer_config.bos_token, "");
  EXPECT_EQ(read.tokenizer_config.add_bos_token, false);
  EXPECT_FALSE(read.tokenizer_config.add_eos_token.has_value());
  EXPECT_TRUE(read.tokenizer_path.empty());
  EXPECT_EQ(read.weights.tensor("w").f32()[1], 2.0F);
  EXPECT_EQ(read.weights.shards()[0].metadata().get_string("format"), "pt");
}

TEST_F(HfFolderTest, ReadsOtherWaysToSayTheSame) {
  write("tokenizer_config.json", R"({"bos_token": {"content": "<s>", "lstrip": false},
    "eos_token": null,
    "chat_template": [{"name": "tools", "template": "T"}, {"name": "default", "template": "D"}]})");
  HfTokenizerConfig config = read_hf_tokenizer_config(folder_);
  EXPECT_EQ(config.bos_token, "<s>");
  EXPECT_EQ(config.eos_token, "");
  EXPECT_EQ(config.chat_template, "D");
  write("chat_template.jinja", "J");
  EXPECT_EQ(read_hf_tokenizer_config(folder_).chat_template, "J");
}

TEST_F(HfFolderTest, MissingPartsAreNamed) {
  EXPECT_THAT(error_of([&] { open_hf_folder(folder_ / "none"); }), HasSubstr("not a folder"));
  EXPECT_THAT(error_of([&] { open_hf_folder(folder_); }), HasSubstr("config.json"));
  write("config.json", "{}");
  EXPECT_THAT(error_of([&] { open_hf_folder(folder_); }), HasSubstr("model.safetensors"));
  write("config.json", "{");
  EXPECT_THAT(error_of([&] { open_hf_folder(folder_); }), HasSubstr("at byte"));
  EXPECT_THAT(error_of([&] { read_json_metadata(folder_ / "config.json", 0); }), HasSubstr("over"));
}

TEST_F(HfFolderTest, EndIdsFallBackToTheConfig) {
  HfFolder folder;
  EXPECT_TRUE(folder.end_token_ids().empty());
  folder.config.set("eos_token_id", int64_t{5});
  EXPECT_THAT(folder.end_token_ids(), ElementsAre(5));
}

TEST_F(HfFolderTest, QuantisedWeightsAreRefusedByName) {
  write("config.json",
        R"({"model_type": "llama", "quantization_config": {"quant_method": "gptq"}})");
  write_safetensors(folder_ / "model.safetensors", tensors_);
  EXPECT_THAT(error_of([&] { open_hf_folder(folder_).refuse_quantized(); }), HasSubstr("gptq"));
}

TEST_F(HfFolderTest, ChatTemplatesByName) {
  write("tokenizer_config.json", R"({"chat_template": {"tool_use": "T", "default": "D"}})");
  EXPECT_EQ(read_hf_tokenizer_config(folder_).chat_template, "D");
}

}  // namespace
}  // namespace onmal
