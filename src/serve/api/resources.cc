#include "serve/api/resources.h"

#include <sys/resource.h>

#include <ctime>
#include <fstream>

#include "text/hangul.h"

namespace onmal {
namespace {

constexpr const char* kPackage = "/sys/class/powercap/intel-rapl:0/";

std::optional<uint64_t> read_number(const std::string& file) {
  std::ifstream in(file);
  uint64_t value = 0;
  if (in >> value) return value;
  return std::nullopt;
}

void put_cost(ApiJson& out, const RequestCost& cost) {
  out["prompt_tokens"] = cost.prompt_tokens;
  out["cached_tokens"] = cost.cached_tokens;
  out["completion_tokens"] = cost.completion_tokens;
  out["syllables"] = cost.syllables;
  out["prefill_seconds"] = cost.prefill_seconds;
  out["decode_seconds"] = cost.decode_seconds;
  out["retrieval_seconds"] = cost.retrieval_seconds;
  out["moderation_seconds"] = cost.moderation_seconds;
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

EnergyMeter::EnergyMeter(double stated_watts) : stated_watts_(stated_watts) {
  const std::string counter = std::string(kPackage) + "energy_uj";
  if (!read_number(counter)) return;
  counter_ = counter;
  wraps_at_ = read_number(std::string(kPackage) + "max_energy_range_uj").value_or(0);
}

EnergyMeter::Mark EnergyMeter::mark() const {
  return {counter_.empty() ? 0 : read_number(counter_).value_or(0)};
}

std::optional<double> EnergyMeter::joules_since(const Mark& mark, double busy_seconds) const {
  if (!counter_.empty()) {
    const uint64_t now = read_number(counter_).value_or(mark.microjoules);
    const uint64_t turned = now >= mark.microjoules ? 0 : wraps_at_;
    return static_cast<double>(now + turned - mark.microjoules) * 1e-6;
  }
  if (stated_watts_ > 0) return stated_watts_ * busy_seconds;
  return std::nullopt;
}

std::string_view EnergyMeter::source() const {
  if (!counter_.empty()) return "measured";
  return stated_watts_ > 0 ? "estimated" : "unknown";
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
  if (cost.syllables > 0 && cost.decode_seconds > 0) {
    const auto syllables = static_cast<double>(cost.syllables);
    out["syllables_per_s"] = syllables / cost.decode_seconds;
    if (cost.joules) out["joules_per_syllable"] = *cost.joules / syllables;
  }
  return out;
}

uint64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace onmal
