#include <utility>

#include "infer/json/tool_call.h"
#include "serve/api/chat_fields.h"

namespace onmal {
namespace {

constexpr size_t kMostMessages = 2000;

std::string content_text(const JsonFields& message) {
  const ApiJson* content = message.find("content");
  if (content == nullptr) return "";
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) message.refuse("content", "must be a string or an array of parts");
  std::string text;
  for (const ApiJson& part : *content) {
    const JsonFields fields(part, "messages[].content[].");
    if (fields.required_text("type") != "text")
      fields.refuse("type", "must be 'text': this server reads no images or sound");
    text += fields.required_text("text");
  }
  return text;
}

// Arguments travel as a text in the API and as an object to templates.
ApiJson calls_for_template(const JsonFields& message, const ApiJson& calls) {
  if (!calls.is_array()) message.refuse("tool_calls", "must be an array");
  ApiJson out = ApiJson::array();
  for (const ApiJson& call : calls) {
    const JsonFields fields(call, "messages[].tool_calls[].");
    const ApiJson* function = fields.find("function");
    if (function == nullptr) fields.refuse("function", "is missing");
    const JsonFields parts(*function, "messages[].tool_calls[].function.");
    const ApiJson arguments = ApiJson::parse(parts.text("arguments", "{}"), nullptr, false);
    if (arguments.is_discarded()) parts.refuse("arguments", "must be JSON");
    out.push_back(
        {{"type", "function"},
         {"id", fields.text("id")},
         {"function", {{"name", parts.required_text("name")}, {"arguments", arguments}}}});
  }
  return out;
}

std::vector<ChatMessage> read_messages(const JsonFields& fields) {
  const ApiJson* rows = fields.find("messages");
  if (rows == nullptr || !rows->is_array() || rows->empty())
    fields.refuse("messages", "must be an array of at least one message");
  if (rows->size() > kMostMessages) fields.refuse("messages", "has too many entries");
  std::vector<ChatMessage> messages;
  for (size_t i = 0; i < rows->size(); ++i) {
    const JsonFields row((*rows)[i], "messages[" + std::to_string(i) + "].");
    ChatMessage message;
    message.role = row.required_text("role");
    if (message.role == "developer") message.role = "system";
    if (message.role != "system" && message.role != "user" && message.role != "assistant" &&
        message.role != "tool")
      row.refuse("role", "must be one of system, developer, user, assistant, tool");
    message.content = content_text(row);
    ApiJson more = ApiJson::object();
    if (const ApiJson* calls = row.find("tool_calls"))
      more["tool_calls"] = calls_for_template(row, *calls);
    if (row.has("tool_call_id")) more["tool_call_id"] = row.text("tool_call_id");
    if (row.has("name")) more["name"] = row.text("name");
    if (!more.empty()) message.more_json = dump(more);
    messages.push_back(std::move(message));
  }
  return messages;
}

void read_response_format(const JsonFields& fields, CompletionPlan& plan) {
  const ApiJson* format = fields.find("response_format");
  if (format == nullptr) return;
  const JsonFields parts(*format, "response_format.");
  const ApiJson* named = parts.find("json_schema");
  if (named == nullptr) {
    if (parts.text("type") == "json_schema") parts.refuse("json_schema", "is missing");
    named = format;
  }
  const JsonFields holder(*named, "response_format.json_schema.");
  plan.request.constraint = format_constraint(parts, holder, "response_format");
}

// Returns the tools as the template is to see them; "" where none may be called.
std::string read_tools(const JsonFields& fields, CompletionPlan& plan) {
  const ApiJson* tools = fields.find("tools");
  if (tools == nullptr) return "";
  if (!tools->is_array() || tools->size() > 128)
    fields.refuse("tools", "must be an array of at most 128 tools");
  if (tools->empty()) return "";
  const ApiJson* choice = fields.find("tool_choice");
  const bool word = choice != nullptr && choice->is_string();
  const std::string named = word ? choice->get<std::string>() : "";
  if (named == "none") return "";
  ToolCallOptions how;
  how.text_allowed = choice == nullptr || named == "auto";
  if (word && named != "auto" && named != "required")
    fields.refuse("tool_choice", "must be none, auto, required or a function");
  if (choice != nullptr && !word) {
    const JsonFields parts(*choice, "tool_choice.");
    const ApiJson* function = parts.find("function");
    if (function == nullptr) parts.refuse("function", "is missing");
    how.required_tool = JsonFields(*function, "tool_choice.function.").required_text("name");
  }
  if (how.text_allowed && fields.flag("parallel_tool_calls", true)) how.max_calls = 8;
  plan.calls_tools = true;
  const bool marked = plan.model->model.chat_template.find("<tool_call>") != std::string::npos;
  plan.bare_calls = !marked && !how.text_allowed;
  how.form = plan.bare_calls ? ToolCallForm::kJson : ToolCallForm::kHermes;
  const std::string text = dump(*tools);
  plan.request.constraint =
      make_or_refuse("tools", [&] { return make_tool_call_constraint(text, how); });
  return text;
}

void read_logprobs(const JsonFields& fields, CompletionPlan& plan) {
  const int64_t top = fields.whole("top_logprobs", 0, 0, 20);
  const bool wanted = fields.flag("logprobs", false);
  if (!wanted && fields.has("top_logprobs"))
    fields.refuse("top_logprobs", "needs 'logprobs': true");
  plan.request.top_logprobs = wanted ? static_cast<int>(top) : -1;
}

void chat(Api& api, const std::shared_ptr<Exchange>& exchange) {
  const JsonFields fields(exchange->request().body);
  CompletionPlan plan;
  plan.model = api.models->chat(fields.text("model"));
  if (plan.model->chat_template == nullptr) {
    throw HttpError(
        400, "The model '" + plan.model->name + "' has no chat template; use /v1/completions.",
        "model_not_supported", "model");
  }
  read_common_fields(fields, plan);
  read_logprobs(fields, plan);
  const std::vector<ChatMessage> messages = read_messages(fields);
  if (api.moderator != nullptr && messages.back().role == "user")
    plan.prompt_moderation = check_user_text(*api.moderator, messages.back().content);
  ChatRequest request;
  request.messages = messages;
  request.tools_json = read_tools(fields, plan);
  if (!plan.calls_tools) read_response_format(fields, plan);
  const RenderedChat rendered = plan.model->chat_template->render(request);
  plan.request.prompt =
      plan.model->encoder->encode(rendered, plan.model->chat_template->is_own_chatml());
  if (plan.model->end_of_message >= 0)
    plan.request.options.stop_ids.push_back(plan.model->end_of_message);
  if (plan.stream) exchange->begin_stream("text/event-stream");
  std::make_shared<CompletionCall>(api, exchange, std::move(plan))->start();
}

std::vector<int32_t> read_ids(const JsonFields& fields, const ApiJson& rows, int64_t vocabulary) {
  std::vector<int32_t> ids;
  for (const ApiJson& row : rows) {
    if (!row.is_number_integer() || row.get<int64_t>() < 0 || row.get<int64_t>() >= vocabulary)
      fields.refuse("prompt", "must hold token ids of the model only");
    ids.push_back(row.get<int32_t>());
  }
  return ids;
}

void complete(Api& api, const std::shared_ptr<Exchange>& exchange) {
  const JsonFields fields(exchange->request().body);
  CompletionPlan plan;
  plan.form = CompletionForm::kText;
  plan.model = api.models->chat(fields.text("model"));
  read_common_fields(fields, plan);
  read_response_format(fields, plan);
  plan.echo = fields.flag("echo", false);
  if (fields.has("logprobs"))
    plan.request.top_logprobs = static_cast<int>(fields.whole("logprobs", 0, 0, 20));
  const Tokenizer& tokenizer = *plan.model->model.tokenizer;
  const ApiJson* prompt = fields.find("prompt");
  if (prompt != nullptr && prompt->is_array() && !prompt->empty() && (*prompt)[0].is_number()) {
    plan.request.prompt = read_ids(fields, *prompt, tokenizer.vocab_size());
    plan.prompt_text = tokenizer.decode(plan.request.prompt);
  } else {
    const std::vector<std::string> texts = fields.texts("prompt", 1);
    if (texts.empty()) fields.refuse("prompt", "is missing");
    plan.prompt_text = texts[0];
    plan.request.prompt = tokenizer.encode(texts[0], {.add_special = true});
  }
  if (plan.request.prompt.empty()) fields.refuse("prompt", "is empty");
  if (plan.stream) exchange->begin_stream("text/event-stream");
  std::make_shared<CompletionCall>(api, exchange, std::move(plan))->start();
}

}  // namespace

void add_chat_routes(Router& router, Api& api) {
  add_api_route(router, api, "POST", "/v1/chat/completions", chat);
  add_api_route(router, api, "POST", "/v1/completions", complete);
}

}  // namespace onmal
