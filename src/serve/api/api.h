#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "knowledge/embedder.h"
#include "knowledge/reranker.h"
#include "knowledge/store/store.h"
#include "safety/moderator.h"
#include "serve/api/prices.h"
#include "serve/api/resources.h"
#include "serve/api/served_models.h"
#include "serve/http/metrics.h"
#include "serve/http/router.h"

namespace onmal {

// What the endpoints work with; outlives the server.
struct Api {
  // `stated_watts`: see EnergyMeter.
  Api(Metrics& the_metrics, double stated_watts) : meter(stated_watts), metrics(&the_metrics) {}

  ServedModels* models = nullptr;
  KnowledgeStore* store = nullptr;  // null: no documents
  Embedder* embedder = nullptr;     // of the store's vectors; null: none
  Reranker* reranker = nullptr;     // of what the store finds, and of /v1/rerank; null: none
  int64_t rerank_depth = 50;        // passages that it judges
  ThreadPool* pool = nullptr;       // for reading documents and asking; one use at a time:
  std::mutex pool_mutex;
  const Moderator* moderator = nullptr;  // of what users say and models answer; null: none
  ResourceTotals totals;
  EnergyMeter meter;
  PriceList prices;
  Metrics* metrics;
  std::filesystem::path upload_folder;  // of documents that clients send
  std::filesystem::path word_vectors;   // what the map of words is drawn of; "": a chat model
  std::string ask_model;  // that writes grounded answers; "": sentences of the documents do
  std::string version;
};

// Ends a request's use of energy, sets what it cost and adds it to the totals.
void settle(Api& api, RequestCost& cost, EnergyMeter::Use& energy, std::string_view model);

using ApiHandler = void (*)(Api&, const std::shared_ptr<Exchange>&);
// A POST takes JSON, or a form of at most `form_limit` bytes where that is not 0.
void add_api_route(Router& router, Api& api, const char* method, const char* path,
                   ApiHandler handle, uint64_t form_limit = 0);

// One function a file of endpoints.
void add_chat_routes(Router& router, Api& api);        // /v1/chat/completions, /v1/completions
void add_model_routes(Router& router, Api& api);       // /v1/models, /api/info, /api/resources
void add_text_routes(Router& router, Api& api);        // /tokenize, /detokenize, /v1/embeddings …
void add_look_routes(Router& router, Api& api);        // /api/attend, /api/next, /api/tokens
void add_word_map_routes(Router& router, Api& api);    // /api/words/map
void add_document_routes(Router& router, Api& api);    // /api/collections…
void add_ask_routes(Router& router, Api& api);         // /api/ask, /api/translate …
void add_moderation_routes(Router& router, Api& api);  // /v1/moderations
void add_responses_routes(Router& router, Api& api);   // /v1/responses
void add_health_routes(Router& router, Api& api);      // /healthz, /metrics, /openapi.json
void add_api_routes(Router& router, Api& api);         // all of them

}  // namespace onmal
