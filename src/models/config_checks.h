#pragma once

#include <string>

#include "base/error.h"

namespace onmal {

inline void require(bool condition, const std::string& where, const std::string& what) {
  if (!condition)
    throw Error(ErrorCode::kInvalidArgument, where, what, "check the model's configuration");
}

}  // namespace onmal
