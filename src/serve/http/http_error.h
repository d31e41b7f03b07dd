#pragma once

#include <exception>
#include <string>
#include <utility>

#include "base/error.h"
#include "serve/http/message.h"

namespace onmal {

// A request that ends with an error: what the client is told.
class HttpError : public std::exception {
 public:
  HttpError(int status, std::string message, std::string code = {}, std::string param = {})
      : status_(status),
        message_(std::move(message)),
        code_(std::move(code)),
        param_(std::move(param)) {}

  const char* what() const noexcept override { return message_.c_str(); }
  int status() const { return status_; }
  const std::string& code() const { return code_; }
  const std::string& param() const { return param_; }
  // Seconds that Retry-After asks to wait; 0: it is not sent.
  int retry_after = 0;

 private:
  int status_;
  std::string message_;
  std::string code_;
  std::string param_;
};

// {"error":{"message","type","code","param"}}, with invalid bytes replaced.
std::string error_json(const HttpError& error);
ServerResponse error_response(const HttpError& error);

// What a client may know of an error of the library: bad arguments and limits with their words (of
// paths the last part alone), everything else as "internal error".
HttpError to_http_error(const Error& error);

// The text with each absolute path cut to its last part.
std::string without_paths(std::string_view text);

}  // namespace onmal
