#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>

#include "serve/http/exchange.h"

namespace onmal {

struct RequestRecord {
  uint64_t number = 0;
  Caller client;
  std::string method;
  std::string route;    // its pattern, never what stands in the path
  int status = 0;       // 0: the client went before an answer
  bool broken = false;  // the client went, or the answer was broken off
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  double seconds = 0;
  RequestNotes notes;
};

// A JSON line for each request, appended to a file; no texts. Thread-safe. A line that cannot be
// written (full disk) is lost, the request is not.
class AuditLog {
 public:
  // Throws Error(kIo) when the file cannot be opened.
  explicit AuditLog(const std::filesystem::path& file);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  void write(const RequestRecord& record) noexcept;

 private:
  std::mutex mutex_;
  int descriptor_ = -1;
};

std::string audit_line(const RequestRecord& record, int64_t unix_ms);

}  // namespace onmal
