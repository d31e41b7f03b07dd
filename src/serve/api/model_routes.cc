#include "serve/api/api.h"

namespace onmal {
namespace {

ApiJson model_json(const ServedModels::Listed& model) {
  ApiJson row = {{"id", model.name},
                 {"object", "model"},
                 {"created", 0},
                 {"owned_by", "onmal"},
                 {"kind", served_kind_name(model.kind)},
                 {"state", served_state_name(model.state)},
                 {"loaded", model.state == ServedModels::State::kLoaded},
                 {"bytes", model.bytes}};
  if (!model.base.empty()) row["parent"] = model.base;
  return row;
}

void list_models(Api& api, const std::shared_ptr<Exchange>& exchange) {
  ApiJson rows = ApiJson::array();
  for (const auto& model : api.models->list()) rows.push_back(model_json(model));
  respond_json(*exchange, {{"object", "list"}, {"data", std::move(rows)}});
}

void show_model(Api& api, const std::shared_ptr<Exchange>& exchange) {
  const std::string& name = exchange->request().parts[0];
  const auto models = api.models->list();
  for (const auto& model : models) {
    if (model.name == name) return respond_json(*exchange, model_json(model));
  }
  for (const auto& model : models) {
    if (model.short_name == name) return respond_json(*exchange, model_json(model));
  }
  throw HttpError(404, "The model '" + name + "' does not exist.", "model_not_found", "model");
}

void info(Api& api, const std::shared_ptr<Exchange>& exchange) {
  ApiJson models = ApiJson::array();
  for (const auto& model : api.models->list()) {
    ApiJson row = {{"id", model.name}, {"kind", served_kind_name(model.kind)}};
    if (model.context > 0) row["context"] = model.context;
    models.push_back(std::move(row));
  }
  respond_json(*exchange, {{"name", "Onmal"},
                           {"version", api.version},
                           {"models", std::move(models)},
                           {"features",
                            {{"knowledge", api.store != nullptr},
                             {"moderation", api.moderator != nullptr},
                             {"attention", true}}},
                           {"language", "ko"}});
}

}  // namespace

void settle(Api& api, RequestCost& cost, EnergyMeter::Use& energy, std::string_view model) {
  cost.joules = energy.joules();
  api.prices.put(cost, model);
  api.totals.add(cost);
}

void add_api_route(Router& router, Api& api, const char* method, const char* path,
                   ApiHandler handle, uint64_t form_limit) {
  Route route{method, path,
              [&api, handle](const std::shared_ptr<Exchange>& exchange) { handle(api, exchange); }};
  route.body_limit = form_limit;
  route.json_body = route.method == "POST" && form_limit == 0;
  router.add(std::move(route));
}

void add_model_routes(Router& router, Api& api) {
  add_api_route(router, api, "GET", "/v1/models", list_models);
  add_api_route(router, api, "GET", "/v1/models/{model}", show_model);
  add_api_route(router, api, "GET", "/api/info", info);
  router.add({"GET", "/api/resources", [&api](const std::shared_ptr<Exchange>& exchange) {
                respond_json(*exchange, api.totals.json(api.meter));
              }});
}

void add_health_routes(Router& router, Api& api) {
  router.add({"GET", "/healthz",
              [](const std::shared_ptr<Exchange>& exchange) {
                respond_json(*exchange, {{"status", "ok"}});
              },
              Role::kAnyone, true});
  router.add({"GET", "/metrics",
              [&api](const std::shared_ptr<Exchange>& exchange) {
                ServerResponse response;
                response.content_type = "text/plain; version=0.0.4; charset=utf-8";
                response.body = api.metrics->text();
                exchange->respond(std::move(response));
              },
              Role::kUser, true});
}

void add_api_routes(Router& router, Api& api) {
  add_health_routes(router, api);
  add_model_routes(router, api);
  add_chat_routes(router, api);
  add_text_routes(router, api);
  add_look_routes(router, api);
  add_word_map_routes(router, api);
  add_document_routes(router, api);
  add_ask_routes(router, api);
  add_moderation_routes(router, api);
  add_responses_routes(router, api);
}

}  // namespace onmal
