#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// Whether a request with this Host header ("name", "name:80", "[::1]:80") is meant for a server
// that listens at `address`: localhost and its addresses are, `address` itself (where that is all
// of the machine's, any address written in digits), and `names`, where "*" stands for every name. A
// page whose site lets its own name point to this machine (DNS rebinding) sends that name, and is
// not.
bool is_allowed_host(std::string_view host, std::string_view address,
                     const std::vector<std::string>& names);

}  // namespace onmal
