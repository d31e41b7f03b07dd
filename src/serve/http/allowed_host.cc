#include "serve/http/allowed_host.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "serve/http/url.h"

namespace onmal {
namespace {

namespace ip = boost::asio::ip;

bool is_port(std::string_view text) {
  return text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The name without brackets, port and the root's dot; "" for what is none.
std::string_view name_of(std::string_view host) {
  const size_t bracket = host.starts_with('[') ? host.find(']') : 0;
  if (bracket == std::string_view::npos) return {};
  const size_t end = std::min(bracket > 0 ? bracket + 1 : host.find(':'), host.size());
  const std::string_view rest = host.substr(end);
  if (!rest.empty() && (rest[0] != ':' || !is_port(rest.substr(1)))) return {};
  std::string_view name = bracket > 0 ? host.substr(1, bracket - 1) : host.substr(0, end);
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

}  // namespace

bool is_allowed_host(std::string_view host, std::string_view address,
                     const std::vector<std::string>& names) {
  const std::string_view name = name_of(host);
  if (name.empty()) return false;
  const auto is = [&](std::string_view other) { return equal_ignoring_case(name, other); };
  if (is("localhost") || is("127.0.0.1") || is("::1") || is(address)) return true;
  boost::system::error_code no_address, ignored;
  ip::make_address(std::string(name), no_address);
  if (!no_address && ip::make_address(std::string(address), ignored).is_unspecified()) return true;
  return std::any_of(names.begin(), names.end(), [&](const std::string& one) {
    return one == "*" || equal_ignoring_case(name, name_of(one));
  });
}

}  // namespace onmal
