#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "infer/generator.h"
#include "serve/api/energy_meter.h"
#include "serve/api/json_fields.h"

namespace onmal {

// What a request took.
struct RequestCost {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t syllables = 0;  // Hangul, of the answer
  double prefill_seconds = 0;
  double decode_seconds = 0;
  double retrieval_seconds = 0;
  double moderation_seconds = 0;
  std::optional<double> joules = {};  // see EnergyMeter
  std::optional<double> money = {};   // see PriceList
  std::string currency = {};

  void add(const GenerateResult& result);
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
