#include <filesystem>
#include <functional>
#include <optional>
#include <utility>

#include "answer/claims/claim_policy.h"
#include "answer/correct.h"
#include "answer/grounded/answer.h"
#include "answer/grounded/question.h"
#include "answer/summarize.h"
#include "answer/translate.h"
#include "base/timer.h"
#include "knowledge/search.h"
#include "safety/moderation_stream.h"
#include "serve/api/api.h"
#include "serve/api/engine_task_model.h"
#include "serve/api/moderation.h"
#include "text/hangul.h"

namespace onmal {
namespace {

constexpr int64_t kHits = 12;
constexpr size_t kMostHistory = 200;

std::string file_name(const std::string& source) {
  return std::filesystem::path(source).filename().string();
}

// The steps of an answer, told as they happen.
class AskEvents {
 public:
  explicit AskEvents(Exchange& exchange) : exchange_(exchange) {}
  void say(const ApiJson& event) { exchange_.write_event(dump(event)); }
  void begin(const char* step) {
    timer_.restart();
    say({{"type", "step"}, {"step", step}, {"state", "begin"}});
  }
  void end(const char* step, const ApiJson& detail = ApiJson::object()) {
    end_after(step, timer_.seconds(), detail);
  }
  void end_after(const char* step, double seconds, const ApiJson& detail) {
    say({{"type", "step"},
         {"step", step},
         {"state", "end"},
         {"seconds", seconds},
         {"detail", detail}});
  }

 private:
  Exchange& exchange_;
  Timer timer_;
};

// The stored passage that a citation stands in.
int64_t chunk_of(const Citation& citation, const GroundedAnswer& answer,
                 const std::vector<Passage>& passages) {
  for (const ContextBlock& block : answer.passages) {
    if (block.id != citation.id || block.segments.empty()) continue;
    size_t at = 0;
    while (at + 1 < block.segments.size() &&
           block.segments[at + 1].begin_character <= citation.begin_character)
      ++at;
    return passages[block.segments[at].passage].chunk;
  }
  return 0;
}

ApiJson citations_json(const GroundedAnswer& answer, const std::vector<Passage>& passages) {
  ApiJson rows = ApiJson::array();
  for (const Citation& citation : answer.citations) {
    ApiJson row = {{"id", citation.id},
                   {"passage", chunk_of(citation, answer, passages)},
                   {"source", file_name(citation.source)}};
    if (citation.page > 0) row["page"] = citation.page;
    row["start"] = citation.begin_character;
    row["end"] = citation.end_character;
    row["quote"] = citation.quote;
    row["answer_start"] = citation.begin;
    row["answer_end"] = citation.end;
    row["supported"] = citation.support == Support::kSupported;
    row["support"] = support_name(citation.support);
    rows.push_back(std::move(row));
  }
  return rows;
}

ApiJson passages_json(const std::vector<Passage>& passages) {
  ApiJson rows = ApiJson::array();
  for (const Passage& passage : passages) {
    ApiJson row = {
        {"id", passage.chunk}, {"source", file_name(passage.source)}, {"title", passage.title}};
    if (passage.page > 0) row["page"] = passage.page;
    row["text"] = passage.text;
    row["score"] = passage.score;
    row["start"] = passage.begin_character;
    row["end"] = passage.end;
    rows.push_back(std::move(row));
  }
  return rows;
}

struct Asked {
  std::string question, collection;
  std::vector<ChatMessage> history;
  std::unique_ptr<TaskModel> model;
  GroundedOptions how;
  ClaimAction claims = ClaimAction::kMark;
};

Asked read_asked(Api& api, const Exchange& exchange) {
  const JsonFields fields(exchange.request().body);
  Asked asked;
  asked.question = fields.required_text("question");
  require_text(asked.question, "question");
  if (api.moderator != nullptr) check_user_text(*api.moderator, asked.question);
  asked.collection = fields.text("collection");
  asked.how.max_tokens = fields.whole("max_tokens", 512, 1, 1 << 20);
  if (fields.has("claims")) asked.claims = claim_action_of(fields.text("claims"), "claims");
  if (const ApiJson* rows = fields.find("history")) {
    if (!rows->is_array() || rows->size() > kMostHistory)
      fields.refuse("history", "must be an array of at most 200 messages");
    for (const ApiJson& row : *rows) {
      const JsonFields message(row, "history[].");
      const std::string role = message.required_text("role");
      if (role != "user" && role != "assistant")
        message.refuse("role", "must be user or assistant");
      asked.history.push_back({role, message.required_text("content")});
    }
  }
  const std::string name =
      fields.has("model") && !api.ask_model.empty() ? fields.text("model") : api.ask_model;
  if (!name.empty())
    asked.model = make_engine_task_model(api.models->chat(name), exchange.request().client.name);
  return asked;
}

std::vector<Passage> search(Api& api, AskEvents& events, const Asked& asked, RequestCost& cost,
                            const std::stop_token& stop) {
  if (api.store == nullptr) throw HttpError(404, "This server keeps no documents.", "no_documents");
  SearchOptions how;
  how.k = kHits;
  how.rerank_depth = api.rerank_depth;
  if (!asked.collection.empty()) how.access.collections = {asked.collection};
  const std::string query = question_topic(asked.question);
  SearchTimes times;
  events.begin("search");
  KnowledgeSearch searcher(*api.store, api.embedder, api.reranker);
  std::vector<Passage> passages = searcher.find(query, how, &times, stop);
  cost.retrieval_seconds = times.lexical_s + times.dense_s + times.read_s + times.rerank_s;
  events.end_after("search", times.lexical_s + times.dense_s,
                   {{"query", query}, {"hits", passages.size()}});
  events.say({{"type", "step"}, {"step", "passages"}, {"state", "begin"}});
  events.say({{"type", "passages"}, {"passages", passages_json(passages)}});
  events.end_after("passages", times.read_s, {{"hits", passages.size()}});
  return passages;
}

// An answer on its way to the client: what the policy blocks is not shown and stops the model. What
// it would cover stays, since citations name places in the text; its marks tell of it.
class AskText {
 public:
  AskText(const Api& api, AskEvents& events, const std::stop_token& client, bool told)
      : api_(api), events_(events), told_(told), client_(client, [this] { stop_.request_stop(); }) {
    ModerationStreamOptions how;
    how.cover = false;
    if (api.moderator != nullptr) stream_.emplace(*api.moderator, Place::kAnswer, how);
  }
  std::stop_token stop() const { return stop_.get_token(); }

  void add(std::string_view text) {
    say(stream_ ? stream_->feed(text) : std::string(text));
    if (blocked()) stop_.request_stop();
  }
  bool blocked() const { return stream_ && stream_->stopped(); }
  [[noreturn]] static void refuse() {
    throw HttpError(400, "The policy of this server does not let the answer through.",
                    "content_filter");
  }

  // The rest, and the marks of the whole. Throws HttpError(400) for a text that is blocked.
  ApiJson finish(const std::string& whole, RequestCost& cost) {
    if (!stream_) return ApiJson::array();
    const Timer timer;
    const std::string rest = stream_->finish();
    const ModerationResult result = api_.moderator->check(whole, Place::kAnswer);
    cost.moderation_seconds += timer.seconds();
    if (blocked() || result.action == Action::kBlock) refuse();
    say(rest);
    return moderation_marks(result);
  }

 private:
  void say(const std::string& text) {
    if (told_ && !text.empty()) events_.say({{"type", "delta"}, {"text", text}});
  }

  const Api& api_;
  AskEvents& events_;
  bool told_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> client_;
  std::optional<ModerationStream> stream_;
};

// The stored passage that a claim's evidence stands in.
int64_t chunk_of(const ClaimEvidence& evidence, const GroundedAnswer& answer,
                 const std::vector<Passage>& passages) {
  Citation citation;
  citation.id = evidence.passage;
  citation.begin_character = evidence.begin_character;
  return chunk_of(citation, answer, passages);
}

// By rules alone: models answer on their own threads, and this one must not wait for another.
ClaimReport check_answer(const GroundedAnswer& answer, ClaimAction action,
                         const std::stop_token& stop) {
  if (action == ClaimAction::kOff || answer.abstained || answer.passages.empty()) return {};
  const Analyzer analyzer;
  return check_claims(Evidence(answer.passages, analyzer), answer.text, nullptr, {}, stop);
}

ApiJson claims_json(const ClaimReport& report, const GroundedAnswer& answer,
                    const std::vector<Passage>& passages) {
  ApiJson rows = ApiJson::array();
  for (const CheckedClaim& claim : report.claims) {
    ApiJson row = {{"start", claim.begin},
                   {"end", claim.end},
                   {"verdict", claim_verdict_name(claim.verdict)},
                   {"reason", claim_reason_name(claim.reason)},
                   {"score", claim.score}};
    if (claim.evidence.passage > 0) {
      row["evidence"] = {{"id", claim.evidence.passage},
                         {"passage", chunk_of(claim.evidence, answer, passages)},
                         {"start", claim.evidence.begin_character},
                         {"end", claim.evidence.end_character},
                         {"quote", claim.evidence.quote}};
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// What was found out about an answer.
struct AnswerChecks {
  ApiJson moderation_marks;
  ClaimReport claims;
  ClaimAction action = ClaimAction::kOff;
};

void tell_answer(Api& api, AskEvents& events, const GroundedAnswer& answer,
                 const std::vector<Passage>& passages, RequestCost& cost, EnergyMeter::Use& energy,
                 const std::string& model, AnswerChecks checks) {
  cost.prompt_tokens = answer.prompt_tokens;
  cost.completion_tokens = answer.tokens;
  cost.syllables = static_cast<int64_t>(count_hangul_syllables(answer.text));
  cost.prefill_seconds = answer.times.read;
  cost.decode_seconds = answer.times.write;
  events.end_after("context", answer.times.pack + answer.times.judge,
                   {{"tokens", answer.prompt_tokens}});
  events.end_after("answer", answer.times.read + answer.times.write + answer.times.check,
                   {{"tokens", answer.tokens}, {"check", answer.times.check}});
  settle(api, cost, energy, model);
  const bool contradicted = is_contradicted(checks.claims);
  const bool withheld = contradicted && checks.action == ClaimAction::kBlock;
  events.say({{"type", "answer"},
              {"text", withheld ? withheld_text(answer.language) : answer.text},
              {"model", model},
              {"method", answer_method_name(answer.method)},
              {"answered", !answer.abstained},
              {"confidence", answer.confidence},
              {"citations", withheld ? ApiJson::array() : citations_json(answer, passages)},
              {"claims", claims_json(checks.claims, answer, passages)},
              {"claims_action", contradicted ? claim_action_name(checks.action) : "allow"},
              {"moderation", withheld ? ApiJson::array() : std::move(checks.moderation_marks)},
              {"resources", cost_json(cost, api.meter)}});
}

void ask(Api& api, const std::shared_ptr<Exchange>& exchange) {
  Asked asked = read_asked(api, *exchange);
  asked.how.history = asked.history;
  exchange->begin_stream("text/event-stream");
  AskEvents events(*exchange);
  EnergyMeter::Use energy(api.meter);
  RequestCost cost;
  events.begin("prompt");
  const bool looks_up = asked.model == nullptr || needs_lookup(asked.question);
  events.end("prompt", {{"lookup", looks_up}});
  // What may be withheld is not told as it comes.
  AskText shown(api, events, exchange->stop(), asked.claims != ClaimAction::kBlock);
  const auto on_text = [&](std::string_view text) { shown.add(text); };
  std::vector<Passage> passages;
  GroundedAnswer answer;
  if (looks_up) passages = search(api, events, asked, cost, exchange->stop());
  events.say({{"type", "step"}, {"step", "context"}, {"state", "begin"}});
  events.say({{"type", "step"}, {"step", "answer"}, {"state", "begin"}});
  try {
    answer = looks_up
                 ? answer_grounded(Analyzer(), asked.question, passages, asked.model.get(),
                                   asked.how, on_text, shown.stop())
                 : answer_directly(*asked.model, asked.question, asked.how, on_text, shown.stop());
  } catch (const Error&) {
    if (shown.blocked()) AskText::refuse();
    throw;
  }
  const std::string model = asked.model == nullptr ? "" : asked.model->name().name;
  AnswerChecks checks;
  checks.moderation_marks = shown.finish(answer.text, cost);
  checks.action = asked.claims;
  checks.claims = check_answer(answer, asked.claims, exchange->stop());
  tell_answer(api, events, answer, passages, cost, energy, model, std::move(checks));
  exchange->note({model, answer.prompt_tokens, answer.tokens});
  exchange->write_event("[DONE]");
  exchange->end();
}

// translate, correct and summarise by a served instruct model.
void run_task(Api& api, const std::shared_ptr<Exchange>& exchange, const std::string& task) {
  const JsonFields fields(exchange->request().body);
  const std::string text = fields.required_text("text");
  require_text(text, "text");
  const std::unique_ptr<TaskModel> model = make_engine_task_model(
      api.models->chat(fields.text("model")), exchange->request().client.name);
  const std::stop_token stop = exchange->stop();
  const auto quiet = [](size_t, size_t) {};
  std::string result;
  if (task == "translate") {
    TranslateOptions how;
    how.from = fields.text("from");
    how.to = fields.text("to");
    result = translate_text(*model, text, how, quiet, stop).text;
  } else if (task == "summarize") {
    result = summarize_text(*model, text, {}, quiet, stop).text;
  } else {
    result = correct_text(*model, text, {}, quiet, stop).text;
  }
  respond_json(*exchange, {{"result", result}, {"model", model->name().name}});
}

}  // namespace

void add_ask_routes(Router& router, Api& api) {
  add_api_route(router, api, "POST", "/api/ask", ask);
  for (const char* task : {"translate", "correct", "summarize"}) {
    Route route{
        "POST", std::string("/api/") + task,
        [&api, task](const std::shared_ptr<Exchange>& exchange) { run_task(api, exchange, task); }};
    route.json_body = true;
    router.add(std::move(route));
  }
}

}  // namespace onmal
