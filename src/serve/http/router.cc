#include "serve/http/router.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"

namespace onmal {
namespace {

// The open parts of a path that has the pattern; nullopt for another path.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
  std::vector<std::string> parts;
  while (true) {
    const size_t pattern_end = std::min(pattern.find('/', 1), pattern.size());
    const size_t path_end = std::min(path.find('/', 1), path.size());
    const std::string_view wanted = pattern.substr(0, pattern_end);
    const std::string_view part = path.substr(0, path_end);
    if (wanted.starts_with("/{") && wanted.ends_with('}')) {
      if (part.size() < 2) return std::nullopt;
      parts.emplace_back(part.substr(1));
    } else if (wanted != part) {
      return std::nullopt;
    }
    pattern.remove_prefix(pattern_end);
    path.remove_prefix(path_end);
    if (pattern.empty() && path.empty()) return parts;
    if (pattern.empty() || path.empty()) return std::nullopt;
  }
}

}  // namespace

void Router::add(Route route) {
  for (const auto& other : routes_) {
    if (other->method == route.method && other->pattern == route.pattern)
      throw Error(ErrorCode::kInvalidArgument, route.pattern, "is a route already");
  }
  routes_.push_back(std::make_unique<Route>(std::move(route)));
}

RouteMatch Router::find(std::string_view method, std::string_view path) const {
  RouteMatch result;
  for (const auto& route : routes_) {
    auto parts = match(route->pattern, path);
    if (!parts) continue;
    if (route->method == method || (method == "HEAD" && route->method == "GET"))
      return {route.get(), std::move(*parts), ""};
    result.allowed += (result.allowed.empty() ? "" : ", ") + route->method;
  }
  return result;
}

}  // namespace onmal
