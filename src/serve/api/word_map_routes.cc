#include <cmath>
#include <map>
#include <optional>
#include <sstream>

#include "ops/embedding.h"
#include "serve/api/api.h"
#include "serve/api/embedded.h"
#include "words/projection.h"
#include "words/word_file.h"

namespace onmal {
namespace {

struct MapWord {
  std::string word, language;
};

// Lines "LANGUAGE WORD WORD …".
std::vector<MapWord> map_words() {
  std::vector<MapWord> words;
  std::istringstream lines{std::string(embedded_map_words())};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream parts(line);
    std::string language, word;
    parts >> language;
    while (parts >> word) words.push_back({word, language});
  }
  return words;
}

// Words that are shown and their vectors, a row a word.
struct MapRows {
  std::vector<MapWord> words;
  std::vector<float> values;
  int64_t dim = 0;

  // Of length 1, so that the picture shows directions.
  void add(const MapWord& word, std::span<const float> row) {
    double square = 0;
    for (const float value : row) square += static_cast<double>(value) * static_cast<double>(value);
    if (!(square > 0)) return;
    const auto factor = static_cast<float>(1 / std::sqrt(square));
    for (const float value : row) values.push_back(value * factor);
    words.push_back(word);
  }
};

MapRows rows_of_vectors(const std::filesystem::path& file) {
  const WordVectors vectors = read_word_vectors(file);
  MapRows rows;
  rows.dim = vectors.dim();
  for (const MapWord& word : map_words()) {
    if (const auto number = vectors.find(word.word)) {
      rows.add(word, {vectors.row(*number), static_cast<size_t>(vectors.dim())});
    }
  }
  return rows;
}

Tensor input_embeddings(Decoder& decoder) {
  std::optional<Tensor> table;
  decoder.visit([&](Param& param) {
    if (!table && param.kind == ParamKind::kEmbedding) table = param.value;
  });
  ONMAL_ASSERT(table.has_value());
  return *table;
}

// As the model knows the word best: at the beginning of a text or within one.
std::vector<int32_t> fewest_tokens(const Tokenizer& tokenizer, const std::string& word) {
  std::vector<int32_t> alone = tokenizer.encode(word);
  std::vector<int32_t> within = tokenizer.encode(" " + word);
  return !within.empty() && within.size() <= alone.size() ? within : alone;
}

// A word's row is the mean of its tokens' rows in the model's table.
MapRows rows_of_model(Api& api, const ChatModel& model) {
  const Tensor table = input_embeddings(*model.model.decoder);
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  const std::lock_guard lock(api.pool_mutex);
  Exec exec{api.pool, &memory, &backend};
  MapRows rows;
  rows.dim = model.model.decoder->config().dim;
  const auto dim = static_cast<size_t>(rows.dim);
  for (const MapWord& word : map_words()) {
    std::vector<int32_t> ids = fewest_tokens(*model.model.tokenizer, word.word);
    if (ids.empty()) continue;
    const auto count = static_cast<int64_t>(ids.size());
    const Tensor looked_up =
        embedding(exec, table, Tensor::borrowed(ids.data(), Shape{count}, DType::kI32));
    const auto* values = static_cast<const float*>(looked_up.data());
    std::vector<float> sum(dim, 0.0F);
    for (size_t i = 0; i < ids.size() * dim; ++i) sum[i % dim] += values[i];
    rows.add(word, sum);
  }
  return rows;
}

// Takes each language's mean off its words: what parts the languages would fill the picture.
void center_languages(MapRows& rows) {
  const auto dim = static_cast<size_t>(rows.dim);
  std::map<std::string, std::vector<float>> sums;
  std::map<std::string, float> counts;
  for (size_t i = 0; i < rows.words.size(); ++i) {
    std::vector<float>& sum = sums[rows.words[i].language];
    sum.resize(dim);
    for (size_t j = 0; j < dim; ++j) sum[j] += rows.values[i * dim + j];
    ++counts[rows.words[i].language];
  }
  for (size_t i = 0; i < rows.words.size(); ++i) {
    const std::string& language = rows.words[i].language;
    for (size_t j = 0; j < dim; ++j)
      rows.values[i * dim + j] -= sums[language][j] / counts[language];
  }
}

std::string draw(MapRows rows, const std::string& source) {
  if (rows.words.size() < 3)
    throw HttpError(404, "The vectors have none of the words of the map.", "not_found");
  center_languages(rows);
  const std::vector<Point> places = project_pca(rows.values, rows.dim);
  ApiJson points = ApiJson::array();
  for (size_t i = 0; i < places.size(); ++i) {
    points.push_back({{"word", rows.words[i].word},
                      {"x", places[i].x},
                      {"y", places[i].y},
                      {"language", rows.words[i].language}});
  }
  return dump({{"points", std::move(points)}, {"source", source}, {"method", "pca"}});
}

// Maps that were drawn, by model; "" is that of the word vectors.
struct DrawnMaps {
  std::mutex mutex;  // also while drawing
  std::map<std::string, std::string> documents;
};

void show_map(Api& api, DrawnMaps& maps, Exchange& exchange) {
  std::shared_ptr<ChatModel> model;
  const std::string wanted(exchange.request().query_value("model"));
  const bool of_vectors = wanted.empty() && !api.word_vectors.empty();
  if (!of_vectors) model = api.models->chat(wanted);
  const std::string name = model == nullptr ? "" : model->name;
  const std::lock_guard lock(maps.mutex);
  std::string& document = maps.documents[name];
  if (document.empty()) {
    document = of_vectors ? draw(rows_of_vectors(api.word_vectors), "vectors")
                          : draw(rows_of_model(api, *model), name);
  }
  ServerResponse response;
  response.body = document;
  exchange.respond(std::move(response));
}

}  // namespace

void add_word_map_routes(Router& router, Api& api) {
  const auto maps = std::make_shared<DrawnMaps>();
  router.add({"GET", "/api/words/map", [&api, maps](const std::shared_ptr<Exchange>& exchange) {
                show_map(api, *maps, *exchange);
              }});
}

}  // namespace onmal
