#include "hub/download.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>

#include "base/error.h"
#include "hub/part_file.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "bytes 100-199/200": where an answer begins and how long the whole is.
struct ContentRange {
  std::optional<uint64_t> begin;
  std::optional<uint64_t> total;
};

ContentRange parse_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  ContentRange range;
  if (!text.starts_with(kUnit)) return range;
  text.remove_prefix(kUnit.size());
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return range;
  range.total = parse_number(text.substr(slash + 1));
  range.begin = parse_number(text.substr(0, std::min(text.find('-'), slash)));
  return range;
}

// One file on its way.
class Download {
 public:
  Download(HttpClient& client, const std::string& url, const fs::path& target,
           const ExpectedFile& expected, const DownloadOptions& options, DownloadProgress progress,
           const std::stop_token& stop)
      : client_(client),
        url_(url),
        target_(target),
        expected_(expected),
        options_(options),
        progress_(progress),
        stop_(stop),
        total_(expected.bytes),
        part_(target) {}

  DownloadedFile run() {
    // A part that cannot be checked in the end might be of another version.
    bool continued = part_.size() > 0;
    const bool checked = !expected_.sha256.empty() || !expected_.git_sha1.empty();
    if (continued && (!checked || (total_ && part_.size() > *total_))) {
      part_.clear();
      continued = false;
    }
    check_room();
    fetch();
    DownloadedFile file = check();
    if (file.sha256.empty() && continued && !started_over_) {
      part_.clear();
      fetch();
      file = check();
    }
    if (file.sha256.empty()) {
      part_.discard();
      throw Error(ErrorCode::kBadFile, url_, problem_,
                  "it was removed; try again, or tell who keeps the file");
    }
    part_.commit();
    return file;
  }

 private:
  void check_room() const {
    std::error_code error;
    const fs::path folder = target_.has_parent_path() ? target_.parent_path() : fs::path(".");
    const fs::space_info space = fs::space(folder, error);
    if (error || !total_ || *total_ <= part_.size() || space.available >= *total_ - part_.size())
      return;
    throw Error(ErrorCode::kIo, target_.string(),
                "needs " + std::to_string(*total_ - part_.size()) + " bytes more, the disk has " +
                    std::to_string(space.available),
                "free space or choose another place with -o");
  }

  // Until the part is whole.
  void fetch() {
    int attempt = 0;
    while (!total_ || part_.size() < *total_ || (part_.size() == 0 && !answered_)) {
      const uint64_t before = part_.size();
      const HttpResponse response = try_once();
      if (response.transport_error.empty() && (response.status == 200 || response.status == 206) &&
          (!total_ || part_.size() >= *total_)) {
        return;
      }
      if (response.status == 416 && part_.size() > 0) {
        // The part is not a beginning of what the server has.
        if (started_over_) refuse_status(response, !options_.token.empty());
        start_over();
        continue;
      }
      const bool cut_off = response.status == 200 || response.status == 206;
      if (!cut_off && !is_passing_failure(response))
        refuse_status(response, !options_.token.empty());
      if (part_.size() > before) attempt = 0;
      if (attempt >= options_.most_retries) give_up(response);
      wait_to_retry(response, options_, attempt++, stop_);
    }
  }

  [[noreturn]] void give_up(const HttpResponse& response) const {
    const std::string why = !response.transport_error.empty() ? response.transport_error
                            : response.status >= 300
                                ? "the server answers " + std::to_string(response.status)
                                : "the connection ends early";
    throw Error(
        ErrorCode::kIo, url_,
        why + ", after " + std::to_string(options_.most_retries + 1) + " tries without progress",
        "run the same command again to go on from " + std::to_string(part_.size()) + " bytes");
  }

  void start_over() {
    part_.clear();
    started_over_ = true;
  }

  HttpResponse try_once() {
    HttpRequest request;
    request.url = url_;
    request.token = options_.token;
    request.headers["Accept-Encoding"] = "identity";
    if (part_.size() > 0) {
      request.headers["Range"] = "bytes=" + std::to_string(part_.size()) + "-";
      if (!etag_.empty()) request.headers["If-Range"] = etag_;
    }
    return client_.send(
        request, [&](const HttpResponse& response) { return accept(response); },
        [&](std::string_view bytes) { take(bytes); }, stop_);
  }

  // What the headers say of the body: whether it is wanted.
  bool accept(const HttpResponse& response) {
    if (response.status != 200 && response.status != 206) return false;
    answered_ = true;
    std::optional<uint64_t> total = parse_number(response.header("content-length"));
    if (response.status == 206) {
      const ContentRange range = parse_range(response.header("content-range"));
      if (range.begin != part_.size()) {
        throw Error(ErrorCode::kIo, url_, "the server sends another part than the one asked for");
      }
      total = range.total;
    } else if (part_.size() > 0) {
      start_over();  // the server sends all of it
    }
    // Weak tags ("W/…") do not promise equal bytes.
    const std::string tag = response.header("etag");
    if (tag.starts_with('"')) etag_ = tag;
    if (total && total_ && *total != *total_) {
      throw Error(
          ErrorCode::kBadFile, url_,
          "is " + std::to_string(*total) + " bytes, " + std::to_string(*total_) + " were expected",
          "the file changed meanwhile; try again");
    }
    if (total) total_ = total;
    return true;
  }

  void take(std::string_view bytes) {
    if (total_ && part_.size() + bytes.size() > *total_) {
      throw Error(ErrorCode::kBadFile, url_,
                  "the server sends more than the " + std::to_string(*total_) + " bytes it said");
    }
    part_.append(bytes);
    progress_(part_.size(), total_.value_or(0));
  }

  // The file as it is to be reported; no sha256 when it is wrong.
  DownloadedFile check() {
    DownloadedFile file{target_, "", part_.size(), false};
    std::string git_sha1 = expected_.git_sha1;
    part_.finish_digests(file.sha256, git_sha1);
    if (!expected_.sha256.empty() && file.sha256 != expected_.sha256) {
      problem_ = "has the sha256 " + file.sha256 + ", expected " + expected_.sha256;
    } else if (git_sha1 != expected_.git_sha1) {
      problem_ = "has the git id " + git_sha1 + ", expected " + expected_.git_sha1;
    } else {
      return file;
    }
    file.sha256.clear();
    return file;
  }

  HttpClient& client_;
  const std::string& url_;
  const fs::path& target_;
  const ExpectedFile& expected_;
  const DownloadOptions& options_;
  DownloadProgress progress_;
  const std::stop_token& stop_;
  std::optional<uint64_t> total_;
  PartFile part_;
  std::string etag_;
  std::string problem_;
  bool answered_ = false;
  bool started_over_ = false;
};

}  // namespace

void refuse_status(const HttpResponse& response, bool has_token) {
  std::string what = "the server answers " + std::to_string(response.status);
  std::string hint;
  if (!response.transport_error.empty()) {
    what = response.transport_error;
    hint = "check the connection and HF_ENDPOINT";
  } else if (response.status == 401 || response.status == 403) {
    what += ": this needs permission";
    hint = has_token ? "the token in HF_TOKEN may not read it: ask for access on the model's page"
                     : "set HF_TOKEN to a token that may read it, and check the name";
  } else if (response.status == 404) {
    what += ": there is no such model, revision or file";
    hint = "check the name";
  } else if (response.status == 429) {
    hint = "it is busy with others: try again later";
  }
  throw Error(ErrorCode::kIo, response.url, what, hint);
}

bool is_passing_failure(const HttpResponse& response) {
  if (!response.transport_error.empty()) return true;
  return response.status == 408 || response.status == 429 || response.status >= 500;
}

void wait_to_retry(const HttpResponse& response, const DownloadOptions& options, int attempt,
                   const std::stop_token& stop) {
  constexpr int64_t kMost = 60'000;
  int64_t milliseconds =
      std::min(int64_t{options.retry_milliseconds} << std::min(attempt, 16), kMost);
  if (const auto asked = parse_number(response.header("retry-after"))) {
    milliseconds = std::max(milliseconds,
                            static_cast<int64_t>(std::min<uint64_t>(*asked, kMost / 1000)) * 1000);
  }
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, std::chrono::milliseconds(milliseconds), [] { return false; });
  if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, response.url, "stopped");
}

DownloadedFile download_file(HttpClient& client, const std::string& url, const fs::path& target,
                             const ExpectedFile& expected, const DownloadOptions& options,
                             DownloadProgress progress, const std::stop_token& stop) {
  std::error_code error;
  if (fs::is_directory(target, error))
    throw Error(ErrorCode::kIo, target.string(), "is a folder", "remove or rename it");
  if (fs::is_regular_file(target, error)) {
    const uint64_t bytes = fs::file_size(target);
    const bool known = !expected.sha256.empty() || !expected.git_sha1.empty();
    if (known && (!expected.bytes || *expected.bytes == bytes)) {
      const std::string sha256 = sha256_of(target);
      const bool right = (expected.sha256.empty() || sha256 == expected.sha256) &&
                         (expected.git_sha1.empty() || git_sha1_of(target) == expected.git_sha1);
      if (right) return {target, sha256, bytes, true};
    }
  }
  if (target.has_parent_path()) {
    fs::create_directories(target.parent_path(), error);
    if (error)
      throw Error(ErrorCode::kIo, target.parent_path().string(),
                  "cannot create the folder: " + error.message());
  }
  return Download(client, url, target, expected, options, progress, stop).run();
}

}  // namespace onmal
