// Fits the coefficients of answer_confidence() (answer/grounded/abstain.cc) and measures them on
// data that was not fitted to. usage: abstain_fit boolq-train.tsv.gz [boolq-dev.tsv.gz |
// squad.json.gz ...] Each question is asked twice: of the paragraphs most alike with its own among
// them, and of the most alike others.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "answer/grounded/abstain.h"
#include "evaluate/grounded_qa.h"
#include "evaluate/labels.h"
#include "evaluate/table_file.h"
#include "text/unicode.h"

namespace {

using namespace onmal;

constexpr size_t kFeatures = AnswerFeatures::kCount;
constexpr size_t kWidth = kFeatures + 1;  // the intercept is last
constexpr size_t kPassages = 4;
constexpr double kRidge = 1.0;

using Row = std::array<double, kWidth>;

struct Examples {
  std::vector<Row> rows;
  std::vector<bool> answerable;
};

SquadData read_data(const std::string& path) {
  if (path.find(".tsv") == std::string::npos) return read_squad(path);
  const TableFile table(path);
  SquadData data;
  for (size_t i = 0; i < table.rows(); ++i) {
    const auto text = normalize_unicode(table.at(i, table.column("Text")), NormalForm::kNfc);
    data.paragraphs.push_back({"", text});
    data.questions.push_back({std::to_string(i), table.at(i, table.column("Question")), {}, i});
  }
  return data;
}

Examples examples_of(const SquadData& data) {
  const Analyzer analyzer;
  const ParagraphIndex index(data.paragraphs, analyzer);
  Examples examples;
  for (const SquadQuestion& question : data.questions) {
    for (const bool answerable : {true, false}) {
      const PackedContext context =
          join_passages(passages_for(data, index, question, kPassages, answerable));
      const Evidence evidence(context.blocks, analyzer);
      Row row{};
      std::ranges::copy(answer_features(evidence, question.question).values, row.begin());
      row[kFeatures] = 1;
      examples.rows.push_back(row);
      examples.answerable.push_back(answerable);
    }
  }
  return examples;
}

double probability(const Row& weights, const Row& row) {
  double sum = 0;
  for (size_t i = 0; i < kWidth; ++i) sum += weights[i] * row[i];
  return 1 / (1 + std::exp(-sum));
}

// Solves a symmetric positive system by Gaussian elimination.
Row solve(std::array<Row, kWidth> matrix, Row right) {
  for (size_t i = 0; i < kWidth; ++i) {
    for (size_t j = i + 1; j < kWidth; ++j) {
      const double factor = matrix[j][i] / matrix[i][i];
      for (size_t k = i; k < kWidth; ++k) matrix[j][k] -= factor * matrix[i][k];
      right[j] -= factor * right[i];
    }
  }
  for (size_t i = kWidth; i-- > 0;) {
    for (size_t k = i + 1; k < kWidth; ++k) right[i] -= matrix[i][k] * right[k];
    right[i] /= matrix[i][i];
  }
  return right;
}

// Logistic regression with a ridge by Newton's method.
Row fit(const Examples& examples) {
  Row weights{};
  for (int step = 0; step < 30; ++step) {
    std::array<Row, kWidth> curvature{};
    Row slope{};
    for (size_t i = 0; i < kWidth; ++i) {
      curvature[i][i] = kRidge;
      slope[i] = -kRidge * weights[i];
    }
    for (size_t n = 0; n < examples.rows.size(); ++n) {
      const Row& row = examples.rows[n];
      const double p = probability(weights, row);
      for (size_t i = 0; i < kWidth; ++i) {
        slope[i] += row[i] * ((examples.answerable[n] ? 1.0 : 0.0) - p);
        for (size_t j = 0; j < kWidth; ++j) curvature[i][j] += p * (1 - p) * row[i] * row[j];
      }
    }
    const Row change = solve(curvature, slope);
    for (size_t i = 0; i < kWidth; ++i) weights[i] += change[i];
  }
  return weights;
}

double auroc(const std::vector<double>& scores, const std::vector<bool>& answerable) {
  return evaluate_metric(auroc_metric(scores, answerable), {.resamples = 0}).value;
}

// Expected calibration error over ten equal bins.
double calibration_error(const std::vector<double>& scores, const std::vector<bool>& answerable) {
  std::array<double, 10> sums{};
  for (size_t i = 0; i < scores.size(); ++i) {
    const auto bin = std::min<size_t>(static_cast<size_t>(scores[i] * 10), 9);
    sums[bin] += scores[i] - (answerable[i] ? 1 : 0);
  }
  double error = 0;
  for (const double sum : sums) error += std::abs(sum) / static_cast<double>(scores.size());
  return error;
}

void report(const std::string& name, const Examples& examples, const Row& weights) {
  std::vector<double> fitted;
  std::vector<double> built;
  for (const Row& row : examples.rows) {
    fitted.push_back(probability(weights, row));
    AnswerFeatures features;
    std::copy_n(row.begin(), kFeatures, features.values.begin());
    built.push_back(answer_confidence(features));
  }
  std::printf("%s: %zu questions\n", name.c_str(), examples.rows.size() / 2);
  std::printf("  AUROC fitted %.4f, built in %.4f; calibration error %.3f, %.3f\n",
              auroc(fitted, examples.answerable), auroc(built, examples.answerable),
              calibration_error(fitted, examples.answerable),
              calibration_error(built, examples.answerable));
  for (size_t f = 0; f < kFeatures; ++f) {
    std::vector<double> values;
    for (const Row& row : examples.rows) values.push_back(row[f]);
    std::printf("  %-14s alone %.4f\n", std::string(AnswerFeatures::kNames[f]).c_str(),
                auroc(values, examples.answerable));
  }
  for (const double threshold : {0.2, 0.3, 0.35, 0.4, 0.5, 0.6}) {
    double kept[2] = {0, 0};
    for (size_t i = 0; i < fitted.size(); ++i)
      kept[examples.answerable[i] ? 1 : 0] += fitted[i] >= threshold ? 1 : 0;
    const auto questions = static_cast<double>(fitted.size() / 2);
    std::printf("  at %.2f: answered %.3f of answerable, %.3f of others\n", threshold,
                kept[1] / questions, kept[0] / questions);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: abstain_fit TRAIN.tsv.gz [DEV.tsv.gz | SQUAD.json.gz ...]\n");
    return 2;
  }
  try {
    const Examples train = examples_of(read_data(arguments[1]));
    const Row weights = fit(train);
    std::printf("intercept %.4f\n", weights[kFeatures]);
    for (size_t f = 0; f < kFeatures; ++f)
      std::printf("%-14s %.4f\n", std::string(AnswerFeatures::kNames[f]).c_str(), weights[f]);
    report(arguments[1], train, weights);
    for (int i = 2; i < count; ++i)
      report(arguments[i], examples_of(read_data(arguments[i])), weights);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "abstain_fit: %s\n", error.what());
    return 1;
  }
}
