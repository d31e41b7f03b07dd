#include "serve/api/resources.h"

#include <sys/resource.h>

#include <ctime>

#include "text/hangul.h"

namespace onmal {
namespace {

void put_cost(ApiJson& out, const RequestCost& cost) {
  out["prompt_tokens"] = cost.prompt_tokens;
  out["cached_tokens"] = cost.cached_tokens;
  out["completion_tokens"] = cost.completion_tokens;
  out["syllables"] = cost.syllables;
  out["prefill_seconds"] = cost.prefill_seconds;
  out["decode_seconds"] = cost.decode_seconds;
  out["retrieval_seconds"] = cost.retrieval_seconds;
  out["moderation_seconds"] = cost.moderation_seconds;
  if (cost.money) out["cost"] = {{"value", *cost.money}, {"currency", cost.currency}};
  if (cost.syllables == 0 || !(cost.decode_seconds > 0)) return;
  const auto syllables = static_cast<double>(cost.syllables);
  out["syllables_per_s"] = syllables / cost.decode_seconds;
  if (cost.joules) out["joules_per_syllable"] = *cost.joules / syllables;
}

ApiJson joules_json(const std::optional<double>& joules, const EnergyMeter& meter) {
  return {{"value", joules ? ApiJson(*joules) : ApiJson()},
          {"source", joules ? meter.source() : "unknown"}};
}

}  // namespace

void RequestCost::add(const GenerateResult& result) {
  prompt_tokens += result.prompt_tokens;
  cached_tokens += result.cached_tokens;
  completion_tokens += static_cast<int64_t>(result.ids.size());
  syllables += static_cast<int64_t>(count_hangul_syllables(result.text));
  prefill_seconds += result.prefill_seconds;
  decode_seconds += result.decode_seconds;
}

ResourceTotals::ResourceTotals() : since_(static_cast<int64_t>(std::time(nullptr))) {}

void ResourceTotals::add(const RequestCost& cost) {
  const std::lock_guard lock(mutex_);
  ++requests_;
  total_.prompt_tokens += cost.prompt_tokens;
  total_.cached_tokens += cost.cached_tokens;
  total_.completion_tokens += cost.completion_tokens;
  total_.syllables += cost.syllables;
  total_.prefill_seconds += cost.prefill_seconds;
  total_.decode_seconds += cost.decode_seconds;
  total_.retrieval_seconds += cost.retrieval_seconds;
  total_.moderation_seconds += cost.moderation_seconds;
  if (cost.joules) total_.joules = total_.joules.value_or(0) + *cost.joules;
  if (cost.money) total_.money = total_.money.value_or(0) + *cost.money;
  if (cost.money) total_.currency = cost.currency;
}

ApiJson ResourceTotals::json(const EnergyMeter& meter) const {
  const std::lock_guard lock(mutex_);
  ApiJson total = {{"requests", requests_}};
  put_cost(total, total_);
  total["joules"] = joules_json(total_.joules, meter);
  total["peak_memory_bytes"] = peak_memory_bytes();
  return {{"total", std::move(total)}, {"since", since_}};
}

ApiJson cost_json(const RequestCost& cost, const EnergyMeter& meter) {
  ApiJson out = ApiJson::object();
  put_cost(out, cost);
  out["joules"] = cost.joules ? ApiJson(*cost.joules) : ApiJson();
  out["joules_source"] = cost.joules ? meter.source() : "unknown";
  return out;
}

uint64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace onmal
