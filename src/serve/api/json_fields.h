#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "serve/http/exchange.h"

namespace onmal {

// What is answered keeps the order in which it was put together.
using ApiJson = nlohmann::ordered_json;

// The fields of a request's JSON object, each asked for with its type. null counts as not given.
// What is wrong throws HttpError(400) that names the field.
class JsonFields {
 public:
  // Throws HttpError(400) for what is no JSON object, or nested beyond 64 levels.
  explicit JsonFields(std::string_view body);
  JsonFields(ApiJson object, std::string where);

  bool has(const char* name) const;
  // Null where it is not given.
  const ApiJson* find(const char* name) const;
  std::string text(const char* name, std::string fallback = {}) const;
  std::string required_text(const char* name) const;
  bool flag(const char* name, bool fallback) const;
  int64_t whole(const char* name, int64_t fallback, int64_t least, int64_t most) const;
  double number(const char* name, double fallback, double least, double most) const;
  // Of an array or a single text.
  std::vector<std::string> texts(const char* name, size_t most) const;
  const ApiJson& json() const { return object_; }

  [[noreturn]] void refuse(const std::string& name, const std::string& what) const;

 private:
  ApiJson object_;
  std::string where_;  // put before names: "messages[2]."
};

// A JSON text; bytes that are no UTF-8 are replaced.
std::string dump(const ApiJson& document);
void respond_json(Exchange& exchange, const ApiJson& document, int status = 200);

}  // namespace onmal
