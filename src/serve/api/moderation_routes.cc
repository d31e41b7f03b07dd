#include <cmath>

#include "base/timer.h"
#include "serve/api/api.h"
#include "serve/api/moderation.h"

namespace onmal {
namespace {

constexpr size_t kMostTexts = 256;

double rounded(float score) { return std::round(static_cast<double>(score) * 1e4) / 1e4; }

ApiJson result_json(const ModerationResult& result) {
  ApiJson categories = ApiJson::object();
  ApiJson scores = ApiJson::object();
  for (size_t i = 0; i < kCategoryCount; ++i) {
    const std::string name(category_name(category_at(i)));
    categories[name] = result.actions[i] != Action::kAllow;
    scores[name] = rounded(result.scores[i]);
  }
  return {{"flagged", result.flagged},
          {"categories", std::move(categories)},
          {"category_scores", std::move(scores)},
          {"action", action_name(result.action)},
          {"spans", moderation_marks(result)}};
}

void moderate(Api& api, const std::shared_ptr<Exchange>& exchange) {
  if (api.moderator == nullptr)
    throw HttpError(501, "This server was started without moderation.", "no_moderation");
  const JsonFields fields(exchange->request().body);
  const std::vector<std::string> texts = fields.texts("input", kMostTexts);
  if (texts.empty()) fields.refuse("input", "must be a string or an array of strings");
  Place place = Place::kUserInput;
  if (fields.has("place")) {
    try {
      place = place_of(fields.text("place"), "place");
    } catch (const Error& error) {
      throw HttpError(400, error.what(), "invalid_value", "place");
    }
  }
  const Timer timer;
  ApiJson results = ApiJson::array();
  for (const std::string& text : texts)
    results.push_back(result_json(api.moderator->check(text, place)));
  RequestCost cost;
  cost.moderation_seconds = timer.seconds();
  api.totals.add(cost);
  respond_json(*exchange, {{"id", "modr-" + std::to_string(exchange->request().number)},
                           {"model", "onmal-moderation"},
                           {"results", std::move(results)}});
}

}  // namespace

ApiJson moderation_marks(const ModerationResult& result) {
  ApiJson marks = ApiJson::array();
  for (size_t i = 0; i < kCategoryCount; ++i) {
    if (result.actions[i] == Action::kAllow) continue;
    ApiJson spans = ApiJson::array();
    for (const ModerationSpan& span : result.spans) {
      if (category_index(span.category) == i) spans.push_back({span.begin, span.end});
    }
    marks.push_back({{"category", category_name(category_at(i))},
                     {"score", rounded(result.scores[i])},
                     {"action", action_name(result.actions[i])},
                     {"spans", std::move(spans)}});
  }
  return marks;
}

ModerationResult check_user_text(const Moderator& moderator, std::string_view text) {
  ModerationResult result = moderator.check(text, Place::kUserInput);
  if (result.action == Action::kBlock)
    throw HttpError(400, "The policy of this server does not let this text through.",
                    "content_filter");
  return result;
}

void add_moderation_routes(Router& router, Api& api) {
  add_api_route(router, api, "POST", "/v1/moderations", moderate);
}

}  // namespace onmal
