#include "cli/ask_documents.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>

#include "answer/claims/claim_policy.h"
#include "answer/grounded/question.h"
#include "base/timer.h"
#include "cli/claims_output.h"
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

// What is said of the answer's claims.
struct CheckedAnswer {
  ClaimAction action = ClaimAction::kOff;
  ClaimReport report;
  bool contradicted = false;
};

CheckedAnswer check_answer(const GroundedAnswer& answer, const ClaimCheckOptions& options,
                           ThreadPool& pool, const std::stop_token& stop) {
  CheckedAnswer checked;
  checked.action = claim_action_of(options.action, "--claims");
  const bool claims = !answer.abstained && !answer.passages.empty();
  if (checked.action == ClaimAction::kOff || !claims) return checked;
  const Analyzer analyzer;
  const Evidence evidence(answer.passages, analyzer);
  const std::unique_ptr<EntailmentModel> model = open_entailment(options, pool);
  checked.report = check_claims(evidence, answer.text, model.get(), {}, stop);
  checked.contradicted = is_contradicted(checked.report);
  return checked;
}

Json answer_json(const GroundedAnswer& answer, const CheckedAnswer& checked,
                 const AskTimes& times) {
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
  const bool withheld = checked.contradicted && checked.action == ClaimAction::kBlock;
  return {{"answer", withheld ? withheld_text(answer.language) : answer.text},
          {"citations", std::move(citations)},
          {"claims", claims_json(checked.report)},
          {"claims_action", checked.contradicted ? claim_action_name(checked.action) : "allow"},
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

// Claims that the passages do not bear out; what they do the citations say.
void tell_claims(CommandContext& context, const CheckedAnswer& checked) {
  ClaimReport doubtful = checked.report;
  std::erase_if(doubtful.claims, [](const CheckedClaim& claim) {
    return claim.verdict == ClaimVerdict::kSupported;
  });
  if (!doubtful.claims.empty()) context.out << "\n";
  print_claims(context, doubtful);
  if (checked.contradicted && checked.action != ClaimAction::kMark)
    context.err << "warning: the documents contradict the answer\n";
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
  // What may be withheld is not shown as it comes.
  const bool held = options.claims.action == "block";
  const auto on_text = [&](std::string_view text) {
    if (!context.json && !held) context.out << text << std::flush;
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
  const CheckedAnswer checked = check_answer(answer, options.claims, pool, stop);
  if (context.json) return print_json(context, answer_json(answer, checked, times));
  const bool withheld = held && checked.contradicted;
  if (held) context.out << (withheld ? withheld_text(answer.language) : answer.text);
  context.out << "\n\n";
  if (!withheld) print_citations(context, answer);
  tell_claims(context, checked);
  context.out.flush();
  context.err << fmt::format("{}, confidence {:.2f}, {:.2f} s\n", answer_method_name(answer.method),
                             answer.confidence, times.all_s);
}

}  // namespace onmal
