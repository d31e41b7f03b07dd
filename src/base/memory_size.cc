#include "base/memory_size.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <optional>

#include "base/error.h"

namespace onmal {
namespace {

// The first number of a small file of the kernel; none for "max" or where there is no such file.
std::optional<int64_t> read_number(const char* path) {
  std::ifstream file(path);
  int64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

// A line "Name:  123 kB" of /proc/meminfo, in bytes.
std::optional<int64_t> meminfo(const std::string& name) {
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::string rest;
  int64_t kilobytes = 0;
  while (file >> key >> kilobytes) {
    std::getline(file, rest);
    if (key == name) return kilobytes * 1024;
  }
  return std::nullopt;
}

void narrow(MemorySize& size, std::optional<int64_t> limit, std::optional<int64_t> used) {
  if (!limit || *limit <= 0) return;
  size.total = std::min(size.total, *limit);
  size.available = std::min(size.available, std::max<int64_t>(*limit - used.value_or(0), 0));
}

std::optional<int64_t> address_space_in_use() {
  const std::optional<int64_t> pages = read_number("/proc/self/statm");
  if (!pages) return std::nullopt;
  return *pages * sysconf(_SC_PAGESIZE);
}

}  // namespace

MemorySize memory_size() {
  constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max();
  MemorySize size;
  size.total = meminfo("MemTotal:").value_or(kUnknown);
  size.available = meminfo("MemAvailable:").value_or(size.total);
  // What a group uses counts cached files too, which go when memory is wanted.
  narrow(size, read_number("/sys/fs/cgroup/memory.max"), std::nullopt);
  narrow(size, read_number("/sys/fs/cgroup/memory/memory.limit_in_bytes"), std::nullopt);
  struct rlimit limit {};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    narrow(size, static_cast<int64_t>(limit.rlim_cur), address_space_in_use());
  }
  return size;
}

std::string describe_bytes(int64_t bytes) {
  char text[32];
  if (bytes >= 1'000'000'000) {
    std::snprintf(text, sizeof text, "%.2f GB", static_cast<double>(bytes) / 1e9);
  } else {
    std::snprintf(text, sizeof text, "%.0f MB", static_cast<double>(bytes) / 1e6);
  }
  return text;
}

void require_memory(int64_t bytes, const std::string& where, const std::string& what,
                    const std::string& hint) {
  const int64_t available = memory_size().available;
  if (bytes <= available) return;
  throw Error(ErrorCode::kResource, where,
              what + " needs " + describe_bytes(bytes) + " of memory, " +
                  describe_bytes(available) + " are available",
              hint);
}

}  // namespace onmal
