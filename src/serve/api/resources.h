#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "infer/generator.h"
#include "serve/api/json_fields.h"

namespace onmal {

// What a request took. Joules: of the processor's packages while it ran (all that ran then), or
// watts that the operator stated times the seconds; never the one passed off as the other.
struct RequestCost {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t syllables = 0;  // Hangul, of the answer
  double prefill_seconds = 0;
  double decode_seconds = 0;
  double retrieval_seconds = 0;
  double moderation_seconds = 0;
  std::optional<double> joules = {};

  void add(const GenerateResult& result);
};

// The energy counter of the machine (Linux powercap, RAPL), where it may be read.
class EnergyMeter {
 public:
  // `stated_watts`: what to reckon with where there is no counter; 0: nothing is known then.
  explicit EnergyMeter(double stated_watts);

  struct Mark {
    uint64_t microjoules = 0;
  };
  Mark mark() const;
  // Since the mark; `busy_seconds` for the estimate.
  std::optional<double> joules_since(const Mark& mark, double busy_seconds) const;
  std::string_view source() const;  // "measured", "estimated", "unknown"

 private:
  std::string counter_;  // its file; "": none
  uint64_t wraps_at_ = 0;
  double stated_watts_;
};

// Of all requests since the start. Thread-safe.
class ResourceTotals {
 public:
  ResourceTotals();
  void add(const RequestCost& cost);
  ApiJson json(const EnergyMeter& meter) const;

 private:
  mutable std::mutex mutex_;
  int64_t requests_ = 0;
  RequestCost total_;
  int64_t since_;  // seconds since 1970
};

// "resources" of one request.
ApiJson cost_json(const RequestCost& cost, const EnergyMeter& meter);
uint64_t peak_memory_bytes();

}  // namespace onmal
