#include "hub/pull.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/error.h"

namespace onmal {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostListing = size_t{64} << 20;
constexpr size_t kMostFiles = 100'000;

bool is_hexadecimal(const std::string& text, size_t size) {
  return text.size() == size && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// "…" with or without its quotes, or the mark of a weak tag.
std::string unquoted(std::string text) {
  if (text.starts_with("W/")) text.erase(0, 2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  return lower_ascii(text);
}

std::string file_url(const HubReference& reference, const PullOptions& options,
                     const std::string& file) {
  return options.base_url + "/" + HttpClient::escape_path(reference.repository) + "/resolve/" +
         HttpClient::escape_path(reference.revision) + "/" + HttpClient::escape_path(file);
}

std::optional<uint64_t> parse_size(const std::string& text) {
  if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  return std::stoull(text);
}

// A request that is tried again like a download.
HttpResponse fetch(HttpClient& client, const HttpRequest& request, std::string& body,
                   const PullOptions& options, const std::stop_token& stop) {
  for (int attempt = 0;; ++attempt) {
    HttpResponse response = client.fetch(request, body, kMostListing, stop);
    if (response.transport_error.empty() && response.status == 200) return response;
    const bool again = is_passing_failure(response) && attempt < options.download.most_retries;
    if (!again) refuse_status(response, !options.download.token.empty());
    wait_to_retry(response, options.download, attempt, stop);
  }
}

// The next page's address from `Link: <…>; rel="next"`; "" when there is none.
std::string next_page(const HttpResponse& response, const std::string& base_url) {
  const std::string link = response.header("link");
  const size_t begin = link.find('<');
  const size_t end = link.find('>');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return "";
  if (link.find("rel=\"next\"", end) == std::string::npos) return "";
  std::string url = link.substr(begin + 1, end - begin - 1);
  if (url.starts_with("/")) url = base_url + url;
  // The token goes with it, so it must be the same server.
  if (url.starts_with(base_url + "/")) return url;
  throw Error(ErrorCode::kBadFile, url, "the listing goes on at another server",
              "it was not followed");
}

// One named file, by what the headers of its address say.
HubFile describe_file(HttpClient& client, const HubReference& reference, const PullOptions& options,
                      const std::stop_token& stop) {
  HubFile file{reference.file, {}};
  HttpRequest request;
  request.url = file_url(reference, options, reference.file);
  request.token = options.download.token;
  request.head = true;
  request.headers["Accept-Encoding"] = "identity";
  std::string body;
  const HttpResponse response = fetch(client, request, body, options, stop);
  const auto first = [&](const char* name) {
    const auto found = response.first_headers.find(name);
    return found == response.first_headers.end() ? std::string() : found->second;
  };
  const std::string tag =
      unquoted(first("x-linked-etag").empty() ? first("etag") : first("x-linked-etag"));
  if (is_hexadecimal(tag, 64)) file.expected.sha256 = tag;
  if (is_hexadecimal(tag, 40)) file.expected.git_sha1 = tag;
  file.expected.bytes = parse_size(first("x-linked-size"));
  if (!file.expected.bytes) file.expected.bytes = parse_size(response.header("content-length"));
  return file;
}

std::string text_member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

void parse_listing(std::string_view json, const std::string& where, std::vector<HubFile>& files) {
  constexpr int kMostDepth = 16;
  const Json::parser_callback_t limit = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kMostDepth) throw Error(ErrorCode::kBadFile, where, "the listing nests too deep");
    return true;
  };
  Json listing;
  try {
    listing = Json::parse(json, limit);
  } catch (const Json::exception&) {
    throw Error(ErrorCode::kBadFile, where, "the server's listing is not JSON",
                "check HF_ENDPOINT");
  }
  if (!listing.is_array())
    throw Error(ErrorCode::kBadFile, where, "the server's listing is not a list");
  for (const Json& entry : listing) {
    if (!entry.is_object() || text_member(entry, "type") != "file") continue;
    HubFile file{text_member(entry, "path"), {}};
    safe_relative_path(file.name);
    if (const auto size = entry.find("size"); size != entry.end() && size->is_number_unsigned()) {
      file.expected.bytes = size->get<uint64_t>();
    }
    const auto large = entry.find("lfs");
    if (large != entry.end() && large->is_object()) {
      const std::string oid = lower_ascii(text_member(*large, "oid"));
      if (is_hexadecimal(oid, 64)) file.expected.sha256 = oid;
      const auto size = large->find("size");
      if (size != large->end() && size->is_number_unsigned())
        file.expected.bytes = size->get<uint64_t>();
    } else if (const std::string oid = lower_ascii(text_member(entry, "oid"));
               is_hexadecimal(oid, 40)) {
      file.expected.git_sha1 = oid;
    }
    files.push_back(std::move(file));
    if (files.size() > kMostFiles)
      throw Error(ErrorCode::kBadFile, where, "the listing has more than 100000 files");
  }
}

std::vector<HubFile> list_files(HttpClient& client, const HubReference& reference,
                                const PullOptions& options, const std::stop_token& stop) {
  constexpr int kMostPages = 1000;
  std::vector<HubFile> files;
  HttpRequest request;
  request.token = options.download.token;
  request.url = options.base_url + "/api/models/" + HttpClient::escape_path(reference.repository) +
                "/tree/" + HttpClient::escape_path(reference.revision) + "?recursive=true";
  for (int page = 0; !request.url.empty(); ++page) {
    if (page == kMostPages)
      throw Error(ErrorCode::kBadFile, request.url, "the listing does not come to an end");
    std::string body;
    const HttpResponse response = fetch(client, request, body, options, stop);
    parse_listing(body, request.url, files);
    request.url = next_page(response, options.base_url);
  }
  return files;
}

std::vector<HubFile> choose_files(std::vector<HubFile> files,
                                  const std::vector<std::string>& include) {
  const auto ends = [](const std::string& name, std::initializer_list<const char*> endings) {
    return std::any_of(endings.begin(), endings.end(),
                       [&](const char* ending) { return name.ends_with(ending); });
  };
  const bool safetensors = std::any_of(files.begin(), files.end(), [&](const HubFile& file) {
    return ends(file.name, {".safetensors"});
  });
  std::erase_if(files, [&](const HubFile& file) {
    if (!include.empty()) {
      return std::none_of(include.begin(), include.end(), [&](const std::string& pattern) {
        return fits_pattern(file.name, pattern);
      });
    }
    return safetensors && ends(file.name, {".bin", ".pt", ".pth", ".h5", ".msgpack", ".onnx",
                                           ".onnx_data", ".ot", ".tflite", ".ckpt"});
  });
  return files;
}

std::vector<DownloadedFile> pull(HttpClient& client, const HubReference& reference,
                                 const PullOptions& options, PullProgress& progress,
                                 const std::stop_token& stop) {
  std::vector<HubFile> files;
  if (!reference.file.empty()) {
    files.push_back(describe_file(client, reference, options, stop));
  } else {
    files = choose_files(list_files(client, reference, options, stop), options.include);
  }
  if (files.empty()) {
    throw Error(ErrorCode::kInvalidArgument, reference.repository, "has no file that is wanted",
                "check the patterns");
  }
  if (!options.sha256.empty()) {
    if (files.size() != 1) {
      throw Error(
          ErrorCode::kInvalidArgument, reference.repository,
          "a checksum belongs to one file, " + std::to_string(files.size()) + " are to be fetched",
          "name the file: hf:ORG/REPO/FILE");
    }
    ExpectedFile& expected = files[0].expected;
    if (!expected.sha256.empty() && expected.sha256 != lower_ascii(options.sha256)) {
      throw Error(ErrorCode::kBadFile, files[0].name,
                  "the server says its sha256 is " + expected.sha256 + ", expected " +
                      lower_ascii(options.sha256),
                  "nothing was fetched");
    }
    expected.sha256 = lower_ascii(options.sha256);
  }
  std::vector<DownloadedFile> done;
  for (size_t i = 0; i < files.size(); ++i) {
    const std::filesystem::path relative = safe_relative_path(files[i].name);
    const std::filesystem::path target =
        options.output / (reference.file.empty() ? relative : relative.filename());
    progress.begin(files[i], i, files.size());
    done.push_back(download_file(
        client, file_url(reference, options, files[i].name), target, files[i].expected,
        options.download, [&](uint64_t bytes, uint64_t total) { progress.bytes(bytes, total); },
        stop));
    progress.end(done.back());
  }
  return done;
}

}  // namespace onmal
