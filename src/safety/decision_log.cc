#include "safety/decision_log.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "base/digest.h"

namespace onmal {

std::string decision_line(std::string_view text, const ModerationResult& result, Place place,
                          int64_t unix_milliseconds, const DecisionLogOptions& options) {
  constexpr float kLeastScore = 0.01F;
  Sha256 digest;
  digest.add(std::as_bytes(std::span(options.salt)));
  digest.add(std::as_bytes(std::span(text)));
  nlohmann::ordered_json line{{"time_ms", unix_milliseconds},
                              {"place", place_name(place)},
                              {"action", action_name(result.action)},
                              {"sha256", digest.finish()},
                              {"bytes", text.size()}};
  line["scores"] = nlohmann::ordered_json::object();
  for (size_t i = 0; i < kCategoryCount; ++i) {
    if (result.scores[i] >= kLeastScore)
      line["scores"][std::string(category_name(category_at(i)))] =
          std::round(static_cast<double>(result.scores[i]) * 1e4) / 1e4;
  }
  line["spans"] = nlohmann::ordered_json::array();
  for (const ModerationSpan& span : result.spans)
    line["spans"].push_back({{"begin", span.begin},
                             {"end", span.end},
                             {"category", category_name(span.category)},
                             {"view", view_name(span.view)}});
  if (options.with_text) line["text"] = text;
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace onmal
