#include "answer/edit_tagger.h"

#include <algorithm>
#include <cmath>

#include "autograd/exec.h"
#include "base/error.h"
#include "formats/json_metadata.h"
#include "ops/backend.h"
#include "tensor/allocators.h"
#include "text/characters.h"
#include "text/edit_labels.h"
#include "tokenizer/character_ids.h"

namespace onmal {
namespace {

constexpr int64_t kTokensAtOnce = 4096;
constexpr double kUsualConfidence = 0.8;
constexpr const char* kOwnFile = "edit_tagger.json";

double own_confidence(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / kOwnFile)) return kUsualConfidence;
  const double value = read_json_metadata(folder / kOwnFile).get_float("confidence");
  if (value >= 0 && value <= 1) return value;
  throw Error(ErrorCode::kBadFile, (folder / kOwnFile).string(), "confidence is outside 0 to 1");
}

}  // namespace

bool EditTagger::is_one(const std::filesystem::path& path) {
  const ModelFile file = open_model_file(path);
  if (file.folder == nullptr || file.kind() != ModelKind::kEncoder) return false;
  return file.metadata().get_string("id2label.0", "") == kKeepLabel;
}

EditTagger::EditTagger(const std::filesystem::path& path, const EditTaggerOptions& options)
    : classifier_(path),
      options_(options),
      name_{model_title(path), path.string(), "edit tagger"},
      unknown_(std::max(0, classifier_.tokenizer().find("[UNK]"))) {
  const std::vector<std::string>& labels = classifier_.config().labels;
  const auto odd = std::find_if_not(labels.begin(), labels.end(),
                                    [](const std::string& label) { return is_edit_label(label); });
  if (odd != labels.end() || labels[0] != kKeepLabel) {
    throw Error(
        ErrorCode::kUnsupported, path.string(),
        "its labels are no edits" + (odd == labels.end() ? std::string() : ": '" + *odd + "'"),
        "train one with recipes/correct.sh, or give an instruct model");
  }
  if (options_.confidence < 0) options_.confidence = own_confidence(path);
}

std::vector<std::string> EditTagger::correct(ThreadPool& pool,
                                             std::span<const std::string> sentences,
                                             const std::stop_token& stop) const {
  std::vector<std::string> texts(sentences.begin(), sentences.end());
  std::vector<size_t> open(texts.size());  // changed in the last round
  for (size_t i = 0; i < open.size(); ++i) open[i] = i;
  for (int round = 0; round < options_.rounds && !open.empty(); ++round) {
    std::vector<std::string> asked;
    for (const size_t i : open) asked.push_back(texts[i]);
    std::vector<std::string> answers = correct_once(pool, asked, stop);
    std::vector<size_t> changed;
    for (size_t i = 0; i < open.size(); ++i) {
      if (answers[i] == asked[i]) continue;
      changed.push_back(open[i]);
      texts[open[i]] = std::move(answers[i]);
    }
    open = std::move(changed);
  }
  return texts;
}

std::vector<std::string> EditTagger::correct_once(ThreadPool& pool,
                                                  std::span<const std::string> sentences,
                                                  const std::stop_token& stop) const {
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  Exec exec{&pool, &memory, &backend};
  const int64_t length = std::min(classifier_.max_tokens(), kTokensAtOnce);
  const std::vector<std::string>& labels = classifier_.config().labels;
  const auto count = static_cast<int64_t>(labels.size());
  std::vector<std::string> results;
  for (size_t next = 0; next < sentences.size();) {
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "correct", "stopped");
    std::vector<std::vector<int32_t>> group;
    for (int64_t tokens = 0; next < sentences.size() && tokens < kTokensAtOnce; ++next) {
      std::vector<int32_t> ids =
          character_ids(classifier_.tokenizer(), sentences[next], unknown_, length);
      tokens += static_cast<int64_t>(ids.size());
      group.push_back(std::move(ids));
    }
    const TextRows rows = classifier_.pack(memory, group, length);
    const Tensor logits = classifier_.logits(exec, classifier_.features(exec, rows));
    for (const TextRows::Text& text : rows.texts) {
      const std::string& sentence = sentences[results.size()];
      std::vector<std::string_view> chosen;
      for (int64_t row = text.begin; row < text.end; ++row) {
        const float* scores = logits.f32() + row * count;
        const auto best = std::max_element(scores, scores + count) - scores;
        double sum = 0;
        for (int64_t i = 0; i < count; ++i)
          sum += std::exp(static_cast<double>(scores[i] - scores[best]));
        const bool sure = 1.0 / sum > options_.confidence;
        chosen.push_back(sure ? std::string_view(labels[static_cast<size_t>(best)]) : kKeepLabel);
      }
      chosen.resize(split_characters(sentence).size(), kKeepLabel);
      results.push_back(apply_edit_labels(sentence, chosen));
    }
  }
  return results;
}

}  // namespace onmal
