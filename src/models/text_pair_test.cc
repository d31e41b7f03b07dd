#include "models/text_pair.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "models/encoder_testing.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

// A byte is a token; what stands around a text is told.
class ByteTokenizer : public Tokenizer {
 public:
  ByteTokenizer(std::vector<int32_t> before, std::vector<int32_t> behind, std::string begin)
      : before_(std::move(before)), behind_(std::move(behind)), begin_(std::move(begin)) {}
  int64_t vocab_size() const override { return 260; }
  std::vector<int32_t> encode(std::string_view text, const EncodeOptions& options) const override {
    std::vector<int32_t> ids;
    if (options.add_special) ids = before_;
    for (const char c : text) ids.push_back(static_cast<uint8_t>(c));
    if (options.add_special) ids.insert(ids.end(), behind_.begin(), behind_.end());
    return ids;
  }
  std::string_view piece(int32_t id) const override {
    return id == 256 ? std::string_view(begin_) : "x";
  }
  bool is_special(int32_t id) const override { return id > 255; }
  int32_t find(std::string_view /*text*/) const override { return -1; }
  int32_t begin_id() const override { return 256; }
  int32_t end_id() const override { return 257; }

 private:
  std::vector<int32_t> before_, behind_;
  std::string begin_;
};

using Ids = std::vector<int32_t>;

TEST(EncodePair, PutsWhatEachFamilyWantsBetween) {
  const TextPair bert = encode_pair(ByteTokenizer({256}, {258}, "[CLS]"), "ab", "c", 16);
  EXPECT_EQ(bert.ids, (Ids{256, 'a', 'b', 258, 'c', 258}));
  EXPECT_EQ(bert.second, 4);
  EXPECT_EQ(bert.dropped, 0);
  const TextPair roberta = encode_pair(ByteTokenizer({256}, {258}, "<s>"), "ab", "c", 16);
  EXPECT_EQ(roberta.ids, (Ids{256, 'a', 'b', 258, 258, 'c', 258}));
  EXPECT_EQ(roberta.second, 5);
  const TextPair bare = encode_pair(ByteTokenizer({}, {}, ""), "ab", "c", 16);
  EXPECT_EQ(bare.ids, (Ids{'a', 'b', 257, 'c'}));
  EXPECT_EQ(bare.second, 3);
}

TEST(EncodePair, CutsThePremiseFirst) {
  const ByteTokenizer tokenizer({256}, {258}, "[CLS]");
  const TextPair cut = encode_pair(tokenizer, "abcdefghij", "xyz", 10);
  EXPECT_EQ(cut.ids, (Ids{256, 'a', 'b', 'c', 'd', 258, 'x', 'y', 'z', 258}));
  EXPECT_EQ(cut.dropped, 6);
  // A hypothesis may have more than half where the premise leaves room.
  EXPECT_EQ(encode_pair(tokenizer, "a", "uvwxyz", 10).dropped, 0);
  EXPECT_EQ(encode_pair(tokenizer, "abcdefgh", "stuvwxyz", 11).ids,
            (Ids{256, 'a', 'b', 'c', 'd', 258, 's', 't', 'u', 'v', 258}));
  EXPECT_EQ(encode_pair(tokenizer, "", "", 10).ids, (Ids{256, 258, 258}));
}

TEST(PairTypes, MarkTheSecondTextsOfPackedPairs) {
  HeapAllocator memory;
  const std::vector<Ids> texts = {{1, 2, 3, 4, 5}, {6, 7, 8}};
  const Tensor types = pack_rows(memory, texts, 16, 0, false, std::vector<int64_t>{3, 1}).types;
  const Ids wanted = {0, 0, 0, 1, 1, 0, 1, 1};
  for (size_t i = 0; i < wanted.size(); ++i)
    EXPECT_EQ(types.i32()[static_cast<int64_t>(i)], wanted[i]) << i;
  for (int64_t i = 8; i < types.elements(); ++i) EXPECT_EQ(types.i32()[i], 0);
}

// Type 1 everywhere is what a model computes whose rows of the type table are exchanged.
TEST(TokenTypes, AreRowsOfTheirTable) {
  HeapAllocator memory;
  Encoder encoder(testing::small_encoder("bert"));
  testing::randomize(encoder, memory, DType::kF32);
  Encoder twin(testing::small_encoder("bert"));
  testing::randomize(twin, memory, DType::kF32);
  twin.visit([&](Param& param) {
    if (param.name != "type_embedding.weight") return;
    float* values = param.value.f32();
    std::swap_ranges(values, values + 24, values + 24);
  });
  ThreadPool pool(1);
  const Backend backend = make_cpu_backend();
  Exec exec{&pool, &memory, &backend};
  EncoderInput input;
  input.ids = testing::random_ids(memory, 2, 9, 5);
  const Tensor plain = encoder.forward(exec, input);
  const Tensor wanted = twin.forward(exec, input);
  input.types = Tensor::empty(memory, input.ids.shape(), DType::kI32);
  std::fill_n(input.types.i32(), input.types.elements(), 1);
  const Tensor typed = encoder.forward(exec, input);
  EXPECT_EQ(testing::relative_difference(typed, wanted), 0.0);
  EXPECT_GT(testing::relative_difference(typed, plain), 1e-3);
  std::fill_n(input.types.i32(), input.types.elements(), 0);
  EXPECT_EQ(testing::relative_difference(encoder.forward(exec, input), plain), 0.0);
}

}  // namespace
}  // namespace onmal
