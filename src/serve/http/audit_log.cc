#include "serve/http/audit_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace onmal {

std::string audit_line(const RequestRecord& record, int64_t unix_ms) {
  using Json = nlohmann::ordered_json;
  Json line = {{"time_ms", unix_ms},
               {"request", record.number},
               {"client", record.client.name},
               {"address", record.client.address},
               {"method", record.method},
               {"route", record.route},
               {"status", record.status},
               {"bytes_in", record.bytes_in},
               {"bytes_out", record.bytes_out},
               {"seconds", record.seconds}};
  if (record.broken) line["broken_off"] = true;
  if (!record.notes.model.empty()) {
    line["model"] = record.notes.model;
    line["prompt_tokens"] = record.notes.prompt_tokens;
    line["completion_tokens"] = record.notes.completion_tokens;
  }
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

AuditLog::AuditLog(const std::filesystem::path& file)
    : descriptor_(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) {
  if (descriptor_ < 0)
    throw Error(ErrorCode::kIo, file.string(),
                std::string("cannot be opened: ") + std::strerror(errno),
                "choose a file that can be written");
}

AuditLog::~AuditLog() { ::close(descriptor_); }

void AuditLog::write(const RequestRecord& record) noexcept {
  try {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::string line =
        audit_line(record, std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    const std::lock_guard lock(mutex_);
    // One write of O_APPEND is one line, also beside another process.
    [[maybe_unused]] const ssize_t written = ::write(descriptor_, line.data(), line.size());
  } catch (const std::exception&) {
  }
}

}  // namespace onmal
