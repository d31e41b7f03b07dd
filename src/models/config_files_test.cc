// Configurations as files say them: what is unknown is an error that names it, what is missing has
// the reference's default, what is written is read back.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "formats/json_metadata.h"
#include "models/gguf_config.h"
#include "models/hugging_face_config.h"

namespace onmal {
namespace {

std::string with(const std::string& model_type, const std::string& more) {
  return R"({"model_type": ")" + model_type +
         R"(", "vocab_size": 100, "hidden_size": 64, "num_hidden_layers": 4,
          "num_attention_heads": 4, "intermediate_size": 96)" +
         more + "}";
}

DecoderConfig read(const std::string& model_type, const std::string& more = "") {
  return read_hugging_face_config(parse_json_metadata(with(model_type, more), "config.json"));
}

std::string message(const std::string& model_type, const std::string& more) {
  try {
    read(model_type, more);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ConfigFilesTest, WhatChangesTheArithmeticAndIsNotKnownIsAnErrorThatNamesIt) {
  const struct {
    const char* model_type;
    const char* more;
    const char* named;
  } kCases[] = {
      {"banana", "", "'banana'"},
      {"llama", R"(, "hidden_act": "quick_gelu")", "quick_gelu"},
      {"llama", R"(, "rope_scaling": {"type": "mrope", "factor": 2.0})", "mrope"},
      {"llama", R"(, "rope_scaling": {"type": "linear"})", "factor"},
      {"llama", R"(, "rope_parameters": {"rope_type": "spiral", "rope_theta": 1e4})", "spiral"},
      {"llama", R"(, "quantization_config": {"quant_method": "gptq"})", "gptq"},
      {"exaone4", R"(, "sliding_window": 8, "layer_types": ["linear_attention", "full_attention",
         "full_attention", "full_attention"])",
       "linear_attention"},
      {"exaone4", R"(, "sliding_window": 8, "layer_types": ["full_attention"])", "layer_types"},
      {"exaone4", R"(, "sliding_window": 8, "sliding_window_pattern": "LGLL")", "LLLG"},
      {"falcon", R"(, "alibi": true)", "alibi"},
      {"gpt2", R"(, "scale_attn_by_inverse_layer_idx": true)", "scale_attn_by_inverse_layer_idx"},
      {"mixtral", "", "num_local_experts"},
      {"granite", R"(, "logits_scaling": 0)", "logits_scaling"},
      {"stablelm", R"(, "partial_rotary_factor": 0.01)", "partial_rotary_factor"},
      {"phi3",
       R"(, "rope_scaling": {"type": "longrope", "short_factor": [1, 2], "long_factor": [1, 3]},
         "original_max_position_embeddings": 16)",
       "rope factor"},
  };
  for (const auto& tested : kCases) {
    const std::string said = message(tested.model_type, tested.more);
    EXPECT_NE(said.find(tested.named), std::string::npos) << tested.model_type << ": " << said;
    EXPECT_NE(said, "no error") << tested.model_type << tested.more;
  }
  EXPECT_NE(message("banana", "").find("exaone4"), std::string::npos);  // lists the known ones
}

TEST(ConfigFilesTest, MissingKeysHaveTheReferencesDefaults) {
  EXPECT_EQ(read("stablelm").rotated_dims(), 4);
  EXPECT_TRUE(read("gemma2", R"(, "num_key_value_heads": 2)").tied_head);
  EXPECT_FALSE(read("llama").tied_head);
  EXPECT_TRUE(read("falcon").tied_head);
  EXPECT_EQ(read("falcon").kv_heads, 1);
  EXPECT_EQ(read("falcon").ffn_dim, 256);
  EXPECT_EQ(read("qwen3").head_dim, 128);
  EXPECT_EQ(read("qwen2", R"(, "sliding_window": 4096)").window, 0);  // off unless asked for
  EXPECT_EQ(read("llama").max_positions, 2048);
  EXPECT_EQ(read("gpt_neox").activation, Activation::kGeluErf);
}

TEST(ConfigFilesTest, NewerFilesKeepTheRotationInRopeParameters) {
  const DecoderConfig plain =
      read("llama", R"(, "rope_parameters": {"rope_theta": 5e5, "rope_type": "default"})");
  EXPECT_EQ(plain.rope_theta, 5e5);
  const DecoderConfig kinds = read("gemma3_text", R"(, "num_key_value_heads": 2,
      "sliding_window": 8, "rope_parameters": {
      "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
      "sliding_attention": {"rope_type": "default", "rope_theta": 2e4}}, "layer_types": [
      "sliding_attention", "full_attention", "sliding_attention", "sliding_attention"])");
  EXPECT_EQ(kinds.rope_theta, 1e6);
  EXPECT_EQ(kinds.rope_scaling.kind, RopeScalingKind::kLinear);
  EXPECT_EQ(kinds.local_rope_theta, 2e4);
  EXPECT_TRUE(kinds.is_local(0));
  EXPECT_FALSE(kinds.is_local(1));
}

TEST(ConfigFilesTest, ModelsThatAlsoSeeAreReadForTheirText) {
  const std::string text = R"({"model_type": "gemma3", "text_config": )" +
                           with("gemma3_text", R"(, "sliding_window": 16)") + "}";
  const DecoderConfig config =
      read_hugging_face_config(language_part(parse_json_metadata(text, "config.json")));
  EXPECT_EQ(config.architecture, "gemma3");
  EXPECT_EQ(config.window, 16);
}

TEST(ConfigFilesTest, YarnReachesAsFarAsItsFactorAndSurvivesBothFormats) {
  const DecoderConfig config = read("qwen2", R"(, "max_position_embeddings": 1000, "rope_scaling":
      {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1000})");
  EXPECT_EQ(config.max_positions, 4000);
  Metadata gguf("test");
  write_gguf_config(config, gguf);
  Metadata again("test");
  write_hugging_face_config(config, again);
  const DecoderConfig from_json = read_hugging_face_config(again);
  std::vector<float> embedding(100 * 64);
  const DecoderConfig from_gguf = read_gguf_config(gguf, [&](const std::string& name) {
    return name == "token_embd.weight" ? Tensor::borrowed(embedding.data(), Shape{100, 64})
                                       : Tensor();
  });
  for (const DecoderConfig& read_back : {from_json, from_gguf}) {
    EXPECT_EQ(read_back.rope_scaling.kind, RopeScalingKind::kYarn);
    EXPECT_EQ(read_back.rope_scaling.factor, 4.0);
    EXPECT_NEAR(read_back.rope_scaling.magnitude, config.rope_scaling.magnitude, 1e-12);
    EXPECT_EQ(read_back.max_positions, 4000);
  }
}

TEST(ConfigFilesTest, AGgufFileOfAnUnknownArchitectureNamesTheKnownOnes) {
  Metadata metadata("test.gguf");
  metadata.set("general.architecture", std::string("banana"));
  try {
    read_gguf_config(metadata, [](const std::string&) { return Tensor(); });
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("gptneox"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("banana"), std::string::npos);
  }
}

}  // namespace
}  // namespace onmal
