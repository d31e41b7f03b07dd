#include "base/error.h"
#include "evaluate/labels.h"
#include "evaluate/model_task.h"
#include "evaluate/scoring_task.h"
#include "evaluate/table_file.h"
#include "models/text_encoder.h"

namespace onmal {
namespace {

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

// Columns score, sentence1 and sentence2, as KorSTS has them.
std::vector<Metric> sentence_similarity(const ModelTaskInput& input) {
  const TableFile table(input.data);
  const size_t rows = input.limit > 0 ? std::min(input.limit, table.rows()) : table.rows();
  const TextEncoder encoder(input.model);
  if (encoder.tokenizer() == nullptr)
    throw Error(ErrorCode::kUnsupported, input.model.string(), encoder.tokenizer_problem());
  EmbedOptions options;
  options.truncate = true;
  if (encoder.pooling() == Pooling::kNone) options.pooling = Pooling::kMean;
  std::vector<std::string> wanted;
  std::vector<double> cosines;
  for (size_t row = 0; row < rows; ++row) {
    std::vector<std::vector<int32_t>> ids;
    for (const char* column : {"sentence1", "sentence2"})
      ids.push_back(
          encoder.tokenizer()->encode(table.at(row, table.column(column)), {.add_special = true}));
    const std::vector<TextVector> vectors = encoder.embed(*input.pool, ids, options, input.stop);
    cosines.push_back(dot(vectors[0].values, vectors[1].values));
    wanted.push_back(table.at(row, table.column("score")));
    if (input.progress) input.progress(row + 1, rows);
  }
  const std::vector<double> scores = parse_numbers(wanted, "column score");
  return {spearman_metric(cosines, scores), pearson_metric(cosines, scores)};
}

// Each line is a text by itself. The first token of a line is not counted, nor are its bytes left
// out: a model with a begin token pays for all of them.
std::vector<Metric> bits_per_byte(const ModelTaskInput& input) {
  std::vector<std::string> lines = read_lines(input.data);
  if (input.limit > 0 && lines.size() > input.limit) lines.resize(input.limit);
  const LanguageModel model = load_language_model(input.model);
  if (model.tokenizer == nullptr)
    throw Error(ErrorCode::kUnsupported, input.model.string(), model.tokenizer_problem);
  std::vector<double> statistics;
  ScoreOptions options;
  options.matmul = input.matmul;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::vector<int32_t> ids = model.tokenizer->encode(lines[i], {.add_special = true});
    if (ids.size() < 2) continue;
    const Score score = score_tokens(
        model, *input.pool, ids, options, [](int64_t) {}, input.stop);
    statistics.push_back(score.bits_per_byte(1));
    statistics.push_back(static_cast<double>(lines[i].size()));
    if (input.progress) input.progress(i + 1, lines.size());
  }
  return {sums_metric("bits_per_byte", 2, std::move(statistics),
                      [](std::span<const double> sums) { return sums[0] / sums[1]; })};
}

}  // namespace

ModelTask sentence_similarity_task() {
  return {"sts", "KorSTS (.tsv): cosine of embeddings against judged similarity",
          sentence_similarity};
}
ModelTask bits_per_byte_task() {
  return {"bits-per-byte", "how well a model foretells each line of a text", bits_per_byte};
}

}  // namespace onmal
