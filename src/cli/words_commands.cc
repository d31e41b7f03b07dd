#include "cli/words_commands.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/timer.h"
#include "cli/json_output.h"
#include "cli/words_model.h"
#include "corpus/decompress.h"
#include "words/similarity.h"

namespace onmal {
namespace {

struct NearestOptions {
  std::string model;
  std::vector<std::string> words;
  size_t count = 10;
};

struct AnalogyOptions {
  std::string model;
  std::vector<std::string> words;
  std::string questions;
  size_t count = 10;
  AnalogyMethod method = AnalogyMethod::k3CosAdd;
};

void add_words_model_option(CLI::App& command, std::string& model) {
  command
      .add_option("-m,--model", model,
                  "Word vectors (onmal, word2vec, .vec), or a model whose token table to read")
      ->required()
      ->check(CLI::ExistingPath);
}

Json neighbours_json(const WordVectors& vectors, const std::vector<Neighbour>& neighbours) {
  Json rows = Json::array();
  for (const Neighbour& neighbour : neighbours)
    rows.push_back({{"word", vectors.word(neighbour.word)}, {"score", neighbour.score}});
  return rows;
}

void print_neighbours(CommandContext& context, const WordVectors& vectors,
                      const std::vector<Neighbour>& neighbours) {
  for (const Neighbour& neighbour : neighbours)
    context.out << fmt::format("{:.4f}  {}\n", neighbour.score, vectors.word(neighbour.word));
}

void nearest(CommandContext& context, const NearestOptions& options) {
  const WordVectors vectors = load_words(options.model);
  ThreadPool pool(context.threads);
  const WordSimilarity similarity(vectors, pool);
  for (const std::string& word : options.words) {
    const std::vector<float> vector = vectors.vector(word);
    const std::optional<int32_t> number = vectors.find(word);
    std::vector<int32_t> without;
    if (number) without.push_back(*number);
    const std::vector<Neighbour> found = similarity.nearest(vector, options.count, without);
    if (context.json) {
      print_json(context, {{"word", word},
                           {"known", number.has_value()},
                           {"neighbours", neighbours_json(vectors, found)}});
      continue;
    }
    if (options.words.size() > 1) context.out << word << ":\n";
    if (!number) context.err << "'" << word << "' is composed of its parts\n";
    print_neighbours(context, vectors, found);
  }
}

double share(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

Json section_json(const AnalogySection& section) {
  return {{"section", section.name},
          {"questions", section.questions},
          {"covered", section.covered},
          {"accuracy_3cosadd", share(section.right_add, section.covered)},
          {"accuracy_3cosmul", share(section.right_mul, section.covered)}};
}

void evaluate_analogies(CommandContext& context, const WordVectors& vectors,
                        const AnalogyOptions& options) {
  ThreadPool pool(context.threads);
  const WordSimilarity similarity(vectors, pool);
  const std::string text = read_unpacked(options.questions, uint64_t{1} << 30);
  const Timer timer;
  const std::vector<AnalogySection> sections = answer_analogies(
      similarity, text, options.questions,
      [&](size_t done) {
        if (!context.err_is_terminal) return;
        const double left =
            timer.seconds() * (static_cast<double>(text.size()) / static_cast<double>(done) - 1);
        context.err << fmt::format(
                           "\r{:.0f} %, {:.0f} s left   ",
                           100 * static_cast<double>(done) / static_cast<double>(text.size()), left)
                    << std::flush;
      },
      context.interrupts.token());
  if (context.err_is_terminal) context.err << "\n";
  AnalogySection total{.name = "total"};
  Json rows = Json::array();
  for (const AnalogySection& section : sections) {
    total.questions += section.questions;
    total.covered += section.covered;
    total.right_add += section.right_add;
    total.right_mul += section.right_mul;
    rows.push_back(section_json(section));
    if (context.json) continue;
    context.out << fmt::format(
        "{:<28} {:>6} of {:>6} known  3CosAdd {:5.1f} %  3CosMul {:5.1f} %\n", section.name,
        section.covered, section.questions, 100 * share(section.right_add, section.covered),
        100 * share(section.right_mul, section.covered));
  }
  if (total.covered == 0) {
    throw Error(ErrorCode::kInvalidArgument, options.questions,
                "no question whose four words the model knows");
  }
  if (!context.json) {
    context.out << fmt::format(
        "{:<28} {:>6} of {:>6} known  3CosAdd {:5.1f} %  3CosMul {:5.1f} %\n", total.name,
        total.covered, total.questions, 100 * share(total.right_add, total.covered),
        100 * share(total.right_mul, total.covered));
    return;
  }
  Json document = section_json(total);
  document.erase("section");
  document["accuracy"] = share(total.right_add, total.covered);
  document["sections"] = rows;
  print_json(context, document);
}

void analogy(CommandContext& context, const AnalogyOptions& options) {
  if (options.words.empty() == options.questions.empty())
    throw CLI::ValidationError("words analogy", "give three words, or --questions");
  if (!options.words.empty() && options.words.size() != 3)
    throw CLI::ValidationError("words analogy", "an analogy starts from three words: a b c");
  const WordVectors vectors = load_words(options.model);
  if (!options.questions.empty()) return evaluate_analogies(context, vectors, options);
  ThreadPool pool(context.threads);
  const WordSimilarity similarity(vectors, pool);
  const std::vector<Neighbour> found = similarity.analogy(
      options.words[0], options.words[1], options.words[2], options.count, options.method);
  if (context.json) {
    print_json(context,
               {{"analogy", options.words}, {"neighbours", neighbours_json(vectors, found)}});
  } else {
    print_neighbours(context, vectors, found);
  }
}

}  // namespace

void add_words_commands(CLI::App& app, CommandContext& context) {
  CLI::App* words = app.add_subcommand("words", "Word vectors: train, compare, draw");
  words->require_subcommand(1);
  add_words_train_command(*words, context);
  add_words_map_command(*words, context);

  const auto near = std::make_shared<NearestOptions>();
  CLI::App* command = words->add_subcommand("nearest", "The words most like a word");
  add_words_model_option(*command, near->model);
  command->add_option("words", near->words, "Words; unknown ones are composed of their parts")
      ->required();
  command->add_option("-n", near->count, "Neighbours to print")->check(CLI::Range(1, 100000));
  command->callback([&context, near] { nearest(context, *near); });

  const auto options = std::make_shared<AnalogyOptions>();
  command = words->add_subcommand("analogy", "a is to b as c is to …?");
  add_words_model_option(*command, options->model);
  command->add_option("words", options->words, "a b c");
  command->add_option("--questions", options->questions,
                      "A file of analogies to answer, four words a line (may be .gz)");
  command->add_option("-n", options->count, "Answers to print")->check(CLI::Range(1, 100000));
  const std::map<std::string, AnalogyMethod> methods = {{"3cosadd", AnalogyMethod::k3CosAdd},
                                                        {"3cosmul", AnalogyMethod::k3CosMul}};
  command->add_option("--method", options->method, "How answers to a b c are scored")
      ->transform(
          CLI::CheckedTransformer(methods, CLI::ignore_case).description("{3cosadd,3cosmul}"));
  command->callback([&context, options] { analogy(context, *options); });
}

}  // namespace onmal
