#include "formats/metadata.h"

#include <array>
#include <limits>
#include <optional>
#include <type_traits>

namespace onmal {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<MetadataValue>> kTypeNames = {
    "a boolean",  "an integer", "an integer", "a number", "a string",
    "boolean(s)", "integer(s)", "number(s)",  "string(s)"};

template <typename T>
concept IsArray = requires(const T& value) {
  value.front();
  requires !std::is_same_v<T, std::string>;
};

// The integer in `value`, when there is one that int64_t can hold.
std::optional<int64_t> as_int(const MetadataValue& value) {
  if (const int64_t* integer = std::get_if<int64_t>(&value)) return *integer;
  const uint64_t* large = std::get_if<uint64_t>(&value);
  if (large != nullptr && *large <= uint64_t{std::numeric_limits<int64_t>::max()}) {
    return static_cast<int64_t>(*large);
  }
  return std::nullopt;
}

bool is_empty_array(const MetadataValue& value) {
  return std::visit(
      [](const auto& held) {
        if constexpr (IsArray<std::remove_cvref_t<decltype(held)>>) return held.empty();
        return false;
      },
      value);
}

}  // namespace

std::string metadata_type_name(const MetadataValue& value) {
  const std::string name(kTypeNames[value.index()]);
  return std::visit(
      [&](const auto& held) {
        if constexpr (IsArray<std::remove_cvref_t<decltype(held)>>) {
          return "an array of " + std::to_string(held.size()) + " " + name;
        }
        return name;
      },
      value);
}

const MetadataValue* Metadata::find(std::string_view key) const {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &items_[found->second].second;
}

void Metadata::set(std::string key, MetadataValue value) {
  const auto [place, inserted] = index_.try_emplace(key, items_.size());
  if (inserted) {
    items_.emplace_back(std::move(key), std::move(value));
  } else {
    items_[place->second].second = std::move(value);
  }
}

void Metadata::add(std::string key, MetadataValue value) {
  if (!index_.try_emplace(key, items_.size()).second) {
    throw Error(ErrorCode::kBadFile, where_, "has the key '" + key + "' twice");
  }
  items_.emplace_back(std::move(key), std::move(value));
}

const MetadataValue& Metadata::require(std::string_view key, std::string_view expected) const {
  const MetadataValue* value = find(key);
  if (value == nullptr) {
    throw Error(ErrorCode::kBadFile, where_,
                "the key '" + std::string(key) + "' is missing; expected " + std::string(expected));
  }
  return *value;
}

void Metadata::fail_type(std::string_view key, const MetadataValue& found,
                         std::string_view expected) const {
  throw Error(ErrorCode::kBadFile, where_,
              "the key '" + std::string(key) + "' holds " + metadata_type_name(found) +
                  ", expected " + std::string(expected));
}

int64_t Metadata::get_int(std::string_view key) const {
  constexpr std::string_view kExpected = "an integer below 2^63";
  const MetadataValue& value = require(key, kExpected);
  const std::optional<int64_t> integer = as_int(value);
  if (!integer) fail_type(key, value, kExpected);
  return *integer;
}

int64_t Metadata::get_int(std::string_view key, int64_t fallback) const {
  return contains(key) ? get_int(key) : fallback;
}

double Metadata::get_float(std::string_view key) const {
  constexpr std::string_view kExpected = "a number";
  const MetadataValue& value = require(key, kExpected);
  if (const double* number = std::get_if<double>(&value)) return *number;
  if (const int64_t* integer = std::get_if<int64_t>(&value)) return static_cast<double>(*integer);
  if (const uint64_t* large = std::get_if<uint64_t>(&value)) return static_cast<double>(*large);
  fail_type(key, value, kExpected);
}

double Metadata::get_float(std::string_view key, double fallback) const {
  return contains(key) ? get_float(key) : fallback;
}

bool Metadata::get_bool(std::string_view key) const {
  constexpr std::string_view kExpected = "true or false";
  const MetadataValue& value = require(key, kExpected);
  if (const bool* flag = std::get_if<bool>(&value)) return *flag;
  fail_type(key, value, kExpected);
}

bool Metadata::get_bool(std::string_view key, bool fallback) const {
  return contains(key) ? get_bool(key) : fallback;
}

const std::string& Metadata::get_string(std::string_view key) const {
  constexpr std::string_view kExpected = "a string";
  const MetadataValue& value = require(key, kExpected);
  if (const std::string* text = std::get_if<std::string>(&value)) return *text;
  fail_type(key, value, kExpected);
}

std::string Metadata::get_string(std::string_view key, std::string_view fallback) const {
  return contains(key) ? get_string(key) : std::string(fallback);
}

std::span<const int64_t> Metadata::get_ints(std::string_view key) const {
  constexpr std::string_view kExpected = "integers";
  const MetadataValue& value = require(key, kExpected);
  if (const auto* array = std::get_if<std::vector<int64_t>>(&value)) return *array;
  if (const int64_t* integer = std::get_if<int64_t>(&value)) return {integer, 1};
  if (is_empty_array(value)) return {};
  fail_type(key, value, kExpected);
}

std::span<const std::string> Metadata::get_strings(std::string_view key) const {
  constexpr std::string_view kExpected = "strings";
  const MetadataValue& value = require(key, kExpected);
  if (const auto* array = std::get_if<std::vector<std::string>>(&value)) return *array;
  if (const std::string* text = std::get_if<std::string>(&value)) return {text, 1};
  if (is_empty_array(value)) return {};
  fail_type(key, value, kExpected);
}

std::vector<double> Metadata::get_floats(std::string_view key) const {
  constexpr std::string_view kExpected = "numbers";
  const MetadataValue& value = require(key, kExpected);
  if (const auto* array = std::get_if<std::vector<double>>(&value)) return *array;
  if (const auto* integers = std::get_if<std::vector<int64_t>>(&value)) {
    return {integers->begin(), integers->end()};
  }
  if (is_empty_array(value)) return {};
  if (!std::holds_alternative<double>(value) && !as_int(value)) fail_type(key, value, kExpected);
  return {get_float(key)};
}

}  // namespace onmal
