#include <algorithm>
#include <numeric>

#include "infer/attention_view.h"
#include "infer/generator.h"
#include "models/attention_weights.h"
#include "serve/api/api.h"
#include "text/hangul.h"

namespace onmal {
namespace {

constexpr size_t kMostTextBytes = 4000;
constexpr size_t kMostLookTokens = 256;

struct Looked {
  std::shared_ptr<ChatModel> model;
  std::string text;
  std::vector<int32_t> ids;
};

Looked read(Api& api, const JsonFields& fields, size_t most_tokens) {
  Looked looked;
  looked.model = api.models->chat(fields.text("model"));
  looked.text = fields.required_text("text");
  if (looked.text.empty()) fields.refuse("text", "is empty");
  if (looked.text.size() > kMostTextBytes)
    throw HttpError(400, "The text is too long to look at.", "too_long", "text");
  looked.ids = looked.model->model.tokenizer->encode(looked.text, {.add_special = true});
  if (looked.ids.empty()) fields.refuse("text", "has no tokens");
  if (looked.ids.size() > most_tokens)
    throw HttpError(400, "The text has too many tokens to look at.", "too_long", "text");
  return looked;
}

std::vector<AttentionMap> attention_of(Api& api, const Looked& looked) {
  const std::lock_guard lock(api.pool_mutex);
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  AttentionCollector collector;
  Exec exec{api.pool, &memory, &backend};
  exec.attention_observer = &collector;
  std::vector<int32_t> ids = looked.ids;
  const Tensor input =
      Tensor::borrowed(ids.data(), Shape{1, static_cast<int64_t>(ids.size())}, DType::kI32);
  looked.model->model.decoder->forward(exec, {input, {}, nullptr});
  return collector.maps();
}

ApiJson heads_json(const AttentionMap& map) {
  ApiJson heads = ApiJson::array();
  for (size_t head = 0; head < map.heads.size(); ++head) {
    ApiJson rows = ApiJson::array();
    for (int64_t query = 0; query < map.queries; ++query) {
      ApiJson row = ApiJson::array();
      for (int64_t key = 0; key < map.keys; ++key) row.push_back(map.at(head, query, key));
      rows.push_back(std::move(row));
    }
    heads.push_back(std::move(rows));
  }
  return heads;
}

void attend(Api& api, const std::shared_ptr<Exchange>& exchange) {
  const JsonFields fields(exchange->request().body);
  const std::string level = fields.text("level", "word");
  AttentionUnits units = AttentionUnits::kWord;
  if (level == "token") {
    units = AttentionUnits::kToken;
  } else if (level == "syllable") {
    units = AttentionUnits::kSyllable;
  } else if (level != "word") {
    fields.refuse("level", "must be token, syllable or word");
  }
  const Looked looked = read(api, fields, kMostLookTokens);
  std::vector<AttentionToken> tokens;
  const Tokenizer& tokenizer = *looked.model->model.tokenizer;
  for (const int32_t id : looked.ids)
    tokens.push_back({std::string(tokenizer.piece(id)), tokenizer.is_special(id)});
  const UnitMap map = map_units(tokens, units);
  std::vector<AttentionMap> maps = attention_of(api, looked);
  ApiJson weights = ApiJson::array();
  for (const AttentionMap& one : maps)
    weights.push_back(
        heads_json(units == AttentionUnits::kToken ? one : group_attention(one, map)));
  respond_json(*exchange, {{"pieces", map.labels},
                           {"layers", maps.size()},
                           {"heads", maps.empty() ? 0 : maps[0].heads.size()},
                           {"weights", std::move(weights)}});
}

void show_tokens(Api& api, const std::shared_ptr<Exchange>& exchange) {
  const JsonFields fields(exchange->request().body);
  const auto model = api.models->chat(fields.text("model"));
  const std::string text = fields.required_text("text");
  if (text.size() > 16 * kMostTextBytes)
    throw HttpError(400, "The text is too long to look at.", "too_long", "text");
  const Tokenizer& tokenizer = *model->model.tokenizer;
  ApiJson tokens = ApiJson::array();
  size_t at = 0;
  for (const int32_t id : tokenizer.encode(text)) {
    const std::string_view piece = tokenizer.piece(id);
    const size_t end = std::min(at + piece.size(), text.size());
    tokens.push_back({{"id", id}, {"text", piece}, {"start", at}, {"end", end}});
    at = end;
  }
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++characters) i += read_utf8(text, i).length;
  respond_json(*exchange, {{"tokens", std::move(tokens)},
                           {"bytes", text.size()},
                           {"characters", characters},
                           {"syllables", count_hangul_syllables(text)}});
}

void show_next(Api& api, const std::shared_ptr<Exchange>& exchange) {
  const JsonFields fields(exchange->request().body);
  const auto top = static_cast<size_t>(fields.whole("top", 50, 1, 1000));
  const Looked looked = read(api, fields, 4 * kMostLookTokens);
  GeneratorOptions how;
  how.context = static_cast<int64_t>(looked.ids.size()) + 1;
  how.repack = false;
  how.speculation.draft_tokens = 0;
  const std::lock_guard lock(api.pool_mutex);
  Generator generator(looked.model->model, *api.pool, how);
  const Tokenizer& tokenizer = *looked.model->model.tokenizer;
  std::span<const float> logits = generator.prefill(looked.ids);
  logits = logits.first(std::min(logits.size(), static_cast<size_t>(tokenizer.vocab_size())));
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const size_t count = std::min(top, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(count), order.end(),
                    [&](int32_t a, int32_t b) {
                      return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
                    });
  ApiJson candidates = ApiJson::array();
  for (size_t i = 0; i < count; ++i) {
    const int32_t id = order[i];
    candidates.push_back(
        {{"id", id}, {"text", tokenizer.piece(id)}, {"logit", logits[static_cast<size_t>(id)]}});
  }
  respond_json(*exchange, {{"candidates", std::move(candidates)}, {"vocabulary", logits.size()}});
}

}  // namespace

void add_look_routes(Router& router, Api& api) {
  add_api_route(router, api, "POST", "/api/attend", attend);
  add_api_route(router, api, "POST", "/api/tokens", show_tokens);
  add_api_route(router, api, "POST", "/api/next", show_next);
}

}  // namespace onmal
