#include "serve/api/chat_fields.h"

#include <random>

#include "infer/json/json_constraint.h"

namespace onmal {
namespace {

constexpr int64_t kUsualTokens = 1024;
constexpr int64_t kMostTokens = int64_t{1} << 20;
constexpr int64_t kMostChoices = 16;
constexpr size_t kMostStops = 16;

uint64_t fresh_seed() {
  std::random_device random;
  return (static_cast<uint64_t>(random()) << 32) | random();
}

void read_bias(const JsonFields& fields, int64_t vocabulary, SamplerOptions& sampler) {
  const ApiJson* bias = fields.find("logit_bias");
  if (bias == nullptr) return;
  if (!bias->is_object() || bias->size() > 1024)
    fields.refuse("logit_bias", "must be an object of at most 1024 token ids");
  for (const auto& [key, value] : bias->items()) {
    int64_t id = -1;
    if (!key.empty() && key.size() < 10 && key.find_first_not_of("0123456789") == std::string::npos)
      id = std::stoll(key);
    if (id < 0 || id >= vocabulary) fields.refuse("logit_bias", "names no token '" + key + "'");
    if (!value.is_number()) fields.refuse("logit_bias", "must map ids to numbers");
    const auto amount = value.get<double>();
    if (!(amount >= -100 && amount <= 100)) fields.refuse("logit_bias", "must be from -100 to 100");
    sampler.logit_bias.push_back({static_cast<int32_t>(id), static_cast<float>(amount)});
  }
}

void read_sampler(const JsonFields& fields, int64_t vocabulary, SamplerOptions& sampler) {
  const auto number = [&](const char* name, float& value, double least, double most) {
    value = static_cast<float>(fields.number(name, static_cast<double>(value), least, most));
  };
  number("temperature", sampler.temperature, 0, 2);
  number("top_p", sampler.top_p, 1e-6, 1);
  number("min_p", sampler.min_p, 0, 1);
  number("repetition_penalty", sampler.repetition_penalty, 0.1, 10);
  number("frequency_penalty", sampler.frequency_penalty, -2, 2);
  number("presence_penalty", sampler.presence_penalty, -2, 2);
  sampler.top_k = fields.whole("top_k", sampler.top_k, 0, vocabulary);
  sampler.seed = fields.has("seed")
                     ? static_cast<uint64_t>(fields.whole("seed", 0, INT64_MIN, INT64_MAX))
                     : fresh_seed();
  read_bias(fields, vocabulary, sampler);
}

}  // namespace

void read_common_fields(const JsonFields& fields, CompletionPlan& plan) {
  GenerateOptions& options = plan.request.options;
  const int64_t vocabulary = plan.model->model.decoder->config().vocab_size;
  read_sampler(fields, vocabulary, options.sampler);
  options.stop_texts = fields.texts("stop", kMostStops);
  for (const std::string& stop : options.stop_texts) {
    if (stop.empty() || stop.size() > 1024)
      fields.refuse("stop", "must be of 1 to 1024 bytes each");
  }
  const char* limit = fields.has("max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
  options.max_tokens = fields.whole(limit, kUsualTokens, 1, kMostTokens);
  options.ignore_end = fields.flag("ignore_eos", false);  // as llama-server and vLLM have it
  plan.choices = fields.whole("n", 1, 1, kMostChoices);
  plan.stream = fields.flag("stream", false);
  if (const ApiJson* how = fields.find("stream_options"))
    plan.include_usage = JsonFields(*how, "stream_options.").flag("include_usage", false);
}

std::shared_ptr<const TextConstraint> format_constraint(const JsonFields& format,
                                                        const JsonFields& holder,
                                                        const char* field) {
  const std::string type = format.required_text("type");
  if (type == "text") return nullptr;
  if (type == "json_object") return any_json_object();
  if (type != "json_schema") format.refuse("type", "must be text, json_object or json_schema");
  const ApiJson* schema = holder.find("schema");
  if (schema == nullptr) holder.refuse("schema", "is missing");
  return make_or_refuse(field, [&] { return make_json_constraint(dump(*schema)); });
}

Engine::RequestId submit_or_refuse(const CompletionPlan& plan,
                                   std::shared_ptr<EngineListener> listener, uint64_t seed_step) {
  EngineRequest request = plan.request;
  request.options.sampler.seed += seed_step;
  std::optional<Engine::RequestId> id;
  try {
    id = plan.model->engine.submit(std::move(request), std::move(listener));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kResource) throw;
    throw HttpError(400, error.what(), "context_length_exceeded", "messages");
  }
  if (id) return *id;
  HttpError busy(429, "Too many requests are waiting; try again later.", "server_busy");
  busy.retry_after = 2;
  throw busy;
}

}  // namespace onmal
