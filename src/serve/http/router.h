#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http/exchange.h"

namespace onmal {

using HttpHandler = std::function<void(const std::shared_ptr<Exchange>&)>;

struct Route {
  std::string method;
  std::string pattern;  // "/a/{b}": {b} is any one part of a path
  HttpHandler handle;
  Role least_role = Role::kUser;
  bool quick = false;       // runs on the thread that reads sockets: must not wait for anything
  uint64_t body_limit = 0;  // bytes; 0: the server's own
  // Another content type is refused: a page of another site may send forms and plain text without
  // asking, JSON not.
  bool json_body = false;
};

struct RouteMatch {
  const Route* route = nullptr;
  std::vector<std::string> parts;
  std::string allowed;  // methods of routes with this path, where none has the method: "GET, POST"
};

// Which handler answers what. HEAD is answered by GET's.
class Router {
 public:
  // Throws Error(kInvalidArgument) for a route that is there already.
  void add(Route route);
  RouteMatch find(std::string_view method, std::string_view path) const;
  const std::vector<std::unique_ptr<Route>>& routes() const { return routes_; }

 private:
  std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace onmal
