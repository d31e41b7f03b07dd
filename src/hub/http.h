#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/function_ref.h"

namespace onmal {

struct HttpRequest {
  std::string url;
  bool head = false;  // ask for the headers alone
  std::map<std::string, std::string> headers;
  std::string token;  // "": none; sent to the host of `url` only
};

// One answer, after redirects.
struct HttpResponse {
  long status = 0;
  std::string url;                             // the last one
  std::map<std::string, std::string> headers;  // names in lower case
  // Headers of the first answer, where it was a redirect, for what the host of a large file says
  // of it before sending one elsewhere.
  std::map<std::string, std::string> first_headers;
  // Empty when the body came whole; else why not (the connection dropped …).
  std::string transport_error;

  std::string header(const std::string& name) const;
};

// Requests by libcurl, one after the other. Redirects are followed by hand, at most 10: the token
// goes to no other host, and from https never to http.
class HttpClient {
 public:
  // Called once the headers are there; false: do not take the body.
  using OnHeaders = FunctionRef<bool(const HttpResponse& response)>;
  using OnBody = FunctionRef<void(std::string_view bytes)>;

  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // What `on_body` throws comes out again. Throws Error(kCancelled) when stopped, kIo for a
  // redirect that is not followed; a connection that fails is reported in the response, with status
  // 0 where there were no headers.
  HttpResponse send(const HttpRequest& request, OnHeaders on_headers, OnBody on_body,
                    const std::stop_token& stop);
  // A body of at most `limit` bytes as text.
  HttpResponse fetch(const HttpRequest& request, std::string& body, size_t limit,
                     const std::stop_token& stop);

  // A path's characters that URLs do not hold, as %XX; '/' stays.
  static std::string escape_path(std::string_view path);

 private:
  struct Transfer;
  HttpResponse send_once(const HttpRequest& request, bool with_token, OnHeaders on_headers,
                         OnBody on_body, const std::stop_token& stop);

  struct Handle;
  std::unique_ptr<Handle> handle_;
};

}  // namespace onmal
