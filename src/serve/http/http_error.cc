#include "serve/http/http_error.h"

#include <nlohmann/json.hpp>
#include <string_view>

namespace onmal {
namespace {

using Json = nlohmann::ordered_json;

std::string_view type_of(int status) {
  if (status == 401 || status == 403) return "authentication_error";
  if (status == 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

bool begins_path(std::string_view text, size_t at) {
  if (text[at] != '/' || at + 1 >= text.size() || text[at + 1] == ' ' || text[at + 1] == '/')
    return false;
  if (at == 0) return true;
  const char before = text[at - 1];
  return before == ' ' || before == '\'' || before == '"' || before == '(' || before == '=' ||
         before == ':';
}

}  // namespace

std::string error_json(const HttpError& error) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  const Json document = {{"error",
                          {{"message", error.what()},
                           {"type", type_of(error.status())},
                           {"code", or_null(error.code())},
                           {"param", or_null(error.param())}}}};
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ServerResponse error_response(const HttpError& error) {
  ServerResponse response;
  response.status = error.status();
  response.body = error_json(error);
  if (error.retry_after > 0)
    response.headers.push_back({"Retry-After", std::to_string(error.retry_after)});
  if (error.status() == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

std::string without_paths(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (!begins_path(text, i)) {
      out += text[i++];
      continue;
    }
    size_t end = i;
    while (end < text.size() &&
           std::string_view(" :;,'\"()\n").find(text[end]) == std::string::npos)
      ++end;
    const std::string_view path = text.substr(i, end - i);
    out += path.substr(path.rfind('/') + 1);
    i = end;
  }
  return out;
}

HttpError to_http_error(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kInvalidArgument:
      return {400, without_paths(error.what()), "invalid_value"};
    case ErrorCode::kUnsupported:
      return {400, without_paths(error.what()), "unsupported"};
    case ErrorCode::kResource:
      return {413, without_paths(error.what()), "too_large"};
    case ErrorCode::kCancelled:
      return {503, "The request was cancelled.", "cancelled"};
    default:
      return {500, "Internal error; the server's log says more.", "internal_error"};
  }
}

}  // namespace onmal
