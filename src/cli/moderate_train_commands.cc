#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "cli/json_output.h"
#include "cli/moderate_command.h"
#include "safety/encoder_scores.h"
#include "safety/linear_classifier.h"

namespace onmal {
namespace {

constexpr uint64_t kMostDataBytes = uint64_t{1} << 30;

constexpr std::ptrdiff_t kLeastTrueTexts = 10;

struct TrainOptions {
  std::string data;
  std::string output;
  std::string plot;
  LinearTraining how;
};

struct CalibrateOptions {
  std::string model;
  std::string data;
  std::string calibration;
  std::string output;
  std::string plot;
};

// One label's probabilities beside the truth.
struct Judged {
  std::vector<double> logits;
  std::vector<uint8_t> targets;

  std::vector<double> probabilities(const PlattScaling& scaling) const {
    std::vector<double> all;
    for (const double z : logits) all.push_back(scaling(z));
    return all;
  }
};

struct F1Counts {
  double found = 0, wrong = 0, missed = 0;

  void add(bool said, bool is_true) {
    found += said && is_true ? 1 : 0;
    wrong += said && !is_true ? 1 : 0;
    missed += !said && is_true ? 1 : 0;
  }
  double f1() const { return found > 0 ? 2 * found / (2 * found + wrong + missed) : 0; }
};

// The share of pairs of a true and an untrue text in which the true one scores higher.
double area_under_roc(const Judged& judged) {
  std::vector<size_t> order(judged.logits.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return judged.logits[a] < judged.logits[b]; });
  double positive = 0, rank_sum = 0;
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin;
    while (end < order.size() && judged.logits[order[end]] == judged.logits[order[begin]]) ++end;
    const double rank = static_cast<double>(begin + 1 + end) / 2;
    for (; begin < end; ++begin) {
      if (judged.targets[order[begin]] == 0) continue;
      ++positive;
      rank_sum += rank;
    }
  }
  const double negative = static_cast<double>(order.size()) - positive;
  if (positive == 0 || negative == 0) return 0;
  return (rank_sum - positive * (positive + 1) / 2) / (positive * negative);
}

F1Counts count_at(const Judged& judged, const PlattScaling& scaling, double threshold) {
  F1Counts counts;
  for (size_t i = 0; i < judged.logits.size(); ++i)
    counts.add(scaling(judged.logits[i]) >= threshold, judged.targets[i] != 0);
  return counts;
}

// All labels' probabilities together on texts that nothing was fitted to.
void tell_reliability(CommandContext& context, const std::vector<ReliabilityBin>& raw,
                      const std::vector<ReliabilityBin>& calibrated, const std::string& plot) {
  const double before = calibration_error(raw);
  const double after = calibration_error(calibrated);
  if (!plot.empty())
    write_file(plot, reliability_svg(raw, calibrated,
                                     fmt::format("All categories: expected calibration error "
                                                 "{:.4f}, calibrated {:.4f}",
                                                 before, after)));
  if (context.json) {
    print_json(
        context,
        {{"category", "all"}, {"calibration_error_raw", before}, {"calibration_error", after}});
  } else {
    context.out << fmt::format("all categories: calibration error {:.4f}, calibrated {:.4f}\n",
                               before, after);
  }
}

void train(CommandContext& context, const TrainOptions& options) {
  const LabelledTable table = read_labelled_table(options.data);
  // By the text's hash, so that the same text is never on both sides. A tenth is held out: one half
  // of it for the calibration, the other for what is reported.
  std::vector<LabelledText> learned, fitted, reported;
  for (const LabelledText& row : table.rows) {
    const uint64_t place = (fnv1a(row.text) * 0x9E3779B97F4A7C15ULL >> 32) % 20;
    (place == 0 ? fitted : place == 1 ? reported : learned).push_back(row);
  }
  LinearClassifier made = LinearClassifier::train(learned, table.labels, options.how);
  const auto judge = [&](const std::vector<LabelledText>& rows, size_t label) {
    Judged judged;
    for (const LabelledText& row : rows) {
      if (row.targets[label] < 0) continue;
      judged.logits.push_back(made.logits(row.text)[label]);
      judged.targets.push_back(static_cast<uint8_t>(row.targets[label]));
    }
    return judged;
  };
  std::vector<double> raw, calibrated;  // of all labels together
  std::vector<uint8_t> truths;
  for (size_t k = 0; k < table.labels.size(); ++k) {
    const Judged fit = judge(fitted, k);
    const PlattScaling scaling = fit_platt(fit.logits, fit.targets);
    made.set_calibration(k, scaling);
    const Judged held = judge(reported, k);
    const std::vector<double> said = held.probabilities(scaling);
    const auto bins = reliability(said, held.targets);
    const std::vector<double> unscaled = held.probabilities({});
    raw.insert(raw.end(), unscaled.begin(), unscaled.end());
    calibrated.insert(calibrated.end(), said.begin(), said.end());
    truths.insert(truths.end(), held.targets.begin(), held.targets.end());
    const auto positive = std::count(held.targets.begin(), held.targets.end(), 1);
    const double f1 = count_at(held, scaling, 0.5).f1();
    if (context.json) {
      print_json(context, {{"category", category_name(table.labels[k])},
                           {"texts", held.targets.size()},
                           {"positive", positive},
                           {"auc", area_under_roc(held)},
                           {"f1", f1},
                           {"calibration_error", calibration_error(bins)}});
    } else {
      context.out << fmt::format(
          "{:<24} {} of {} true  AUC {:.3f}  F1 {:.3f}  calibration error {:.3f}\n",
          category_name(table.labels[k]), positive, held.targets.size(), area_under_roc(held), f1,
          calibration_error(bins));
    }
  }
  made.save(options.output);
  tell_reliability(context, reliability(raw, truths), reliability(calibrated, truths),
                   options.plot);
}

struct Comment {
  std::string text;
  std::set<std::string> labels;
};

std::vector<Comment> read_comments(const std::string& path) {
  const std::string text = read_file(path, kMostDataBytes);
  std::vector<Comment> comments;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (number == 0) continue;  // the header
    const size_t tab = line.find('\t');
    if (tab == std::string::npos)
      throw Error(ErrorCode::kBadFile, path + ":" + std::to_string(number + 1), "no tab",
                  "a line is a text, a tab, labels separated by commas");
    Comment comment{line.substr(0, tab), {}};
    const std::string labels = line.substr(tab + 1);
    for (size_t at = 0; at <= labels.size();) {
      const size_t comma = std::min(labels.find(',', at), labels.size());
      comment.labels.insert(labels.substr(at, comma - at));
      at = comma + 1;
    }
    comments.push_back(std::move(comment));
  }
  return comments;
}

// The labels' logits of some of the comments: those whose number is even, or odd.
std::vector<Judged> judge_half(const std::vector<Comment>& comments,
                               const std::vector<Classification>& said,
                               const std::vector<std::string>& labels, size_t half) {
  std::vector<Judged> judged(labels.size());
  for (size_t i = half; i < comments.size(); i += 2) {
    for (size_t k = 0; k < labels.size(); ++k) {
      judged[k].logits.push_back(logit(static_cast<double>(said[i].scores[k])));
      judged[k].targets.push_back(comments[i].labels.contains(labels[k]) ? 1 : 0);
    }
  }
  return judged;
}

// All labels with a category together, and whether any of them is there.
std::pair<double, double> micro_and_binary_f1(const std::vector<Judged>& judged,
                                              const std::vector<PlattScaling>& scalings,
                                              const std::vector<double>& thresholds,
                                              const std::vector<bool>& counted) {
  F1Counts micro, binary;
  for (size_t i = 0; i < judged[0].logits.size(); ++i) {
    bool any_said = false, any_true = false;
    for (size_t k = 0; k < judged.size(); ++k) {
      const bool said = scalings[k](judged[k].logits[i]) >= thresholds[k];
      const bool is_true = judged[k].targets[i] != 0;
      micro.add(said, is_true);
      if (!counted[k]) continue;
      any_said = any_said || said;
      any_true = any_true || is_true;
    }
    binary.add(any_said, any_true);
  }
  return {micro.f1(), binary.f1()};
}

// What came of a calibration, on the half that it was not fitted on.
struct CalibrationFigures {
  size_t texts;
  double micro, binary, tuned_micro, tuned_binary, error, tuned_error;
};

void tell(CommandContext& context, const CalibrationFigures& f) {
  if (context.json) {
    print_json(context, {{"texts", f.texts},
                         {"micro_f1", f.micro},
                         {"binary_f1", f.binary},
                         {"micro_f1_calibrated", f.tuned_micro},
                         {"binary_f1_calibrated", f.tuned_binary},
                         {"calibration_error", f.error},
                         {"calibration_error_calibrated", f.tuned_error}});
    return;
  }
  context.out << fmt::format(
      "held-out half, {} texts: micro F1 {:.4f}, binary F1 {:.4f}; by fitted thresholds {:.4f}, "
      "{:.4f}; calibration error {:.4f}, calibrated {:.4f}\n",
      f.texts, f.micro, f.binary, f.tuned_micro, f.tuned_binary, f.error, f.tuned_error);
}

void calibrate(CommandContext& context, const CalibrateOptions& options) {
  const Classifier classifier(options.model);
  const std::vector<std::string>& labels = classifier.config().labels;
  Calibration calibration = options.calibration.empty() ? default_calibration(labels)
                                                        : read_calibration(options.calibration);
  const std::vector<Comment> comments = read_comments(options.data);
  std::vector<std::string> texts;
  for (const Comment& comment : comments) texts.push_back(comment.text);
  ThreadPool pool(context.threads);
  const std::vector<Classification> said =
      classifier.classify(pool, texts, context.interrupts.token());
  const std::vector<Judged> fit = judge_half(comments, said, labels, 0);
  const std::vector<Judged> held = judge_half(comments, said, labels, 1);
  std::vector<PlattScaling> scalings, plain(labels.size());
  std::vector<double> thresholds, halves(labels.size(), 0.5);
  std::vector<bool> counted;
  std::vector<double> before, after;
  std::vector<uint8_t> truths;
  for (size_t k = 0; k < labels.size(); ++k) {
    scalings.push_back(fit_platt(fit[k].logits, fit[k].targets));
    // A few true texts are too few to choose by.
    const bool enough =
        std::count(fit[k].targets.begin(), fit[k].targets.end(), 1) >= kLeastTrueTexts;
    thresholds.push_back(
        enough ? best_f1_threshold(fit[k].probabilities(scalings[k]), fit[k].targets) : 0.5);
    counted.push_back(calibration.contains(labels[k]));
    if (!counted[k]) continue;
    calibration[labels[k]].scaling = scalings[k];
    calibration[labels[k]].threshold = thresholds[k];
    const auto raw = held[k].probabilities({});
    const auto scaled = held[k].probabilities(scalings[k]);
    before.insert(before.end(), raw.begin(), raw.end());
    after.insert(after.end(), scaled.begin(), scaled.end());
    truths.insert(truths.end(), held[k].targets.begin(), held[k].targets.end());
    if (!context.json)
      context.out << fmt::format(
          "{:<4} {:<22} F1 at 0.5 {:.3f}, at {:.2f} {:.3f}, AUC {:.3f}, scale {:.2f}, offset "
          "{:.2f}\n",
          labels[k], category_name(calibration[labels[k]].category),
          count_at(held[k], plain[k], 0.5).f1(), thresholds[k],
          count_at(held[k], scalings[k], thresholds[k]).f1(), area_under_roc(held[k]),
          scalings[k].scale, scalings[k].offset);
  }
  const auto bins_before = reliability(before, truths);
  const auto bins_after = reliability(after, truths);
  const auto [micro, binary] = micro_and_binary_f1(held, plain, halves, counted);
  const auto [tuned_micro, tuned_binary] = micro_and_binary_f1(held, scalings, thresholds, counted);
  if (!options.output.empty()) write_calibration(calibration, options.output);
  if (!options.plot.empty())
    write_file(options.plot, reliability_svg(bins_before, bins_after, "Held-out half of the data"));
  tell(context, {held[0].targets.size(), micro, binary, tuned_micro, tuned_binary,
                 calibration_error(bins_before), calibration_error(bins_after)});
}

}  // namespace

void add_moderate_train_commands(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<TrainOptions>();
  CLI::App* command = app.add_subcommand(
      "moderate-train", "Train the small classifier of 'onmal moderate' on a table");
  command
      ->add_option("--data", options->data,
                   "Tab-separated, with a header: text, then categories; 1, 0 or empty (unknown)")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("-o,--output", options->output, "The model file")->required();
  command->add_option("--plot", options->plot, "A reliability diagram, SVG");
  command->add_option("--epochs", options->how.epochs, "Times each text is seen")
      ->check(CLI::Range(1, 100));
  command->add_option("--rate", options->how.rate, "Learning rate of AdaGrad")
      ->check(CLI::Range(1e-4, 10.0));
  command->add_option("--bucket-bits", options->how.bucket_bits, "2^this weights for each category")
      ->check(CLI::Range(8, 22));
  command->callback([&context, options] { train(context, *options); });

  const auto fitting = std::make_shared<CalibrateOptions>();
  command = app.add_subcommand(
      "moderate-calibrate",
      "Fit a classifier's scores to probabilities on one half of a table, judge them on the other");
  command->add_option("-m,--model", fitting->model, "A folder that 'onmal finetune' wrote")
      ->required();
  command
      ->add_option("--data", fitting->data,
                   "Tab-separated, with a header: text, labels separated by commas")
      ->required()
      ->check(CLI::ExistingFile);
  command
      ->add_option("--categories", fitting->calibration,
                   "JSON with the category of each label, where the labels are neither categories "
                   "nor those of K-MHaS")
      ->check(CLI::ExistingFile);
  command->add_option("-o,--output", fitting->output, "The calibration, JSON");
  command->add_option("--plot", fitting->plot, "A reliability diagram, SVG");
  command->callback([&context, fitting] { calibrate(context, *fitting); });
}

}  // namespace onmal
