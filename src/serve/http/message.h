#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace onmal {

struct HttpHeader {
  std::string name;
  std::string value;
};

// What a caller may do, in rising order.
enum class Role : uint8_t { kAnyone, kUser, kAdmin };

struct Caller {
  std::string name;  // of its key; where no keys are asked for, its address
  std::string address;
  Role role = Role::kAnyone;
};

struct ServerRequest {
  uint64_t number = 0;  // counted by the server from 1
  std::string method;   // "GET", …
  std::string path;     // percent-decoded, valid UTF-8, without the query
  std::vector<std::pair<std::string, std::string>> query = {};
  std::vector<HttpHeader> headers = {};
  std::string body = {};
  std::vector<std::string> parts = {};  // of the path, where the route's pattern has {…}
  Caller client = {};

  // "" where there is none; names in any case.
  std::string_view header(std::string_view name) const;
  std::string_view query_value(std::string_view name) const;
};

struct ServerResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  std::vector<HttpHeader> headers = {};
};

// "Not Found" for 404.
std::string_view reason_phrase(int status);

}  // namespace onmal
