#include "hub/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <exception>

#include "base/ascii.h"
#include "base/error.h"

namespace onmal {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return "";
  std::string result(text);
  curl_free(text);
  return result;
}

struct Address {
  std::string scheme;
  std::string host;
  std::string port;
  bool operator==(const Address&) const = default;
};

Address address_of(const std::string& url) {
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
  return {part(parsed.get(), CURLUPART_SCHEME), lower_ascii(part(parsed.get(), CURLUPART_HOST)),
          part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT)};
}

// Where a redirect leads, relative to where it came from; "" for nonsense.
std::string resolve(const std::string& base, const std::string& location) {
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  if (curl_url_set(parsed.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK ||
      curl_url_set(parsed.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK) {
    return "";
  }
  return part(parsed.get(), CURLUPART_URL);
}

bool is_redirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

struct HttpClient::Handle {
  Handle() {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    easy = curl_easy_init();
    if (easy == nullptr) throw Error(ErrorCode::kResource, "http", "libcurl cannot be started");
  }
  ~Handle() {
    curl_easy_cleanup(easy);
    curl_global_cleanup();
  }
  CURL* easy = nullptr;
};

// What libcurl's callbacks work on.
struct HttpClient::Transfer {
  HttpResponse response;
  OnHeaders on_headers;
  OnBody on_body;
  const std::stop_token& stop;
  CURL* easy;
  bool asked = false;
  bool wanted = false;
  std::exception_ptr thrown;

  // Headers are known when the body begins, or the transfer ends.
  bool want_body() {
    if (asked) return wanted;
    asked = true;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &response.status);
    return wanted = !is_redirect(response.status) && on_headers(response);
  }

  static size_t take_header(char* data, size_t size, size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const std::string_view line(data, size * count);
    constexpr size_t kMostHeaders = 200;
    const size_t colon = line.find(':');
    if (line.starts_with("HTTP/")) {
      transfer.response.headers.clear();  // of an interim answer
    } else if (colon != std::string_view::npos && transfer.response.headers.size() < kMostHeaders) {
      transfer.response.headers[lower_ascii(trim_ascii(line.substr(0, colon)))] =
          trim_ascii(line.substr(colon + 1));
    }
    return line.size();
  }

  static size_t take_body(char* data, size_t size, size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
      if (!transfer.want_body()) return is_redirect(transfer.response.status) ? size * count : 0;
      transfer.on_body({data, size * count});
    } catch (...) {
      transfer.thrown = std::current_exception();
      return 0;
    }
    return size * count;
  }

  static int keep_going(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Transfer*>(self)->stop.stop_requested() ? 1 : 0;
  }
};

std::string HttpResponse::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

HttpClient::HttpClient() : handle_(std::make_unique<Handle>()) {}
HttpClient::~HttpClient() = default;

HttpResponse HttpClient::send(const HttpRequest& request, OnHeaders on_headers, OnBody on_body,
                              const std::stop_token& stop) {
  constexpr int kMostRedirects = 10;
  HttpRequest next = request;
  const Address home = address_of(request.url);
  std::map<std::string, std::string> first;
  for (int hop = 0; hop <= kMostRedirects; ++hop) {
    HttpResponse response =
        send_once(next, address_of(next.url) == home, on_headers, on_body, stop);
    response.url = next.url;
    if (hop == 0) first = response.headers;
    response.first_headers = first;
    if (!is_redirect(response.status)) return response;
    const std::string target = resolve(next.url, response.header("location"));
    const Address address = address_of(target);
    if (address.host.empty() || (address.scheme != "https" && address.scheme != "http")) {
      throw Error(ErrorCode::kIo, next.url, "redirects to nowhere");
    }
    if (home.scheme == "https" && address.scheme != "https") {
      throw Error(ErrorCode::kIo, next.url, "redirects from https to http", "it was not followed");
    }
    next.url = target;
  }
  throw Error(ErrorCode::kIo, request.url, "redirects more than 10 times");
}

HttpResponse HttpClient::send_once(const HttpRequest& request, bool with_token,
                                   OnHeaders on_headers, OnBody on_body,
                                   const std::stop_token& stop) {
  constexpr long kConnectSeconds = 30;
  constexpr long kSilentSeconds = 60;  // without a byte: the connection counts as dropped
  CURL* easy = handle_->easy;
  curl_easy_reset(easy);  // keeps connections
  Transfer transfer{{}, on_headers, on_body, stop, easy, false, false, nullptr};
  std::unique_ptr<curl_slist, FreeList> headers;
  const auto add = [&](const std::string& line) {
    curl_slist* list = curl_slist_append(headers.get(), line.c_str());
    if (list != nullptr) {
      static_cast<void>(headers.release());
      headers.reset(list);
    }
  };
  for (const auto& [name, value] : request.headers) add(name + ": " + value);
  if (with_token && !request.token.empty()) add("Authorization: Bearer " + request.token);
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOBODY, request.head ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "onmal");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, kSilentSeconds);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, Transfer::take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, Transfer::take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, Transfer::keep_going);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &transfer);
  const CURLcode code = curl_easy_perform(easy);
  if (transfer.thrown) std::rethrow_exception(transfer.thrown);
  if (code == CURLE_ABORTED_BY_CALLBACK || stop.stop_requested()) {
    throw Error(ErrorCode::kCancelled, request.url, "stopped");
  }
  const bool refused_body = code == CURLE_WRITE_ERROR && transfer.asked && !transfer.wanted;
  if (code != CURLE_OK && !refused_body)
    transfer.response.transport_error = curl_easy_strerror(code);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &transfer.response.status);
  // An answer without a body has not asked yet.
  if (code == CURLE_OK) transfer.want_body();
  return std::move(transfer.response);
}

HttpResponse HttpClient::fetch(const HttpRequest& request, std::string& body, size_t limit,
                               const std::stop_token& stop) {
  return send(
      request,
      [&](const HttpResponse&) {
        body.clear();
        return true;
      },
      [&](std::string_view bytes) {
        if (body.size() + bytes.size() > limit) {
          throw Error(ErrorCode::kResource, request.url,
                      "answers with more than " + std::to_string(limit) + " bytes");
        }
        body += bytes;
      },
      stop);
}

std::string HttpClient::escape_path(std::string_view path) {
  constexpr std::string_view kPlain = "-._~/";
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string result;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       kPlain.find(c) != std::string_view::npos;
    if (plain) {
      result += c;
    } else {
      result += '%';
      result += kDigits[byte >> 4];
      result += kDigits[byte & 15];
    }
  }
  return result;
}

}  // namespace onmal
