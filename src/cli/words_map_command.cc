#include <fmt/format.h>

#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/timer.h"
#include "cli/json_output.h"
#include "cli/words_commands.h"
#include "cli/words_model.h"
#include "words/word_map.h"

namespace onmal {
namespace {

enum class MapMethod { kPca, kTsne };

struct MapOptions {
  std::string model;
  std::vector<std::string> words;
  size_t top = 0;
  bool pairs = false;
  MapMethod method = MapMethod::kPca;
  TsneOptions tsne;
  std::string output;
};

std::vector<Point> project(CommandContext& context, const MapOptions& options,
                           const std::vector<float>& rows, int64_t dim) {
  if (options.method == MapMethod::kPca) return project_pca(rows, dim);
  ThreadPool pool(context.threads);
  const Timer timer;
  const auto progress = [&](int done) {
    if (!context.err_is_terminal) return;
    const double left = timer.seconds() * (options.tsne.iterations / static_cast<double>(done) - 1);
    context.err << fmt::format("\r{} of {} iterations, {:.0f} s left   ", done,
                               options.tsne.iterations, left)
                << std::flush;
  };
  std::vector<Point> points =
      project_tsne(rows, dim, options.tsne, pool, progress, context.interrupts.token());
  if (context.err_is_terminal) context.err << "\n";
  return points;
}

void draw(CommandContext& context, const MapOptions& options) {
  if (options.words.empty() == (options.top == 0))
    throw CLI::ValidationError("words map", "give words, or --top N for the most frequent ones");
  if (options.pairs && options.words.size() % 2 != 0)
    throw CLI::ValidationError("words map", "--pairs takes words two by two");
  const WordVectors vectors = load_words(options.model);
  WordMap map;
  map.words = options.words;
  for (size_t i = 0; i < std::min(options.top, static_cast<size_t>(vectors.size())); ++i)
    map.words.push_back(vectors.word(static_cast<int64_t>(i)));
  std::vector<float> rows;
  for (const std::string& word : map.words) {
    const std::vector<float> vector = vectors.vector(word);
    rows.insert(rows.end(), vector.begin(), vector.end());
  }
  for (size_t i = 0; options.pairs && i + 1 < map.words.size(); i += 2)
    map.lines.emplace_back(i, i + 1);
  map.points = project(context, options, rows, vectors.dim());
  map.title = options.method == MapMethod::kPca ? "PCA" : "t-SNE";
  if (!options.output.empty()) write_file(options.output, draw_word_map(map));
  if (!context.json) {
    context.err << fmt::format("{}: {} words\n", options.output, map.words.size());
    return;
  }
  Json points = Json::array();
  for (size_t i = 0; i < map.words.size(); ++i)
    points.push_back({{"word", map.words[i]}, {"x", map.points[i].x}, {"y", map.points[i].y}});
  print_json(context, {{"method", map.title}, {"output", options.output}, {"points", points}});
}

}  // namespace

void add_words_map_command(CLI::App& words, CommandContext& context) {
  const auto options = std::make_shared<MapOptions>();
  CLI::App* command = words.add_subcommand("map", "Draw words on a plane");
  command->add_option("-m,--model", options->model, "Word vectors, or a model")
      ->required()
      ->check(CLI::ExistingPath);
  command->add_option("words", options->words, "Words; unknown ones are composed of their parts");
  command->add_option("--top", options->top, "Instead: the so many most frequent words")
      ->check(CLI::Range(2, 100000));
  command->add_flag("--pairs", options->pairs, "Join the words two by two with lines");
  const std::map<std::string, MapMethod> methods = {{"pca", MapMethod::kPca},
                                                    {"tsne", MapMethod::kTsne}};
  command->add_option("--method", options->method, "How many dimensions become two")
      ->transform(CLI::CheckedTransformer(methods, CLI::ignore_case).description("{pca,tsne}"));
  command->add_option("--perplexity", options->tsne.perplexity,
                      "t-SNE: neighbours that count; 0: by the number of words");
  command->add_option("--iterations", options->tsne.iterations, "t-SNE: steps")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--seed", options->tsne.seed, "Same seed, same picture");
  command->add_option("-o,--output", options->output, "The SVG to write")->required();
  command->callback([&context, options] { draw(context, *options); });
}

}  // namespace onmal
