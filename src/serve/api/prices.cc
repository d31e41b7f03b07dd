#include "serve/api/prices.h"

#include <toml++/toml.h>

#include <cmath>

#include "base/error.h"
#include "base/file.h"

namespace onmal {
namespace {

constexpr uint64_t kMostFileBytes = uint64_t{1} << 20;
constexpr double kJoulesPerKwh = 3.6e6;

class PriceReader {
 public:
  explicit PriceReader(std::string where) : where_(std::move(where)) {}

  // False for a key that is no price.
  bool read(std::string_view key, const toml::node& node, Prices& prices) const {
    double* price = nullptr;
    if (key == "per_million_prompt_tokens") price = &prices.prompt;
    if (key == "per_million_cached_tokens") price = &prices.cached;
    if (key == "per_million_completion_tokens") price = &prices.completion;
    if (key == "per_kwh") price = &prices.kwh;
    if (price == nullptr) return false;
    *price = node.value<double>().value_or(-1.0);
    if (!node.is_number() || !(*price >= 0) || !std::isfinite(*price))
      refuse(node, std::string(key) + " must be a number of 0 or more");
    return true;
  }

  [[noreturn]] void refuse(const toml::node& node, const std::string& what) const {
    throw Error(ErrorCode::kInvalidArgument,
                where_ + ":" + std::to_string(node.source().begin.line), what,
                "keys are currency, per_million_prompt_tokens, per_million_cached_tokens, "
                "per_million_completion_tokens, per_kwh, and [models.NAME] with the same prices");
  }

 private:
  std::string where_;
};

}  // namespace

double Prices::of(const RequestCost& cost) const {
  const auto fresh = static_cast<double>(cost.prompt_tokens - cost.cached_tokens);
  const double tokens = fresh * prompt + static_cast<double>(cost.cached_tokens) * cached +
                        static_cast<double>(cost.completion_tokens) * completion;
  return tokens * 1e-6 + cost.joules.value_or(0) / kJoulesPerKwh * kwh;
}

PriceList PriceList::read(const std::filesystem::path& file) {
  return parse(read_file(file, kMostFileBytes), file.string());
}

PriceList PriceList::parse(std::string_view text, const std::string& where) {
  const PriceReader reader(where);
  PriceList list;
  toml::table file;
  try {
    file = toml::parse(text, where);
  } catch (const toml::parse_error& error) {
    throw Error(ErrorCode::kInvalidArgument,
                where + ":" + std::to_string(error.source().begin.line),
                std::string(error.description()), "a price list is TOML");
  }
  list.currency_ = file["currency"].value_or(std::string());
  if (list.currency_.empty() || list.currency_.size() > 16)
    reader.refuse(file, "currency must be a short name, such as \"KRW\"");
  for (const auto& [key, node] : file) {
    if (key == "currency" || key == "models" || reader.read(key.str(), node, list.usual_)) continue;
    reader.refuse(node, std::string(key.str()) + " is no price");
  }
  const toml::node* models = file.get("models");
  if (models == nullptr) return list;
  if (!models->is_table()) reader.refuse(*models, "models must be tables: [models.NAME]");
  for (const auto& [name, node] : *models->as_table()) {
    const toml::table* table = node.as_table();
    if (table == nullptr) reader.refuse(node, "a model's prices must be a table");
    Prices prices = list.usual_;
    for (const auto& [key, price] : *table) {
      if (!reader.read(key.str(), price, prices))
        reader.refuse(price, std::string(key.str()) + " is no price");
    }
    list.by_model_.emplace(std::string(name.str()), prices);
  }
  return list;
}

const Prices& PriceList::of(std::string_view model) const {
  const auto found = by_model_.find(model);
  return found == by_model_.end() ? usual_ : found->second;
}

void PriceList::put(RequestCost& cost, std::string_view model) const {
  if (empty()) return;
  cost.money = of(model).of(cost);
  cost.currency = currency_;
}

}  // namespace onmal
