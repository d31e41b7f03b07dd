#include <openssl/evp.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "knowledge/analyzer.h"
#include "serve/api/api.h"

namespace onmal {
namespace {

constexpr size_t kMostJudged = 2048;

void tokenize(Api& api, const std::shared_ptr<Exchange>& exchange) {
  const JsonFields fields(exchange->request().body);
  const auto model = api.models->chat(fields.text("model"));
  const Tokenizer& tokenizer = *model->model.tokenizer;
  const char* name = fields.has("text") ? "text" : "content";
  EncodeOptions how;
  how.add_special = fields.flag("add_special", false);
  how.parse_special = fields.flag("parse_special", false);
  const std::vector<int32_t> ids = tokenizer.encode(fields.required_text(name), how);
  respond_json(*exchange, {{"tokens", ids}, {"count", ids.size()}});
}

void detokenize(Api& api, const std::shared_ptr<Exchange>& exchange) {
  const JsonFields fields(exchange->request().body);
  const auto model = api.models->chat(fields.text("model"));
  const ApiJson* rows = fields.find("tokens");
  if (rows == nullptr || !rows->is_array()) fields.refuse("tokens", "must be an array of ids");
  std::vector<int32_t> ids;
  for (const ApiJson& row : *rows) {
    if (!row.is_number_integer() || row.get<int64_t>() < 0 ||
        row.get<int64_t>() >= model->model.tokenizer->vocab_size())
      fields.refuse("tokens", "must hold ids of the model only");
    ids.push_back(row.get<int32_t>());
  }
  respond_json(*exchange, {{"content", model->model.tokenizer->decode(ids)}});
}

std::vector<TextVector> embed(VectorModel& model, const std::vector<std::string>& texts,
                              const std::stop_token& stop) {
  std::vector<std::vector<int32_t>> ids;
  for (const std::string& text : texts)
    ids.push_back(model.encoder.tokenizer()->encode(text, {.add_special = true}));
  const std::lock_guard lock(model.mutex);
  return model.encoder.embed(model.pool, ids, {}, stop);
}

// Little-endian f32, as OpenAI's clients ask for by default.
std::string base64(const std::vector<float>& values) {
  const auto bytes = static_cast<int>(values.size() * sizeof(float));
  std::string text(static_cast<size_t>((bytes + 2) / 3 * 4) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(values.data()), bytes);
  text.resize(static_cast<size_t>(length));
  return text;
}

void embeddings(Api& api, const std::shared_ptr<Exchange>& exchange) {
  const JsonFields fields(exchange->request().body);
  const std::vector<std::string> texts = fields.texts("input", kMostJudged);
  if (texts.empty()) fields.refuse("input", "must be a string or an array of strings");
  const std::string format = fields.text("encoding_format", "float");
  if (format != "float" && format != "base64")
    fields.refuse("encoding_format", "must be 'float' or 'base64'");
  if (fields.has("dimensions")) fields.refuse("dimensions", "cannot be chosen with this model");
  const auto model = api.models->vectors(fields.text("model"));
  if (model->encoder.tokenizer() == nullptr)
    throw HttpError(400, "This model has no tokenizer.", "model_not_supported", "model");
  EnergyMeter::Use energy(api.meter);
  const std::vector<TextVector> vectors = embed(*model, texts, exchange->stop());
  ApiJson rows = ApiJson::array();
  int64_t tokens = 0;
  for (size_t i = 0; i < vectors.size(); ++i) {
    const std::vector<float>& values = vectors[i].values;
    rows.push_back({{"object", "embedding"},
                    {"index", i},
                    {"embedding", format == "float" ? ApiJson(values) : ApiJson(base64(values))}});
    tokens += vectors[i].tokens;
  }
  RequestCost cost;
  cost.prompt_tokens = tokens;
  settle(api, cost, energy, fields.text("model"));
  respond_json(*exchange, {{"object", "list"},
                           {"data", std::move(rows)},
                           {"model", fields.text("model")},
                           {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}});
}

std::vector<double> score_by_vectors(VectorModel& model, const std::string& query,
                                     const std::vector<std::string>& texts,
                                     const std::stop_token& stop) {
  std::vector<std::string> all = texts;
  all.push_back(query);
  const std::vector<TextVector> vectors = embed(model, all, stop);
  const std::vector<float>& wanted = vectors.back().values;
  std::vector<double> scores;
  for (size_t i = 0; i < texts.size(); ++i)
    scores.push_back(
        std::inner_product(wanted.begin(), wanted.end(), vectors[i].values.begin(), 0.0));
  return scores;
}

// BM25 (k1 1.2, without lengths) among the texts given.
std::vector<double> score_by_terms(const std::string& query,
                                   const std::vector<std::string>& texts) {
  const Analyzer analyzer;
  std::vector<std::map<std::string, double>> counts;
  std::map<std::string, double> holding;
  for (const std::string& text : texts) {
    std::map<std::string, double> own;
    analyzer.analyze(text, [&](const Term& term) { own[term.text] += 1; });
    for (const auto& [term, count] : own) holding[term] += 1;
    counts.push_back(std::move(own));
  }
  const auto n = static_cast<double>(texts.size());
  std::vector<double> scores(texts.size(), 0.0);
  analyzer.analyze(query, [&](const Term& term) {
    const auto found = holding.find(term.text);
    if (found == holding.end()) return;
    const double weight = std::log(1 + (n - found->second + 0.5) / (found->second + 0.5));
    for (size_t i = 0; i < texts.size(); ++i) {
      const auto own = counts[i].find(term.text);
      if (own != counts[i].end()) scores[i] += weight * own->second * 2.2 / (own->second + 1.2);
    }
  });
  return scores;
}

std::vector<std::string> read_documents(const JsonFields& fields) {
  const ApiJson* rows = fields.find("documents");
  if (rows == nullptr || !rows->is_array() || rows->empty() || rows->size() > kMostJudged)
    fields.refuse("documents", "must be an array of 1 to 2048 texts");
  std::vector<std::string> texts;
  for (const ApiJson& row : *rows) {
    if (row.is_string()) {
      texts.push_back(row.get<std::string>());
    } else {
      texts.push_back(JsonFields(row, "documents[].").required_text("text"));
    }
  }
  return texts;
}

// By vectors with a model named, else by the server's cross-encoder, else by the terms that query
// and texts share (BM25 among them).
void rerank(Api& api, const std::shared_ptr<Exchange>& exchange) {
  const JsonFields fields(exchange->request().body);
  const std::string query = fields.required_text("query");
  const std::vector<std::string> texts = read_documents(fields);
  const auto most = static_cast<int64_t>(texts.size());
  const int64_t top = fields.whole("top_n", most, 1, INT32_MAX);
  const std::string name = fields.text("model");
  const bool crossed = api.reranker != nullptr && (name.empty() || name == "reranker");
  const std::vector<double> scores =
      crossed        ? api.reranker->score(query, texts, exchange->stop())
      : name.empty() ? score_by_terms(query, texts)
                     : score_by_vectors(*api.models->vectors(name), query, texts, exchange->stop());
  std::vector<size_t> order(texts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  order.resize(static_cast<size_t>(std::min(top, most)));
  ApiJson rows = ApiJson::array();
  for (const size_t i : order) {
    ApiJson row = {{"index", i}, {"relevance_score", scores[i]}};
    if (fields.flag("return_documents", false)) row["document"] = {{"text", texts[i]}};
    rows.push_back(std::move(row));
  }
  respond_json(*exchange, {{"model", crossed        ? "reranker"
                                     : name.empty() ? "bm25"
                                                    : name},
                           {"results", std::move(rows)}});
}

}  // namespace

void add_text_routes(Router& router, Api& api) {
  add_api_route(router, api, "POST", "/tokenize", tokenize);
  add_api_route(router, api, "POST", "/detokenize", detokenize);
  add_api_route(router, api, "POST", "/v1/embeddings", embeddings);
  add_api_route(router, api, "POST", "/v1/rerank", rerank);
}

}  // namespace onmal
