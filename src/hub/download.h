#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include "base/function_ref.h"
#include "hub/http.h"

namespace onmal {

// What is known of a file before it comes.
struct ExpectedFile {
  std::optional<uint64_t> bytes;
  std::string sha256;    // 64 hexadecimal digits in lower case; "": unknown
  std::string git_sha1;  // the id git gives to the content; "": unknown
};

struct DownloadOptions {
  std::string token;
  int most_retries = 5;           // in a row without a byte of progress
  int retry_milliseconds = 1000;  // before the first retry; doubles with each, up to a minute
};

struct DownloadedFile {
  std::filesystem::path path;
  std::string sha256;
  uint64_t bytes = 0;
  bool was_there = false;  // whole and right already
};

// Called as bytes come: how many of the file there are, and how many it will have (0: not said).
using DownloadProgress = FunctionRef<void(uint64_t bytes, uint64_t total)>;

// Fetches `url` to `target`. Bytes go to "TARGET.part"; when they are whole and their checksum is
// right, that is renamed. A part left by an earlier try is continued where the server can, from its
// beginning where it cannot or where the result turns out wrong. Failed connections, 429 and 5xx
// are tried again.
//
// Throws Error: kIo when the server refuses, the connection fails for good or the disk is full (the
// part stays for the next try), kBadFile when the bytes are not those expected (the part is
// removed), kCancelled when stopped.
DownloadedFile download_file(HttpClient& client, const std::string& url,
                             const std::filesystem::path& target, const ExpectedFile& expected,
                             const DownloadOptions& options, DownloadProgress progress,
                             const std::stop_token& stop);

// Throws Error(kIo) with what to do about an answer that is no success.
[[noreturn]] void refuse_status(const HttpResponse& response, bool has_token);
// Whether an answer is worth another try.
bool is_passing_failure(const HttpResponse& response);
// Waits before try number `attempt` (from 0), as long as the server asks for where it does; throws
// Error(kCancelled) when stopped.
void wait_to_retry(const HttpResponse& response, const DownloadOptions& options, int attempt,
                   const std::stop_token& stop);

}  // namespace onmal
