#include "safety/linear_classifier.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/byte_reader.h"
#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "models/ngram_features.h"
#include "text/fold/steps.h"

namespace onmal {
namespace {

constexpr std::string_view kMagic = "ONMALLN1";
constexpr uint64_t kMostFileBytes = uint64_t{64} << 20;
constexpr size_t kMostCharacters = 4096;  // of a text; the rest says little

// Buckets of the n-grams, each once: a text that says one thing a hundred times says one thing.
std::vector<uint32_t> text_features(std::string_view text, int bits) {
  const MappedText seen = fold_case(drop_invisible(fold_compatibility(MappedText(text))));
  const MappedText folded = squeeze_repeats(compose_jamo(seen), 2);
  std::vector<uint32_t> features;
  add_ngram_buckets(with_single_spaces(folded.codes(), kMostCharacters), 1, 4, 1, bits, features);
  const MappedText sounds = squeeze_repeats(sound_key(folded), 1);
  add_ngram_buckets(with_single_spaces(sounds.codes(), kMostCharacters), 4, 6, 2, bits, features);
  std::sort(features.begin(), features.end());
  features.erase(std::unique(features.begin(), features.end()), features.end());
  return features;
}

// A score from which on a short text is looked at again.
constexpr double kDoubtful = 0.3;
// Letters from which on a text is long enough to be judged as a whole.
constexpr size_t kEnoughLetters = 30;
constexpr size_t kFewLetters = 12;

size_t count_letters(std::string_view text) {
  size_t letters = 0;
  for (const char c : text) letters += c != ' ' && (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return letters;
}

// What is taken from the logit of a text of few letters: one word is too little to judge by.
double short_text_doubt(size_t letters) {
  constexpr double kMost = 5;
  return kMost * std::max(0.0, 1 - static_cast<double>(letters) / kEnoughLetters);
}

// The text without each of its words in turn.
std::vector<std::string> without_each_word(std::string_view text) {
  std::vector<std::string> rests;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) rests.emplace_back(text).erase(begin, end - begin);
    begin = end + 1;
  }
  return rests;
}

double norm(const std::vector<uint32_t>& features) {
  return 1.0 / std::sqrt(static_cast<double>(std::max<size_t>(features.size(), 1)));
}

}  // namespace

LinearClassifier LinearClassifier::train(std::span<const LabelledText> texts,
                                         std::vector<Category> labels, const LinearTraining& how) {
  if (texts.empty() || labels.empty())
    throw Error(ErrorCode::kInvalidArgument, "moderation training", "no texts or no labels",
                "give a table with texts and categories");
  if (how.bucket_bits < 8 || how.bucket_bits > 22 || how.epochs < 1)
    throw Error(ErrorCode::kInvalidArgument, "moderation training",
                "2^8 to 2^22 buckets and at least one epoch are possible", "choose others");
  const size_t n = labels.size();
  const size_t buckets = size_t{1} << how.bucket_bits;
  std::vector<float> weights(buckets * n), squares(buckets * n, 1e-3F);
  std::vector<double> biases(n), bias_squares(n, 1e-3);
  std::vector<std::vector<uint32_t>> features;
  features.reserve(texts.size());
  for (const LabelledText& text : texts)
    features.push_back(text_features(text.text, how.bucket_bits));
  std::vector<size_t> order(texts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  Rng rng(how.seed);
  std::vector<double> z(n), gradient(n);
  for (int epoch = 0; epoch < how.epochs; ++epoch) {
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
    for (const size_t row : order) {
      const double scale = norm(features[row]);
      z = biases;
      for (const uint32_t f : features[row])
        for (size_t k = 0; k < n; ++k) z[k] += scale * static_cast<double>(weights[f * n + k]);
      bool known = false;
      for (size_t k = 0; k < n; ++k) {
        const int8_t target = texts[row].targets[k];
        gradient[k] = target < 0 ? 0 : sigmoid(z[k]) - target;
        known = known || target >= 0;
        bias_squares[k] += gradient[k] * gradient[k];
        biases[k] -= how.rate * gradient[k] / std::sqrt(bias_squares[k]);
      }
      if (!known) continue;
      for (const uint32_t f : features[row]) {
        for (size_t k = 0; k < n; ++k) {
          if (gradient[k] == 0) continue;
          const size_t at = f * n + k;
          const auto g = static_cast<float>(gradient[k] * scale +
                                            how.decay * static_cast<double>(weights[at]));
          squares[at] += g * g;
          weights[at] -= static_cast<float>(how.rate) * g / std::sqrt(squares[at]);
        }
      }
    }
  }
  LinearClassifier made;
  made.bucket_bits_ = how.bucket_bits;
  made.labels_ = std::move(labels);
  made.calibration_.resize(n);
  made.weights_.resize(buckets * n);
  for (size_t k = 0; k < n; ++k) {
    float most = 1e-6F;
    for (size_t b = 0; b < buckets; ++b) most = std::max(most, std::abs(weights[b * n + k]));
    // Few weights are large; those are cut so that the many have more steps.
    most = std::min(most, 4.0F);
    made.scales_.push_back(most / 127.0F);
    made.biases_.push_back(static_cast<float>(biases[k]));
    for (size_t b = 0; b < buckets; ++b)
      made.weights_[b * n + k] = static_cast<int8_t>(
          std::lround(std::clamp(weights[b * n + k] / most, -1.0F, 1.0F) * 127.0F));
  }
  return made;
}

std::vector<double> LinearClassifier::logits(std::string_view text) const {
  const size_t n = labels_.size();
  const std::vector<uint32_t> features = text_features(text, bucket_bits_);
  std::vector<int64_t> sums(n);
  for (const uint32_t f : features)
    for (size_t k = 0; k < n; ++k) sums[k] += weights_[f * n + k];
  std::vector<double> result(n);
  const double scale = norm(features);
  for (size_t k = 0; k < n; ++k)
    result[k] = static_cast<double>(biases_[k]) +
                scale * static_cast<double>(scales_[k]) * static_cast<double>(sums[k]);
  return result;
}

double LinearClassifier::worst_score(const std::vector<double>& z, double doubt) const {
  double worst = 0;
  for (size_t k = 0; k < z.size(); ++k)
    worst = std::max(worst, sigmoid(logit(calibration_[k](z[k])) - doubt));
  return worst;
}

std::vector<CategoryScores> LinearClassifier::score(std::span<const std::string> texts) const {
  std::vector<CategoryScores> all;
  for (const std::string& text : texts) {
    CategoryScores scores{};
    std::vector<double> z = logits(text);
    const size_t letters = count_letters(text);
    const double doubt = short_text_doubt(letters);
    // Of a few words one must not decide alone: words that do are the lexicon's.
    if (letters < kFewLetters && worst_score(z, doubt) >= kDoubtful)
      for (const std::string& rest : without_each_word(text)) {
        const std::vector<double> less = logits(rest);
        for (size_t k = 0; k < z.size(); ++k) z[k] = std::min(z[k], less[k]);
      }
    for (size_t k = 0; k < z.size(); ++k)
      scores[category_index(labels_[k])] =
          static_cast<float>(sigmoid(logit(calibration_[k](z[k])) - doubt));
    all.push_back(scores);
  }
  return all;
}

void LinearClassifier::save(const std::filesystem::path& path) const {
  std::string out(kMagic);
  put_bytes(out, static_cast<uint32_t>(labels_.size()));
  put_bytes(out, static_cast<uint32_t>(bucket_bits_));
  for (size_t k = 0; k < labels_.size(); ++k) {
    const std::string_view name = category_name(labels_[k]);
    put_bytes(out, static_cast<uint32_t>(name.size()));
    out += name;
    put_bytes(out, scales_[k]);
    put_bytes(out, biases_[k]);
    put_bytes(out, static_cast<float>(calibration_[k].scale));
    put_bytes(out, static_cast<float>(calibration_[k].offset));
  }
  out.append(reinterpret_cast<const char*>(weights_.data()), weights_.size());
  write_file(path, out);
}

LinearClassifier LinearClassifier::parse(std::string_view bytes, const std::string& where) {
  ByteFront reader(bytes, where, "make it again with 'onmal moderate-train'");
  if (reader.take(std::min(kMagic.size(), bytes.size())) != kMagic)
    reader.refuse("is no linear moderation model");
  LinearClassifier made;
  const auto n = reader.get<uint32_t>();
  const auto bits = reader.get<uint32_t>();
  if (n == 0 || n > kCategoryCount || bits < 8 || bits > 22)
    reader.refuse("its sizes make no sense");
  made.bucket_bits_ = static_cast<int>(bits);
  for (uint32_t k = 0; k < n; ++k) {
    const auto length = reader.get<uint32_t>();
    const std::string_view name = reader.take(length);
    const auto category = find_category(name);
    if (!category) reader.refuse("an unknown category");
    made.labels_.push_back(*category);
    made.scales_.push_back(reader.get<float>());
    made.biases_.push_back(reader.get<float>());
    const auto scale = reader.get<float>();
    const auto offset = reader.get<float>();
    for (const float value : {made.scales_.back(), made.biases_.back(), scale, offset})
      if (!std::isfinite(value)) reader.refuse("a number that is none");
    made.calibration_.push_back({static_cast<double>(scale), static_cast<double>(offset)});
  }
  const size_t count = (size_t{1} << bits) * n;
  if (reader.left() != count) reader.refuse("has not as many weights as it says");
  const std::string_view weights = reader.take(count);
  made.weights_.resize(count);
  std::memcpy(made.weights_.data(), weights.data(), count);
  return made;
}

LinearClassifier LinearClassifier::load(const std::filesystem::path& path) {
  return parse(read_file(path, kMostFileBytes), path.string());
}

}  // namespace onmal
