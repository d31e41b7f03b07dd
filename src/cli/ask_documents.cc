#include "cli/ask_documents.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>

#include "answer/grounded/question.h"
#include "base/timer.h"
#include "cli/json_output.h"
#include "knowledge/search.h"

namespace onmal {
namespace {

struct AskTimes {
  SearchTimes search;
  double open_s = 0;
  double all_s = 0;
};

Json citation_json(const Citation& citation) {
  Json row = {{"id", citation.id}, {"source", citation.source}};
  if (citation.page > 0) row["page"] = citation.page;
  row["start"] = citation.begin_character;
  row["end"] = citation.end_character;
  row["quote"] = citation.quote;
  row["support"] = support_name(citation.support);
  row["answer_bytes"] = {citation.begin, citation.end};
  row["assigned"] = citation.assigned;
  return row;
}

Json answer_json(const GroundedAnswer& answer, const AskTimes& times) {
  Json citations = Json::array();
  for (const Citation& citation : answer.citations) citations.push_back(citation_json(citation));
  Json passages = Json::array();
  for (const ContextBlock& block : answer.passages) {
    passages.push_back({{"id", block.id},
                        {"source", block.source},
                        {"page", block.page_at(0)},
                        {"start", block.character_at(0)},
                        {"end", block.character_at(block.text.size())},
                        {"score", block.score},
                        {"text", block.text}});
  }
  return {{"answer", answer.text},
          {"citations", std::move(citations)},
          {"confidence", answer.confidence},
          {"abstained", answer.abstained},
          {"method", answer_method_name(answer.method)},
          {"passages", std::move(passages)},
          {"tokens", answer.tokens},
          {"prompt_tokens", answer.prompt_tokens},
          {"finished", answer.finished},
          {"seconds",
           {{"open", times.open_s},
            {"search", times.search.lexical_s + times.search.dense_s},
            {"rerank", times.search.rerank_s},
            {"passages", times.search.read_s},
            {"context", answer.times.pack + answer.times.judge},
            {"prompt", answer.times.read},
            {"write", answer.times.write},
            {"check", answer.times.check},
            {"all", times.all_s}}}};
}

void print_citations(CommandContext& context, const GroundedAnswer& answer) {
  for (const Citation& citation : answer.citations) {
    std::string place = citation.source;
    if (citation.page > 0) place += fmt::format(", page {}", citation.page);
    const std::string doubt = citation.support == Support::kSupported
                                  ? ""
                                  : fmt::format("  ({})", support_name(citation.support));
    context.out << fmt::format("[{}] {}, characters {}-{}{}\n    \"{}\"\n", citation.id, place,
                               citation.begin_character, citation.end_character, doubt,
                               citation.quote);
  }
}

}  // namespace

void ask_documents(CommandContext& context, const TextTaskOptions& common,
                   const std::string& question, const AskDocumentsOptions& options) {
  const Timer timer;
  AskTimes times;
  ThreadPool pool(context.threads);
  std::unique_ptr<TaskModel> model;
  if (!common.talk.model.empty() && !options.how.extractive)
    model = open_task_model(context, pool, common);
  const std::stop_token stop = context.interrupts.token();
  const auto on_text = [&](std::string_view text) {
    if (!context.json) context.out << text << std::flush;
  };
  GroundedAnswer answer;
  if (model != nullptr && !needs_lookup(question)) {
    times.open_s = timer.seconds();
    answer = answer_directly(*model, question, options.how, on_text, stop);
  } else {
    const std::unique_ptr<KnowledgeStore> store = open_store(options.store, true);
    const std::unique_ptr<Embedder> embedder = open_embedder(options.store, *store, pool);
    const std::unique_ptr<Reranker> reranker = open_reranker(options.store, pool);
    times.open_s = timer.seconds();
    KnowledgeSearch searcher(*store, embedder.get(), reranker.get());
    SearchOptions search;
    search.k = options.hits;
    search.rerank_depth = options.store.rerank_depth;
    search.access = access_of(options.store);
    const std::vector<Passage> passages =
        searcher.find(question_topic(question), search, &times.search, stop);
    answer =
        answer_grounded(Analyzer(), question, passages, model.get(), options.how, on_text, stop);
  }
  times.all_s = timer.seconds();
  if (context.json) return print_json(context, answer_json(answer, times));
  context.out << "\n\n";
  print_citations(context, answer);
  context.out.flush();
  context.err << fmt::format("{}, confidence {:.2f}, {:.2f} s\n", answer_method_name(answer.method),
                             answer.confidence, times.all_s);
}

}  // namespace onmal
