#include "models/adapter.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <functional>

#include "autograd/tape.h"
#include "base/error.h"
#include "base/file.h"
#include "formats/gguf.h"
#include "formats/json_metadata.h"
#include "formats/safetensors.h"
#include "models/architecture.h"
#include "models/encoder_testing.h"
#include "models/weight_io.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

DecoderConfig small_config(const std::string& architecture) {
  DecoderConfig config;
  config.architecture = architecture;
  config.vocab_size = 37;
  config.dim = 32;
  config.layers = 2;
  config.heads = 4;
  const bool equal_heads = architecture == "gpt2" || architecture == "gptneox";
  config.kv_heads = equal_heads ? 4 : 2;
  config.head_dim = 8;
  config.ffn_dim = 64;
  config.max_positions = 64;
  find_architecture(architecture, "test").set_family(config);
  if (architecture == "qwen2") config.qkv_bias = true;
  return config;
}

LanguageModel small_model(const std::string& architecture) {
  LanguageModel model;
  model.decoder = std::make_unique<Decoder>(small_config(architecture));
  testing::randomize(*model.decoder, *model.memory, DType::kF32, 0.2);
  return model;
}

class AdapterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("onmal_adapter_" + std::to_string(::getpid()) +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  Tensor logits_of(const Decoder& decoder) {
    Exec exec{&pool_, &memory_, &backend_};
    const Tensor ids = testing::random_ids(memory_, 2, 9, 5);
    return decoder.logits(exec, decoder.forward(exec, {ids, {}, nullptr}));
  }
  static void attach(LanguageModel& model, const AdapterConfig& config) {
    Rng rng(3);
    attach_adapter([&](LinearVisitor v) { model.decoder->visit_linears(v); }, config, *model.memory,
                   rng, "test");
  }
  // An adapter that does something: random B, magnitudes moved.
  static void disturb(LanguageModel& model) {
    Rng rng(8);
    visit_adapter([&](LinearVisitor v) { model.decoder->visit_linears(v); },
                  [&](Param& param) {
                    for (int64_t i = 0; i < param.value.elements(); ++i)
                      param.value.f32()[i] += 0.1F * static_cast<float>(rng.normal());
                  });
  }
  // What PEFT does with the files: each stored tensor W of folder_/hf becomes W + s B A, of the
  // rows' lengths that the magnitudes say, s by alpha and rank or their patterns. Compared with the
  // merged model.
  void check_by_definition(LanguageModel& model, const std::string& architecture,
                           const AdapterConfig& config, const std::string& label) {
    merge_adapters([&](LinearVisitor v) { model.decoder->visit_linears(v); }, *model.memory);
    save_hugging_face(model, folder_ / "merged", DType::kF32);
    const SafetensorsFile before(folder_ / "hf/model.safetensors");
    const SafetensorsFile after(folder_ / "merged/model.safetensors");
    const SafetensorsFile peft(folder_ / "peft/adapter_model.safetensors");
    const Metadata metadata = read_json_metadata(folder_ / "peft/adapter_config.json");
    EXPECT_EQ(metadata.get_bool("fan_in_fan_out"), architecture == "gpt2");
    int checked = 0;
    for (const TensorEntry& entry : before.entries()) {
      if (!entry.name.ends_with(".weight")) continue;
      const std::string name = entry.name.substr(0, entry.name.rfind('.'));
      const std::string stem = "base_model.model." + name;
      const Tensor down = peft.find(stem + ".lora_A.weight");
      if (!down.defined()) continue;
      const std::string module = name.substr(name.rfind('.') + 1);
      const auto rank = static_cast<double>(metadata.get_int(
          metadata.contains("rank_pattern." + module) ? "rank_pattern." + module : "r"));
      const double alpha = metadata.get_float(
          metadata.contains("alpha_pattern." + module) ? "alpha_pattern." + module : "lora_alpha");
      ASSERT_EQ(down.dim(0), static_cast<int64_t>(rank)) << label << ' ' << name;
      const double scale = alpha / (config.rank_stabilized ? std::sqrt(rank) : rank);
      const Tensor up = peft.tensor(stem + ".lora_B.weight");
      const Tensor magnitude = peft.find(stem + ".lora_magnitude_vector");
      check_map(before.tensor(entry.name), after.tensor(entry.name), down, up, magnitude, scale,
                architecture == "gpt2", label + ' ' + name);
      ++checked;
    }
    EXPECT_GE(checked, 4) << label;
  }
  static void check_map(const Tensor& before, const Tensor& after, const Tensor& down,
                        const Tensor& up, const Tensor& magnitude, double scale, bool transposed,
                        const std::string& label) {
    const int64_t in = down.dim(1);
    double worst = 0;
    for (int64_t row = 0; row < up.dim(0); ++row) {
      const auto at = [&](const Tensor& w, int64_t i) {
        return static_cast<double>(w.f32()[transposed ? i * up.dim(0) + row : row * in + i]);
      };
      std::vector<double> wanted;
      double squares = 0;
      for (int64_t i = 0; i < in; ++i) {
        double sum = 0;
        for (int64_t r = 0; r < down.dim(0); ++r)
          sum += static_cast<double>(up.f32()[row * down.dim(0) + r]) *
                 static_cast<double>(down.f32()[r * in + i]);
        wanted.push_back(at(before, i) + scale * sum);
        squares += wanted.back() * wanted.back();
      }
      const double factor = magnitude.defined()
                                ? static_cast<double>(magnitude.f32()[row]) / std::sqrt(squares)
                                : 1.0;
      for (int64_t i = 0; i < in; ++i)
        worst = std::max(worst, std::abs(factor * wanted[static_cast<size_t>(i)] - at(after, i)));
    }
    EXPECT_LE(worst, 1e-5) << label;
  }
  std::string message_of(const std::function<void()>& body) {
    try {
      body();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  ThreadPool pool_{2};
  CachingAllocator memory_;
  Backend backend_ = make_cpu_backend();
  fs::path folder_;
};

AdapterConfig config_of(const std::string& kind) {
  AdapterConfig config;
  config.rank = 4;
  config.alpha = 6;
  config.rank_stabilized = kind == "rslora";
  config.dora = kind == "dora";
  return config;
}

TEST_F(AdapterTest, AFreshOneChangesNothingAndATrainedOneCanBeMergedOrSwitchedOff) {
  for (const char* kind : {"lora", "rslora", "dora"}) {
    for (const char* architecture : {"llama", "qwen2", "qwen3"}) {
      LanguageModel model = small_model(architecture);
      const Tensor before = logits_of(*model.decoder);
      attach(model, config_of(kind));
      EXPECT_LE(testing::relative_difference(logits_of(*model.decoder), before), 2e-6) << kind;
      disturb(model);
      const Tensor changed = logits_of(*model.decoder);
      EXPECT_GT(testing::relative_difference(changed, before), 0.05) << kind;
      const auto visit = [&](LinearVisitor v) { model.decoder->visit_linears(v); };
      switch_adapters(visit, false);
      EXPECT_EQ(testing::relative_difference(logits_of(*model.decoder), before), 0.0);
      switch_adapters(visit, true);
      merge_adapters(visit, *model.memory);
      EXPECT_LE(testing::relative_difference(logits_of(*model.decoder), changed), 1e-5)
          << kind << ' ' << architecture;
    }
  }
}

TEST_F(AdapterTest, PeftAndGgufFilesComeBackOnFilesOfEitherKind) {
  for (const char* kind : {"lora", "rslora", "dora"}) {
    LanguageModel model = small_model("llama");
    save_hugging_face(model, folder_ / "hf", DType::kF32);
    save_gguf(model, folder_ / "base.gguf", DType::kF32);  // rows of queries in another order
    attach(model, config_of(kind));
    disturb(model);
    const Tensor expected = logits_of(*model.decoder);
    save_peft_adapter(model, config_of(kind), folder_ / "peft", "some/base");
    std::vector<fs::path> adapters = {folder_ / "peft", folder_ / "peft/adapter_model.safetensors"};
    if (std::string(kind) != "dora") {
      save_gguf_adapter(model, config_of(kind), folder_ / "adapter.gguf");
      adapters.push_back(folder_ / "adapter.gguf");
    } else {
      EXPECT_THROW(save_gguf_adapter(model, config_of(kind), folder_ / "no.gguf"), Error);
    }
    for (const char* base : {"hf", "base.gguf"}) {
      for (const fs::path& adapter : adapters) {
        LanguageModel loaded = load_language_model(folder_ / base);
        load_adapter(loaded, adapter);
        EXPECT_LE(testing::relative_difference(logits_of(*loaded.decoder), expected), 1e-5)
            << kind << ' ' << base << ' ' << adapter;
      }
    }
    fs::remove_all(folder_ / "peft");
  }
}

// The layout that PEFT publishes: names, shapes, keys of the configuration.
TEST_F(AdapterTest, NamesAreThoseOfPeftAndLlamaCpp) {
  LanguageModel model = small_model("llama");
  AdapterConfig config = config_of("dora");
  config.targets = {"query", "up"};
  attach(model, config);
  save_peft_adapter(model, config, folder_, "some/base");
  const SafetensorsFile file(folder_ / "adapter_model.safetensors");
  EXPECT_EQ(file.entries().size(), 2U * 2U * 3U);
  const std::string stem = "base_model.model.model.layers.1.";
  EXPECT_EQ(file.tensor(stem + "self_attn.q_proj.lora_A.weight").shape(), (Shape{4, 32}));
  EXPECT_EQ(file.tensor(stem + "self_attn.q_proj.lora_B.weight").shape(), (Shape{32, 4}));
  EXPECT_EQ(file.tensor(stem + "mlp.up_proj.lora_magnitude_vector").shape(), (Shape{64}));
  const std::string json = read_file(folder_ / "adapter_config.json");
  for (const char* part :
       {"\"peft_type\": \"LORA\"", "\"r\": 4", "\"lora_alpha\": 6", "\"use_dora\": true",
        "\"q_proj\"", "\"up_proj\"", "\"task_type\": \"CAUSAL_LM\"", "\"bias\": \"none\""})
    EXPECT_NE(json.find(part), std::string::npos) << part << " in " << json;
  config.dora = false;
  config.rank_stabilized = true;
  save_gguf_adapter(model, config, folder_ / "a.gguf");
  const GgufFile gguf(folder_ / "a.gguf");
  EXPECT_EQ(gguf.metadata().get_string("general.type"), "adapter");
  EXPECT_EQ(gguf.metadata().get_string("adapter.type"), "lora");
  // llama.cpp divides by the rank: 6 / sqrt(4) = 12 / 4.
  EXPECT_DOUBLE_EQ(gguf.metadata().get_float("adapter.lora.alpha"), 12.0);
  EXPECT_EQ(gguf.tensor("blk.0.attn_q.weight.lora_a").shape(), (Shape{4, 32}));
  EXPECT_EQ(gguf.tensor("blk.0.ffn_up.weight.lora_b").shape(), (Shape{64, 4}));
}

// Query, key and value in one tensor, after one another or by heads, and gate and up; as stored or
// transposed; all of the parts changed or some.
TEST_F(AdapterTest, PartsOfAStoredTensorShareAChange) {
  for (const char* architecture : {"gpt2", "phi3", "gptneox", "falcon"}) {
    for (const char* kind : {"lora", "rslora", "dora"}) {
      for (const bool all : {true, false}) {
        const std::string label = std::string(architecture) + ' ' + kind + (all ? "" : " some");
        fs::remove_all(folder_);
        fs::create_directories(folder_);
        LanguageModel model = small_model(architecture);
        save_hugging_face(model, folder_ / "hf", DType::kF32);
        save_gguf(model, folder_ / "base.gguf", DType::kF32);
        AdapterConfig config = config_of(kind);
        if (!all) config.targets = {"query", "value", "up"};
        attach(model, config);
        disturb(model);
        EXPECT_NO_THROW(require_adapter_names(model, "x"));
        const Tensor expected = logits_of(*model.decoder);
        save_peft_adapter(model, config, folder_ / "peft", "some/base");
        std::vector<fs::path> adapters = {folder_ / "peft"};
        if (!config.dora) {
          save_gguf_adapter(model, config, folder_ / "adapter.gguf");
          adapters.push_back(folder_ / "adapter.gguf");
        }
        for (const char* base : {"hf", "base.gguf"}) {
          for (const fs::path& adapter : adapters) {
            LanguageModel loaded = load_language_model(folder_ / base);
            load_adapter(loaded, adapter);
            EXPECT_LE(testing::relative_difference(logits_of(*loaded.decoder), expected), 1e-5)
                << label << ' ' << base << ' ' << adapter;
          }
        }
        check_by_definition(model, architecture, config, label);
      }
    }
  }
}

TEST_F(AdapterTest, AlphaPatternsAreNamesNotExpressions) {
  LanguageModel model = small_model("phi3");
  attach(model, config_of("lora"));
  disturb(model);
  save_peft_adapter(model, config_of("lora"), folder_ / "a", "base");
  const std::string json = read_file(folder_ / "a/adapter_config.json");
  EXPECT_NE(json.find("\"fan_in_fan_out\": false"), std::string::npos);
  const Metadata metadata = read_json_metadata(folder_ / "a/adapter_config.json");
  EXPECT_EQ(metadata.get_int("rank_pattern.qkv_proj"), 12);
  EXPECT_EQ(metadata.get_float("alpha_pattern.qkv_proj"), 18.0);
  EXPECT_EQ(metadata.get_float("alpha_pattern.gate_up_proj"), 12.0);
  std::string odd = json;
  odd.replace(odd.find("\"qkv_proj\": 18"), 10, "\".*kv\"");
  write_file(folder_ / "a/adapter_config.json", odd);
  EXPECT_NE(message_of([&] { load_adapter(model, folder_ / "a"); }).find("regular expression"),
            std::string::npos);
}

TEST_F(AdapterTest, SeveralAddUpByTheirWeights) {
  LanguageModel model = small_model("qwen3");
  save_hugging_face(model, folder_ / "hf", DType::kF32);
  attach(model, config_of("lora"));
  disturb(model);
  save_peft_adapter(model, config_of("lora"), folder_ / "a", "base");
  const Tensor whole = logits_of(*model.decoder);
  LanguageModel halves = load_language_model(folder_ / "hf");
  load_adapter(halves, folder_ / "a", 0.75);
  load_adapter(halves, folder_ / "a", 0.25);
  EXPECT_LE(testing::relative_difference(logits_of(*halves.decoder), whole), 1e-5);
  LanguageModel nothing = load_language_model(folder_ / "hf");
  load_adapter(nothing, folder_ / "a", 1.0);
  load_adapter(nothing, folder_ / "a", -1.0);
  const LanguageModel base = load_language_model(folder_ / "hf");
  EXPECT_LE(testing::relative_difference(logits_of(*nothing.decoder), logits_of(*base.decoder)),
            1e-5);
}

TEST_F(AdapterTest, ATwinSharesTheWeightsAndNotTheChanges) {
  const LanguageModel base = small_model("llama");
  const Tensor plain = logits_of(*base.decoder);
  LanguageModel twin = share_weights(base);
  attach(twin, config_of("lora"));
  disturb(twin);
  std::vector<const std::byte*> places;
  base.decoder->visit(
      [&](const Param& param) { places.push_back(param.value.data_as<std::byte>()); });
  size_t i = 0;
  twin.decoder->visit(
      [&](const Param& param) { EXPECT_EQ(param.value.data_as<std::byte>(), places.at(i++)); });
  EXPECT_EQ(testing::relative_difference(logits_of(*base.decoder), plain), 0.0);
  EXPECT_GT(testing::relative_difference(logits_of(*twin.decoder), plain), 0.01);
}

TEST_F(AdapterTest, TheWrongBaseIsAnError) {
  LanguageModel model = small_model("llama");
  attach(model, config_of("lora"));
  save_peft_adapter(model, config_of("lora"), folder_ / "a", "base");
  save_gguf_adapter(model, config_of("lora"), folder_ / "a.gguf");
  DecoderConfig wide = small_config("llama");
  wide.dim = 48;
  LanguageModel other;
  other.decoder = std::make_unique<Decoder>(wide);
  testing::randomize(*other.decoder, *other.memory, DType::kF32, 0.2);
  EXPECT_NE(message_of([&] {
              load_adapter(other, folder_ / "a");
            }).find("changes a map of 32 to 32 values, the model's is one of 48 to 32"),
            std::string::npos);
  DecoderConfig shallow = small_config("llama");
  shallow.layers = 1;
  LanguageModel short_one;
  short_one.decoder = std::make_unique<Decoder>(shallow);
  testing::randomize(*short_one.decoder, *short_one.memory, DType::kF32, 0.2);
  EXPECT_NE(message_of([&] {
              load_adapter(short_one, folder_ / "a");
            }).find("has no place in this model"),
            std::string::npos);
  LanguageModel family = small_model("qwen3");
  EXPECT_NE(message_of([&] {
              load_adapter(family, folder_ / "a.gguf");
            }).find("was made for a 'llama' model, this one is 'qwen3'"),
            std::string::npos);
  EXPECT_NE(message_of([&] { load_adapter(model, folder_ / "none"); }).find("no such file"),
            std::string::npos);
  save_gguf(short_one, folder_ / "model.gguf", DType::kF32);
  EXPECT_NE(message_of([&] {
              load_adapter(model, folder_ / "model.gguf");
            }).find("is a model and no adapter"),
            std::string::npos);
  write_file(folder_ / "a/adapter_config.json", "{\"peft_type\": \"IA3\"}");
  EXPECT_NE(message_of([&] { load_adapter(model, folder_ / "a"); }).find("peft_type is 'IA3'"),
            std::string::npos);
  AdapterConfig odd;
  odd.targets = {"head"};
  EXPECT_THROW(odd.validate("x"), Error);
}

TEST_F(AdapterTest, AnotherBaseOfTheSameSizeIsAnErrorItsOwnInAnotherFormatIsNot) {
  LanguageModel model = small_model("llama");
  attach(model, config_of("lora"));
  save_peft_adapter(model, config_of("lora"), folder_ / "a", "base");
  save_gguf_adapter(model, config_of("lora"), folder_ / "a.gguf");
  for (const char* name : {"a", "a.gguf"}) {
    LanguageModel other;
    other.decoder = std::make_unique<Decoder>(small_config("llama"));
    testing::randomize(*other.decoder, *other.memory, DType::kF32, 0.2);
    other.decoder->visit([&](Param& param) {
      if (param.name != "layers.1.output.weight") return;  // one map alone
      for (int64_t i = 0; i < param.value.elements(); ++i)
        param.value.f32()[i] = static_cast<float>(i % 7) - 3.0F;
    });
    EXPECT_NE(message_of([&] { load_adapter(other, folder_ / name); }).find("on another model"),
              std::string::npos);
    LanguageModel coarse;
    coarse.decoder = std::make_unique<Decoder>(small_config("llama"));
    testing::randomize(*coarse.decoder, *coarse.memory, DType::kF32, 0.2);
    coarse.decoder->visit([&](Param& param) {
      if (param.kind != ParamKind::kVector)
        param.value = convert_tensor(param.value, DType::kQ8_0, *coarse.memory);
    });
    EXPECT_NO_THROW(load_adapter(coarse, folder_ / name)) << name;
  }
}

// The gradients of A, B and the magnitudes, by finite differences in double. DoRA's lengths are
// constants: held where they were.
TEST_F(AdapterTest, GradientsMatchFiniteDifferencesInDouble) {
  const Backend plain = make_plain_backend();
  HeapAllocator memory;
  for (const bool dora : {false, true}) {
    LinearLayer layer("layers.0.query", 7, 5, true, 0.1F);
    Rng rng(4);
    const auto random = [&](const Shape& shape, double offset = 0.0) {
      const Tensor tensor = Tensor::empty(memory, shape, DType::kF64);
      for (int64_t i = 0; i < tensor.elements(); ++i) tensor.f64()[i] = offset + rng.normal();
      return tensor;
    };
    layer.weight.value = random(layer.weight.shape);
    layer.bias.value = random(layer.bias.shape);
    LowRank change("layers.0.query", 7, 5, 3, 0.7F, dora);
    change.visit([&](Param& param) { param.value = random(param.shape, 0.5); });
    layer.changes.push_back(change);
    Tensor x = random(Shape{4, 7});
    Exec exec{&pool_, &memory, &plain};
    LowRank& mine = layer.changes[0];
    const Tensor lengths =
        inverse_row_lengths(exec, layer.weight.value, mine.down.value, mine.up.value, mine.scale);
    uint32_t tag = 1;
    mine.visit([&](Param& param) { param.value.set_tag(tag++); });
    x.set_tag(tag);
    Tape tape;
    GradStore gradients;
    Exec recording = exec;
    recording.tape = &tape;
    const Tensor out = layer(recording, x);
    tape.backward(recording, out, testing::make_seed(out, memory), gradients);
    // The same function with the lengths held.
    const auto loss = [&] {
      LinearLayer held = layer;
      LowRank& copy = held.changes[0];
      if (dora) {
        copy.frozen_factors = Tensor::empty(memory, lengths.shape(), DType::kF64);
        for (int64_t i = 0; i < lengths.elements(); ++i)
          copy.frozen_factors.f64()[i] = lengths.f64()[i] * copy.magnitude.value.f64()[i];
      }
      return testing::weighted_sum(held(exec, x), memory);
    };
    const auto check = [&](const std::string& name, const Tensor& value) {
      const Tensor gradient = gradients.find(value.tag());
      ASSERT_TRUE(gradient.defined()) << name;
      for (int64_t i = 0; i < value.elements(); ++i) {
        constexpr double kStep = 1e-5;
        const double original = value.f64()[i];
        value.f64()[i] = original + kStep;
        const double above = loss();
        value.f64()[i] = original - kStep;
        const double below = loss();
        value.f64()[i] = original;
        EXPECT_NEAR(gradient.f64()[i], (above - below) / (2 * kStep), 1e-6) << name << i;
      }
    };
    mine.visit([&](Param& param) { check(param.name, param.value); });
    check("x", x);
  }
}

}  // namespace
}  // namespace onmal
