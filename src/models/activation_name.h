#pragma once

#include <string>
#include <string_view>

#include "ops/backend.h"

namespace onmal {

// By the names of Hugging Face's configurations. Throws Error(kUnsupported) naming the key and the
// names known.
Activation activation_of(std::string_view name, const std::string& where);
std::string_view activation_name(Activation activation);

}  // namespace onmal
