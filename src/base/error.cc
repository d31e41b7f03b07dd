#include "base/error.h"

#include <cstdio>
#include <cstdlib>

namespace onmal {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, expression);
  std::abort();
}

}  // namespace onmal
