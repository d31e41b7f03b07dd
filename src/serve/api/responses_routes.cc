#include <ctime>
#include <utility>

#include "infer/answer_end.h"
#include "serve/api/chat_fields.h"
#include "serve/api/stoppable_request.h"

namespace onmal {
namespace {

// One answer in the form of OpenAI's Responses API, told on the engine's thread.
class ResponsesCall : public EngineListener, public std::enable_shared_from_this<ResponsesCall> {
 public:
  ResponsesCall(Api& api, std::shared_ptr<Exchange> exchange, CompletionPlan plan)
      : api_(api), exchange_(std::move(exchange)), plan_(std::move(plan)), energy_(api.meter) {
    number_ = std::to_string(exchange_->request().number);
    if (api_.moderator == nullptr) return;
    ModerationStreamOptions how;
    how.cover = plan_.request.constraint == nullptr;  // else its form would be lost
    moderation_.emplace(*api_.moderator, Place::kAnswer, how);
  }

  void start() {
    if (plan_.stream) {
      say("response.created", {{"response", document("in_progress")}});
      say("response.output_item.added", {{"output_index", 0}, {"item", item("in_progress")}});
      say("response.content_part.added", part({{"part", content()}}));
    }
    plan_.request.client = exchange_->request().client.name;
    request_.started(plan_.model->engine, submit_or_refuse(plan_, shared_from_this()));
    const std::weak_ptr<ResponsesCall> weak = weak_from_this();
    on_stop_.emplace(exchange_->stop(), [weak] {
      if (const auto call = weak.lock()) call->request_.stop(call->plan_.model->engine);
    });
  }

  void on_text(std::string_view text, std::span<const SampledToken>) override {
    add(moderation_ ? moderation_->feed(text) : std::string(text));
    if (moderation_ && moderation_->stopped()) request_.stop(plan_.model->engine);
  }

  void on_end(const GenerateResult& result) override {
    if (moderation_) add(moderation_->finish());
    cost_.add(result);
    settle(api_, cost_, energy_, plan_.model->name);
    exchange_->note({plan_.model->name, cost_.prompt_tokens, cost_.completion_tokens});
    const bool filtered = moderation_ && moderation_->stopped();
    if (is_cut(result.finish) || filtered)
      reason_ = filtered ? "content_filter" : "max_output_tokens";
    const char* status = reason_.empty() ? "completed" : "incomplete";
    if (!plan_.stream) return respond_json(*exchange_, document(status));
    say("response.output_text.done", part({{"text", text_}}));
    say("response.content_part.done", part({{"part", content()}}));
    say("response.output_item.done", {{"output_index", 0}, {"item", item(status)}});
    say(reason_.empty() ? "response.completed" : "response.incomplete",
        {{"response", document(status)}});
    exchange_->end();
  }

  void on_error(const Error& error) override { exchange_->fail(to_http_error(error)); }

 private:
  void add(const std::string& text) {
    text_ += text;
    if (plan_.stream && !text.empty()) say("response.output_text.delta", part({{"delta", text}}));
  }

  void say(const char* type, const ApiJson& more) {
    ApiJson event = {{"type", type}, {"sequence_number", sequence_++}};
    event.update(more);
    exchange_->write_event(dump(event));
  }

  ApiJson part(const ApiJson& more) const {
    ApiJson event = {{"item_id", "msg_" + number_}, {"output_index", 0}, {"content_index", 0}};
    event.update(more);
    return event;
  }

  ApiJson content() const {
    return {{"type", "output_text"}, {"text", text_}, {"annotations", ApiJson::array()}};
  }

  ApiJson item(const char* status) const {
    return {{"id", "msg_" + number_},
            {"type", "message"},
            {"status", status},
            {"role", "assistant"},
            {"content", ApiJson::array({content()})}};
  }

  ApiJson document(const char* status) const {
    ApiJson out = {{"id", "resp_" + number_},       {"object", "response"},
                   {"created_at", created_},        {"status", status},
                   {"model", plan_.model->name},    {"error", nullptr},
                   {"incomplete_details", nullptr}, {"output", ApiJson::array()}};
    if (std::string_view(status) == "in_progress") return out;
    if (!reason_.empty()) out["incomplete_details"] = {{"reason", reason_}};
    out["output"].push_back(item(status));
    out["usage"] = {{"input_tokens", cost_.prompt_tokens},
                    {"input_tokens_details", {{"cached_tokens", cost_.cached_tokens}}},
                    {"output_tokens", cost_.completion_tokens},
                    {"output_tokens_details", {{"reasoning_tokens", 0}}},
                    {"total_tokens", cost_.prompt_tokens + cost_.completion_tokens}};
    out["onmal"] = {{"resources", cost_json(cost_, api_.meter)}};
    return out;
  }

  Api& api_;
  std::shared_ptr<Exchange> exchange_;
  CompletionPlan plan_;
  EnergyMeter::Use energy_;
  std::string number_;
  int64_t created_ = static_cast<int64_t>(std::time(nullptr));
  int64_t sequence_ = 0;
  std::string text_, reason_;
  RequestCost cost_;
  std::optional<ModerationStream> moderation_;
  StoppableRequest request_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

std::string item_text(const JsonFields& item) {
  const ApiJson* content = item.find("content");
  if (content == nullptr) item.refuse("content", "is missing");
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) item.refuse("content", "must be a string or an array of parts");
  std::string text;
  for (const ApiJson& part : *content) {
    const JsonFields fields(part, "input[].content[].");
    const std::string type = fields.required_text("type");
    if (type != "input_text" && type != "output_text")
      fields.refuse("type", "must be input_text or output_text");
    text += fields.required_text("text");
  }
  return text;
}

std::vector<ChatMessage> read_input(const JsonFields& fields) {
  std::vector<ChatMessage> messages;
  if (fields.has("instructions")) messages.push_back({"system", fields.text("instructions")});
  const ApiJson* input = fields.find("input");
  if (input == nullptr) fields.refuse("input", "is missing");
  if (input->is_string()) {
    messages.push_back({"user", input->get<std::string>()});
    return messages;
  }
  if (!input->is_array() || input->empty() || input->size() > 2000)
    fields.refuse("input", "must be a string or an array of 1 to 2000 messages");
  for (const ApiJson& row : *input) {
    const JsonFields item(row, "input[].");
    if (item.text("type", "message") != "message") item.refuse("type", "must be 'message'");
    std::string role = item.required_text("role");
    if (role == "developer") role = "system";
    if (role != "system" && role != "user" && role != "assistant")
      item.refuse("role", "must be one of system, developer, user, assistant");
    messages.push_back({std::move(role), item_text(item)});
  }
  return messages;
}

void read_format(const JsonFields& fields, CompletionPlan& plan) {
  const ApiJson* text = fields.find("text");
  const ApiJson* format = nullptr;
  if (text != nullptr)
    format = JsonFields(*text, "text.").find("format") == nullptr ? nullptr : &text->at("format");
  if (format == nullptr) return;
  const JsonFields parts(*format, "text.format.");
  plan.request.constraint = format_constraint(parts, parts, "text.format");
}

void respond(Api& api, const std::shared_ptr<Exchange>& exchange) {
  const JsonFields fields(exchange->request().body);
  CompletionPlan plan;
  plan.model = api.models->chat(fields.text("model"));
  if (plan.model->chat_template == nullptr)
    throw HttpError(400, "This model has no chat template.", "model_not_supported", "model");
  for (const char* unheard : {"previous_response_id", "conversation", "tools"}) {
    const ApiJson* value = fields.find(unheard);
    if (value != nullptr && !(value->is_array() && value->empty()))
      fields.refuse(unheard,
                    "is not supported here: nothing is stored; tools are called by "
                    "/v1/chat/completions");
  }
  read_common_fields(fields, plan);
  plan.request.options.max_tokens =
      fields.whole("max_output_tokens", plan.request.options.max_tokens, 1, int64_t{1} << 20);
  read_format(fields, plan);
  const std::vector<ChatMessage> messages = read_input(fields);
  if (api.moderator != nullptr && messages.back().role == "user")
    check_user_text(*api.moderator, messages.back().content);
  ChatRequest request;
  request.messages = messages;
  plan.request.prompt = plan.model->encoder->encode(plan.model->chat_template->render(request),
                                                    plan.model->chat_template->is_own_chatml());
  if (plan.model->end_of_message >= 0)
    plan.request.options.stop_ids.push_back(plan.model->end_of_message);
  if (plan.stream) exchange->begin_stream("text/event-stream");
  std::make_shared<ResponsesCall>(api, exchange, std::move(plan))->start();
}

}  // namespace

void add_responses_routes(Router& router, Api& api) {
  add_api_route(router, api, "POST", "/v1/responses", respond);
}

}  // namespace onmal
