#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "serve/api/resources.h"

namespace onmal {

// What a model's work costs, in one currency.
struct Prices {
  double prompt = 0;      // per million tokens that were not found in a cache
  double cached = 0;      // per million of those that were
  double completion = 0;  // per million tokens written
  double kwh = 0;         // per kilowatt-hour, where energy is known

  double of(const RequestCost& cost) const;
};

// The prices that an operator states:
//   currency = "KRW"
//   per_million_prompt_tokens = 150        # for every model
//   per_million_cached_tokens = 15
//   per_million_completion_tokens = 600
//   per_kwh = 180
//   [models.large]                         # for one, where they differ
//   per_million_completion_tokens = 1200
class PriceList {
 public:
  PriceList() = default;
  // Throws Error(kIo), Error(kInvalidArgument) naming the line.
  static PriceList read(const std::filesystem::path& file);
  static PriceList parse(std::string_view text, const std::string& where);

  bool empty() const { return currency_.empty(); }
  const Prices& of(std::string_view model) const;
  // Sets the request's cost; nothing where no prices are stated.
  void put(RequestCost& cost, std::string_view model) const;

 private:
  std::string currency_;
  Prices usual_;
  std::map<std::string, Prices, std::less<>> by_model_;
};

}  // namespace onmal
