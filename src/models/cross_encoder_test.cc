#include "models/cross_encoder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "models/encoder_testing.h"
#include "tokenizer/bpe_trainer.h"
#include "tokenizer/tokenizer_json.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

class CrossEncoderTest : public ::testing::Test {
 protected:
  CrossEncoderTest() {
    folder_ = fs::temp_directory_path() / ("onmal_cross_encoder_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  ~CrossEncoderTest() override { fs::remove_all(folder_); }

  // A tiny encoder with random weights; its tokenizer puts [CLS] (or <s>) before a text and [SEP]
  // (</s>) behind it.
  EncoderModel make_base(bool roberta) {
    BpeTrainOptions train;
    train.vocab_size = 300;
    BpeTrainer trainer(train);
    trainer.feed(pool_, "한국어와 English 문장 one two three 하나 둘 셋\n", "text");
    const std::string begin = roberta ? "<s>" : "[CLS]", end = roberta ? "</s>" : "[SEP]";
    const std::string json = framed(write_tokenizer_json(trainer.train()), begin, end);
    EncoderConfig config = testing::small_encoder(roberta ? "roberta" : "bert");
    EncoderModel model;
    model.tokenizer.tokenizer = parse_tokenizer_json(json, "tokenizer.json");
    config.vocab_size = model.tokenizer.tokenizer->vocab_size();
    config.architecture = "bert";  // RoBERTa's family is BERT's
    if (roberta) config.token_types = 1;
    model.encoder = std::make_unique<Encoder>(config);
    Rng rng(3);
    model.encoder->initialize(*model.memory, rng);
    // Large enough for texts and types to matter.
    model.encoder->visit([](Param& param) {
      if (param.shape.rank() < 2) return;
      for (int64_t i = 0; i < param.value.elements(); ++i) param.value.f32()[i] *= 20.0F;
    });
    model.encoder->prepare(*model.memory);
    return model;
  }

  static std::string framed(const std::string& text, const std::string& begin,
                            const std::string& end) {
    using nlohmann::json;
    json tokenizer = json::parse(text);
    int id = 300;
    json tokens = json::object();
    for (const std::string& name : {begin, end}) {
      tokenizer["added_tokens"].push_back({{"id", id},
                                           {"content", name},
                                           {"single_word", false},
                                           {"lstrip", false},
                                           {"rstrip", false},
                                           {"normalized", false},
                                           {"special", true}});
      tokens[name] = {{"id", name}, {"ids", {id}}, {"tokens", {name}}};
      ++id;
    }
    const auto special = [](const std::string& name) {
      return json{{"SpecialToken", {{"id", name}, {"type_id", 0}}}};
    };
    const json sequence = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
    const json single = json::array({special(begin), sequence, special(end)});
    tokenizer["post_processor"] = {{"type", "TemplateProcessing"},
                                   {"single", single},
                                   {"pair", single},
                                   {"special_tokens", tokens}};
    return tokenizer.dump();
  }

  fs::path write(bool roberta, size_t labels) {
    ClassifierConfig config;
    config.task = labels == 1 ? ClassifyTask::kRegression : ClassifyTask::kSingleLabel;
    for (size_t i = 0; i < labels; ++i) config.labels.push_back("label" + std::to_string(i));
    Rng rng(5);
    Classifier classifier(make_base(roberta), config, rng);
    classifier.visit_head([](Param& param) {
      for (int64_t i = 0; i < param.value.elements(); ++i) param.value.f32()[i] *= 10.0F;
    });
    fs::path path = folder_ / ("model" + std::to_string(labels) + (roberta ? "r" : "b"));
    classifier.save(path, DType::kF32);
    return path;
  }

  // One pair alone, by the encoder and the head's weights in double precision.
  double direct(const fs::path& path, const std::vector<int32_t>& ids, int64_t second) {
    Classifier classifier(path);
    const EncoderModel base = load_encoder_model(open_model_file(path));
    const Backend backend = make_plain_backend();
    HeapAllocator memory;
    Exec exec{&pool_, &memory, &backend};
    const auto length = static_cast<int64_t>(ids.size());
    EncoderInput input;
    input.ids = Tensor::empty(memory, Shape{1, length}, DType::kI32);
    input.types = Tensor::zeros(memory, Shape{1, length}, DType::kI32);
    for (int64_t t = 0; t < length; ++t) {
      input.ids.i32()[t] = ids[static_cast<size_t>(t)];
      input.types.i32()[t] = t >= second ? 1 : 0;
    }
    const Tensor hidden = base.encoder->forward(exec, input);
    std::map<std::string, Tensor> head;
    classifier.visit_head([&](Param& param) { head[param.name] = param.value; });
    const int64_t dim = hidden.dim(2);
    const auto map = [&](const std::vector<double>& x, const std::string& name) {
      const Tensor& weight = head.at(name + ".weight");
      std::vector<double> y;
      for (int64_t o = 0; o < weight.dim(0); ++o) {
        double sum = static_cast<double>(head.at(name + ".bias").f32()[o]);
        for (int64_t i = 0; i < dim; ++i)
          sum += static_cast<double>(weight.f32()[o * dim + i]) * x[static_cast<size_t>(i)];
        y.push_back(sum);
      }
      return y;
    };
    std::vector<double> x(hidden.f32(), hidden.f32() + dim);
    std::vector<double> pooled = map(x, "classifier.pooler");
    for (double& value : pooled) value = std::tanh(value);
    const std::vector<double> logits = map(pooled, "classifier.output");
    const double logit = logits.size() == 1 ? logits[0] : logits[1] - logits[0];
    return 1 / (1 + std::exp(-logit));
  }

  ThreadPool pool_{2};
  fs::path folder_;
};

TEST_F(CrossEncoderTest, ScoresPairsAsOneByOneAndByHand) {
  for (const auto& [roberta, labels] : {std::pair(false, 1), {false, 2}, {true, 1}}) {
    const fs::path path = write(roberta, static_cast<size_t>(labels));
    const CrossEncoder model(path);
    const std::vector<std::string> passages = {"하나 둘 셋",          "one two", "English 문장", "",
                                               std::string(300, 'x'), "한국어와"};
    const std::string query = "two 문장";
    const std::vector<double> scores = model.score(pool_, query, passages);
    ASSERT_EQ(scores.size(), passages.size());
    for (size_t i = 0; i < passages.size(); ++i) {
      const TextPair pair = model.encode(query, passages[i]);
      EXPECT_LE(pair.ids.size(), 40U);  // what the model reads
      EXPECT_NEAR(scores[i], direct(path, pair.ids, pair.second), 1e-5) << labels << roberta << i;
    }
    EXPECT_GT(std::abs(scores[0] - scores[1]), 1e-4);
    EXPECT_TRUE(model.score(pool_, query, {}).empty());
  }
}

TEST_F(CrossEncoderTest, PairsAreFramedAsTheFamilyWantsAndCut) {
  const CrossEncoder bert(write(false, 1)), roberta(write(true, 1));
  TextPair pair = bert.encode("one", "two");
  const auto before_second = [&](size_t back) {
    return pair.ids[static_cast<size_t>(pair.second) - back];
  };
  EXPECT_EQ(pair.ids.front(), 300);
  EXPECT_EQ(pair.ids.back(), 301);
  EXPECT_EQ(before_second(1), 301);
  EXPECT_NE(before_second(2), 301);
  pair = roberta.encode("one", "two");
  EXPECT_EQ(before_second(1), 301);
  EXPECT_EQ(before_second(2), 301);
  // A long query leaves half of the room to a long passage, all that is free to a short one.
  const std::string lengthy(500, 'x');
  pair = bert.encode(lengthy, lengthy);
  EXPECT_EQ(pair.ids.size(), 40U);
  EXPECT_EQ(pair.second, 1 + 19 + 1);
  pair = bert.encode(lengthy, "");
  EXPECT_EQ(pair.second, 39);
}

TEST_F(CrossEncoderTest, RefusesWhatRanksNothing) {
  const auto message = [&](const fs::path& path) -> std::string {
    try {
      CrossEncoder model(path);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message(write(false, 3)).find("ranks passages"), std::string::npos);
  EncoderModel bare = make_base(false);
  save_encoder_model(bare, folder_ / "bare", DType::kF32);
  EXPECT_NE(message(folder_ / "bare").find("no head"), std::string::npos);
  std::stop_source stop;
  stop.request_stop();
  const std::vector<std::string> one = {"one"};
  EXPECT_THROW(CrossEncoder(write(false, 1)).score(pool_, "q", one, stop.get_token()), Error);
}

}  // namespace
}  // namespace onmal
