#include <fmt/format.h>

#include <map>
#include <memory>
#include <ostream>
#include <string>

#include "answer/grounded/question.h"
#include "base/timer.h"
#include "cli/json_output.h"
#include "cli/know_commands.h"
#include "cli/know_store_options.h"
#include "knowledge/search.h"

namespace onmal {
namespace {

struct KnowSearchOptions {
  KnowStoreOptions store;
  std::string query;
  SearchOptions how;
};

Json passage_json(const Passage& passage, bool reranked) {
  Json row = {{"source", passage.source}, {"title", passage.title}};
  if (passage.page > 0) row["page"] = passage.page;
  row["headings"] = passage.headings;
  row["start"] = passage.begin;
  row["end"] = passage.end;
  row["start_character"] = passage.begin_character;
  row["score"] = passage.score;
  if (reranked) row["search_score"] = passage.first_score;
  row["chunk"] = passage.chunk;
  row["text"] = passage.text;
  return row;
}

// "path, page 3 · Chapter > Section".
std::string passage_place(const Passage& passage) {
  std::string place = passage.source;
  if (passage.page > 0) place += fmt::format(", page {}", passage.page);
  for (const std::string& heading : passage.headings)
    place += (&heading == passage.headings.data() ? " · " : " > ") + heading;
  return place;
}

void search(CommandContext& context, KnowSearchOptions& options) {
  ThreadPool pool(context.threads);
  const std::unique_ptr<KnowledgeStore> store = open_store(options.store, true);
  const std::unique_ptr<Embedder> embedder = open_embedder(options.store, *store, pool);
  const std::unique_ptr<Reranker> reranker = open_reranker(options.store, pool);
  KnowledgeSearch searcher(*store, embedder.get(), reranker.get());
  options.how.access = access_of(options.store);
  options.how.rerank_depth = options.store.rerank_depth;
  const std::string topic = question_topic(options.query);
  SearchTimes times;
  const Timer timer;
  const std::vector<Passage> hits =
      searcher.find(topic, options.how, &times, context.interrupts.token());
  if (context.json) {
    Json rows = Json::array();
    for (const Passage& hit : hits) rows.push_back(passage_json(hit, reranker != nullptr));
    return print_json(context, {{"query", options.query},
                                {"hits", std::move(rows)},
                                {"seconds",
                                 {{"lexical", times.lexical_s},
                                  {"dense", times.dense_s},
                                  {"read", times.read_s},
                                  {"rerank", times.rerank_s},
                                  {"all", timer.seconds()}}}});
  }
  int number = 0;
  for (const Passage& hit : hits) {
    context.out << fmt::format("{}. {}  ({:.3f})\n{}\n\n", ++number, passage_place(hit), hit.score,
                               hit.text);
  }
  if (hits.empty()) context.err << "nothing found\n";
}

}  // namespace

void add_know_search_command(CLI::App& know, CommandContext& context) {
  const auto options = std::make_shared<KnowSearchOptions>();
  CLI::App* command = know.add_subcommand("search", "Find passages in a store");
  command->add_option("query", options->query, "What to look for")->required();
  add_know_store_options(*command, options->store, true);
  command->add_option("-n,--hits", options->how.k, "So many passages")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  const std::map<std::string, SearchMode> modes = {{"auto", SearchMode::kAuto},
                                                   {"lexical", SearchMode::kLexical},
                                                   {"dense", SearchMode::kDense},
                                                   {"hybrid", SearchMode::kHybrid}};
  command->add_option("--mode", options->how.mode, "By words, by meaning, or both")
      ->transform(CLI::CheckedTransformer(modes));
  command->callback([&context, options] { search(context, *options); });
}

}  // namespace onmal
