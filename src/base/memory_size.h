#pragma once

#include <cstdint>
#include <string>

namespace onmal {

struct MemorySize {
  int64_t total = 0;      // bytes that this program could ever have
  int64_t available = 0;  // bytes it can have now without pushing others out
};

// Of this machine, or of the control group or address-space limit that is narrower.
MemorySize memory_size();

// "1.50 GB" or "12 MB".
std::string describe_bytes(int64_t bytes);

// Throws Error(kResource) when `bytes` are more than what is available: "`where`: `what` needs …
// of memory, … are available; `hint`".
void require_memory(int64_t bytes, const std::string& where, const std::string& what,
                    const std::string& hint);

}  // namespace onmal
