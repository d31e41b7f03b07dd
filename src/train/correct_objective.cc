#include "train/correct_objective.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "corpus/hangul_noise.h"
#include "corpus/packed_dataset.h"
#include "corpus/source.h"
#include "formats/json_metadata.h"
#include "ops/cross_entropy.h"
#include "tensor/allocators.h"
#include "text/characters.h"
#include "text/edit_labels.h"
#include "tokenizer/character_ids.h"
#include "tokenizer/tokenizer_json.h"
#include "train/batch_source.h"
#include "train/fresh_model.h"
#include "train/row_batch.h"

namespace onmal {
namespace {

constexpr size_t kSample = 30'000;  // sentences that characters and labels are counted in
constexpr size_t kMostLabels = 1500;
constexpr int64_t kRareCharacter = 4;  // seen less often: unknown
constexpr int64_t kRareLabel = 12;     // seen less often: not learned
constexpr uint64_t kHeldoutSeed = 0x5EED;

std::vector<std::string> read_sentences(const std::filesystem::path& path) {
  Source source;
  source.path = path;
  source.format = SourceFormat::kLines;
  std::vector<std::string> sentences;
  read_documents(source, [&](std::string_view line) {
    if (!line.empty()) sentences.emplace_back(line);
  });
  if (sentences.empty())
    throw Error(ErrorCode::kInvalidArgument, path.string(), "holds no sentences",
                "make some with 'onmal corpus sentences'");
  return sentences;
}

// A tokenizer.json with a token for each character: BPE without merges.
std::shared_ptr<const Tokenizer> make_character_tokenizer(const std::vector<std::string>& all) {
  std::string vocabulary = "\"[PAD]\":0,\"[UNK]\":1";
  for (size_t i = 0; i < all.size(); ++i) {
    vocabulary += ',';
    vocabulary += quote_json(all[i], "a character");
    vocabulary += ':';
    vocabulary += std::to_string(i + 2);
  }
  const auto special = [](const char* id, const char* name) {
    return std::string("{\"id\":") + id + ",\"content\":\"" + name +
           "\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,"
           "\"special\":true}";
  };
  const std::string json =
      "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[" +
      special("0", "[PAD]") + "," + special("1", "[UNK]") +
      "],\"normalizer\":null,\"pre_tokenizer\":null,\"post_processor\":null,\"decoder\":{\"type\":"
      "\"Fuse\"},\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":\"[UNK]\","
      "\"continuing_subword_prefix\":null,\"end_of_word_suffix\":null,\"fuse_unk\":false,"
      "\"byte_fallback\":false,\"ignore_merges\":false,\"vocab\":{" +
      vocabulary + "},\"merges\":[]}}";
  return parse_any_tokenizer_json(json, "characters");
}

// Names by how often they occur, the frequent first; ties by name.
std::vector<std::string> frequent(const std::map<std::string, int64_t>& counts, int64_t least,
                                  size_t most) {
  std::vector<std::pair<int64_t, std::string>> order;
  for (const auto& [name, count] : counts) {
    if (count >= least) order.emplace_back(-count, name);
  }
  std::sort(order.begin(), order.end());
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(most, order.size()); ++i)
    names.push_back(std::move(order[i].second));
  return names;
}

bool is_plain(const std::string& character) {
  return static_cast<unsigned char>(character[0]) >= 0x20;
}

}  // namespace

CorrectObjective::CorrectObjective(const Recipe& recipe)
    : length_(recipe.data.length),
      run_(recipe.run),
      how_(recipe.objective),
      train_(read_sentences(recipe.data.table)) {
  if (!recipe.data.heldout_table.empty()) heldout_ = read_sentences(recipe.data.heldout_table);
  if (!recipe.from.empty()) {
    classifier_ = std::make_unique<Classifier>(start_edit_tagger(recipe, nullptr, {}));
  } else {
    std::map<std::string, int64_t> characters;
    std::map<std::string, int64_t> counts;
    const size_t stride = std::max<size_t>(1, train_.size() / kSample);
    for (size_t i = 0; i < train_.size(); i += stride) {
      Rng rng(run_.seed + i);
      const std::string written = make_mistakes(train_[i], rng);
      for (const std::string_view c : split_characters(written)) ++characters[std::string(c)];
      for (std::string& label : find_edit_labels(written, train_[i])) ++counts[std::move(label)];
    }
    std::erase_if(characters, [](const auto& entry) { return !is_plain(entry.first); });
    const std::vector<std::string> known = frequent(characters, kRareCharacter, 20'000);
    std::vector<std::string> labels = basic_edit_labels();
    for (const std::string& label : labels) counts.erase(label);
    for (std::string& label : frequent(counts, kRareLabel, kMostLabels))
      labels.push_back(std::move(label));
    classifier_ = std::make_unique<Classifier>(
        start_edit_tagger(recipe, make_character_tokenizer(known), labels));
  }
  for (const std::string& label : classifier_->config().labels)
    labels_.emplace(label, static_cast<int32_t>(labels_.size()));
  unknown_ = std::max(0, classifier_->tokenizer().find("[UNK]"));
  length_ = std::min(length_, classifier_->max_tokens());
  double weights = 0;
  classifier_->visit([&](const Param& param) {
    if (param.kind == ParamKind::kMatrix) weights += static_cast<double>(param.shape.elements());
  });
  flops_per_token_ = 6.0 * weights;
}

std::string CorrectObjective::fingerprint() const {
  std::ostringstream text;
  text << "correction " << train_.size() << ' ' << labels_.size() << ' '
       << classifier_->vocab_size() << ' ' << length_ << ' ' << run_.batch << ' '
       << run_.accumulation << ' ' << run_.seed << ' ' << how_.noise_rate << ' '
       << how_.clean_share;
  return text.str();
}

std::string CorrectObjective::make_mistakes(const std::string& sentence, Rng& rng) const {
  if (rng.uniform() < how_.clean_share) return sentence;
  // Some texts are full of mistakes, others have a few.
  NoiseOptions options;
  options.rate = std::min(1.0, how_.noise_rate * (0.25 + 1.5 * rng.uniform()));
  return add_noise(sentence, options, rng).text;
}

CorrectObjective::Item CorrectObjective::encode(std::string_view written,
                                                std::string_view meant) const {
  Item item;
  item.ids = character_ids(classifier_->tokenizer(), written, unknown_, length_);
  for (const std::string& label : find_edit_labels(written, meant)) {
    const auto found = labels_.find(label);
    item.targets.push_back(found == labels_.end() ? kIgnoredTarget : found->second);
  }
  item.targets.resize(item.ids.size(), kIgnoredTarget);
  return item;
}

TrainBatch CorrectObjective::make_batch(Allocator& memory, uint64_t position, int64_t count) const {
  std::vector<Item> items;
  for (uint64_t i = position; i < position + static_cast<uint64_t>(count); ++i) {
    const std::string& meant = train_[shuffled_index(i, train_.size(), run_.seed)];
    Rng rng(run_.seed * 0x9E3779B97F4A7C15ULL + i);
    items.push_back(encode(make_mistakes(meant, rng), meant));
  }
  return pack(memory, items);
}

TrainBatch CorrectObjective::pack(Allocator& memory, std::span<const Item> items) const {
  std::vector<std::vector<int32_t>> texts;
  for (const Item& item : items) texts.push_back(item.ids);
  TrainBatch batch = batch_of_rows(classifier_->pack(memory, texts, length_));
  batch.targets = Tensor::empty(memory, Shape{batch.ids.elements()}, DType::kI32);
  std::fill_n(batch.targets.i32(), batch.targets.elements(), kIgnoredTarget);
  for (size_t i = 0; i < items.size(); ++i) {
    std::copy(items[i].targets.begin(), items[i].targets.end(),
              batch.targets.i32() + batch.spans[i].begin);
    batch.counted += std::count_if(items[i].targets.begin(), items[i].targets.end(),
                                   [](int32_t target) { return target != kIgnoredTarget; });
  }
  return batch;
}

Tensor CorrectObjective::features(Exec& exec, const TrainBatch& batch,
                                  bool checkpoint_activations) const {
  return classifier_->features(exec, rows_of_batch(batch), checkpoint_activations);
}

TrainLoss CorrectObjective::loss(Exec& exec, const TrainBatch& batch, double normalizer) const {
  const Tensor seen = features(exec, batch, run_.checkpoint_activations);
  CrossEntropyParams params;
  params.ignored = kIgnoredTarget;
  params.bias = classifier_->head().bias.value;
  return scalar_loss(exec, linear_cross_entropy(exec, seen, classifier_->head().weight.value,
                                                batch.targets, params, normalizer)
                               .loss);
}

// What is counted over the batches of an evaluation.
class CorrectObjective::Tally {
 public:
  explicit Tally(double most_harmed) : most_harmed_(most_harmed) {}

  // One sentence: scores [characters, labels] and what is right.
  void add(const float* scores, int64_t labels, std::span<const int32_t> targets, bool clean) {
    double surest = 0;
    for (const int32_t target : targets) {
      const auto best = std::max_element(scores, scores + labels) - scores;
      double sum = 0;
      for (int64_t i = 0; i < labels; ++i)
        sum += std::exp(static_cast<double>(scores[i] - scores[best]));
      if (target != kIgnoredTarget) {
        loss_ += std::log(sum) - static_cast<double>(scores[target] - scores[best]);
        ++counted_;
      }
      if (clean && best != 0) surest = std::max(surest, 1.0 / sum);
      if (!clean && target != 0) {
        ++wrong_;
        if (best == target) right_.push_back(1.0 / sum);
      }
      scores += labels;
    }
    if (clean) touched_.push_back(surest);
  }

  Evaluation result() {
    std::sort(touched_.rbegin(), touched_.rend());
    const auto sentences = static_cast<double>(touched_.size());
    const auto allowed = static_cast<size_t>(most_harmed_ * sentences);
    const double confidence = touched_.size() > allowed ? touched_[allowed] : 0.0;
    const auto share = [&](const std::vector<double>& values, double whole) {
      const auto above = std::count_if(values.begin(), values.end(),
                                       [&](double value) { return value > confidence; });
      return static_cast<double>(above) / std::max(whole, 1.0);
    };
    return {{"fixed", share(right_, static_cast<double>(wrong_))},
            {"harmed", share(touched_, sentences)},
            {"confidence", confidence},
            {"heldout_loss", loss_ / static_cast<double>(std::max<int64_t>(counted_, 1))}};
  }

 private:
  double most_harmed_;
  int64_t wrong_ = 0;            // characters that need a change
  std::vector<double> right_;    // confidence of each right change of those
  std::vector<double> touched_;  // the surest change of each clean sentence; 0: none
  double loss_ = 0;
  int64_t counted_ = 0;
};

// Odd numbers are sentences without mistakes, even ones have some.
Evaluation CorrectObjective::evaluate(Exec& exec, int64_t most, int64_t count) const {
  const int64_t size = std::min(static_cast<int64_t>(heldout_.size()), most);
  const auto labels = static_cast<int64_t>(labels_.size());
  Tally tally(how_.most_harmed);
  for (int64_t begin = 0; begin < size; begin += count) {
    std::vector<Item> items;
    for (int64_t i = begin; i < std::min(begin + count, size); ++i) {
      const std::string& meant = heldout_[static_cast<size_t>(i)];
      Rng rng(kHeldoutSeed + static_cast<uint64_t>(i));
      NoiseOptions options;
      options.rate = i % 2 == 0 ? how_.noise_rate : 0.0;
      items.push_back(encode(add_noise(meant, options, rng).text, meant));
    }
    const TrainBatch batch = pack(*exec.memory, items);
    const Tensor logits = classifier_->logits(exec, features(exec, batch, false));
    for (size_t i = 0; i < items.size(); ++i) {
      tally.add(logits.f32() + batch.spans[i].begin * labels, labels, items[i].targets,
                (begin + static_cast<int64_t>(i)) % 2 != 0);
    }
  }
  return tally.result();
}

void CorrectObjective::save(const std::filesystem::path& folder) {
  classifier_->save(folder, DType::kF32);
  if (heldout_.empty()) return;
  ThreadPool pool(static_cast<int>(run_.threads));
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  Exec exec{&pool, &memory, &backend};
  for (const auto& [name, value] : evaluate(exec, usual_evaluation(), run_.batch)) {
    if (name == "confidence")
      write_file(folder / "edit_tagger.json", "{\"confidence\": " + std::to_string(value) + "}\n");
  }
}

}  // namespace onmal
