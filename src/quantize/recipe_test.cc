#include "quantize/recipe.h"

#include <gtest/gtest.h>

namespace onmal {
namespace {

DType choose(const char* recipe, TensorRole role, int64_t layer = 10, int64_t layers = 32,
             bool shared_keys = false, bool importance = false) {
  return choose_format(*find_recipe(recipe), {role, layer, layers, shared_keys, importance}, false);
}

TEST(RecipeTest, RolesByName) {
  EXPECT_EQ(tensor_role("token_embd.weight", 2, true), TensorRole::kHead);
  EXPECT_EQ(tensor_role("token_embd.weight", 2, false), TensorRole::kEmbedding);
  EXPECT_EQ(tensor_role("output.weight", 2, false), TensorRole::kHead);
  EXPECT_EQ(tensor_role("blk.3.attn_v.weight", 2, false), TensorRole::kAttentionValue);
  EXPECT_EQ(tensor_role("blk.3.attn_qkv.weight", 2, false), TensorRole::kAttentionFused);
  EXPECT_EQ(tensor_role("blk.3.attn_output.weight", 2, false), TensorRole::kAttentionOutput);
  EXPECT_EQ(tensor_role("blk.3.ffn_down_exps.weight", 3, false), TensorRole::kFeedForwardDown);
  EXPECT_EQ(tensor_role("blk.3.ffn_up.weight", 2, false), TensorRole::kOther);
  for (const char* kept : {"blk.3.attn_norm.weight", "blk.3.attn_v.bias", "output_norm.weight",
                           "blk.3.ffn_gate_inp.weight", "position_embd.weight",
                           "token_types.weight", "blk.3.attn_q_norm.weight", "rope_freqs.weight"}) {
    EXPECT_EQ(tensor_role(kept, 2, false), TensorRole::kKept) << kept;
  }
  EXPECT_EQ(tensor_role("blk.3.ffn_up.weight", 1, false), TensorRole::kKept);
}

TEST(RecipeTest, MixturesGiveMoreBitsWhereTheyCount) {
  EXPECT_EQ(choose("Q4_K_M", TensorRole::kHead), DType::kQ6_K);
  EXPECT_EQ(choose("q4_0", TensorRole::kHead), DType::kQ6_K);
  EXPECT_EQ(choose("q8_0", TensorRole::kHead), DType::kQ8_0);
  EXPECT_EQ(choose("f16", TensorRole::kHead), DType::kF16);
  EXPECT_EQ(choose("q4_k_m", TensorRole::kOther), DType::kQ4_K);
  // Of 32 layers: the first 4, the last 4, and 6, 9, 12, … between.
  for (int64_t layer = 0; layer < 32; ++layer) {
    const bool more = layer < 4 || layer >= 28 || layer % 3 == 0;
    const DType expected = more ? DType::kQ6_K : DType::kQ4_K;
    EXPECT_EQ(choose("q4_k_m", TensorRole::kFeedForwardDown, layer), expected) << layer;
    EXPECT_EQ(choose("q4_k_m", TensorRole::kAttentionValue, layer), expected) << layer;
  }
  EXPECT_EQ(choose("q3_k_m", TensorRole::kAttentionValue, 1), DType::kQ5_K);
  EXPECT_EQ(choose("q3_k_m", TensorRole::kAttentionValue, 2), DType::kQ4_K);
  EXPECT_EQ(choose("q2_k", TensorRole::kAttentionValue, 2, 32, true), DType::kQ4_K);
  EXPECT_EQ(choose("q2_k", TensorRole::kAttentionValue, 2, 32, false), DType::kQ3_K);
  EXPECT_EQ(choose("iq4_xs", TensorRole::kFeedForwardDown, 0), DType::kQ5_K);
  EXPECT_EQ(choose("iq4_xs", TensorRole::kFeedForwardDown, 0, 32, false, true), DType::kIQ4_XS);
  EXPECT_EQ(choose_format(*find_recipe("q4_k_m"), {TensorRole::kHead}, true), DType::kQ4_K);
}

TEST(RecipeTest, RowsThatBlocksDoNotDivide) {
  EXPECT_EQ(fitting_format(DType::kQ4_K, 512), DType::kQ4_K);
  EXPECT_EQ(fitting_format(DType::kQ4_K, 704), DType::kQ5_0);
  EXPECT_EQ(fitting_format(DType::kQ6_K, 704), DType::kQ8_0);
  EXPECT_EQ(fitting_format(DType::kIQ4_XS, 704), DType::kIQ4_NL);
  EXPECT_EQ(fitting_format(DType::kQ4_K, 40), DType::kF16);
  EXPECT_EQ(fitting_format(DType::kQ4_0, 40), DType::kF16);
  EXPECT_EQ(fitting_format(DType::kF16, 7), DType::kF16);
}

TEST(RecipeTest, EveryNameHasItsOwnRow) {
  EXPECT_EQ(find_recipe("q9_z"), nullptr);
  for (const QuantizeRecipe& recipe : recipes()) EXPECT_EQ(find_recipe(recipe.name), &recipe);
}

}  // namespace
}  // namespace onmal
