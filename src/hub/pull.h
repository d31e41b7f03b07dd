#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "hub/download.h"
#include "hub/reference.h"

namespace onmal {

struct PullOptions {
  std::string base_url = "https://huggingface.co";
  std::filesystem::path output;      // a folder
  std::vector<std::string> include;  // patterns; none: all but what another format holds as well
  std::string sha256;                // of the one file that is fetched; "": as the server says
  DownloadOptions download;
};

// A file of a repository, as the server lists it.
struct HubFile {
  std::string name;
  ExpectedFile expected;
};

class PullProgress {
 public:
  virtual ~PullProgress() = default;
  virtual void begin(const HubFile& file, size_t index, size_t count) = 0;
  virtual void bytes(uint64_t bytes, uint64_t total) = 0;
  virtual void end(const DownloadedFile& file) = 0;
};

// The files of a repository at a revision, with sizes and checksums. Throws Error: kIo when the
// server refuses, kBadFile for an answer that is no listing.
std::vector<HubFile> list_files(HttpClient& client, const HubReference& reference,
                                const PullOptions& options, const std::stop_token& stop);

// The files that are wanted of a repository: those that fit a pattern; without patterns all,
// except, where there are safetensors, the weights of other programs (.bin, .pt, .h5, .onnx …).
std::vector<HubFile> choose_files(std::vector<HubFile> files,
                                  const std::vector<std::string>& include);

// Parses one page of the server's listing (JSON), appending to `files`; names that would lead out
// of a folder are refused with Error(kBadFile).
void parse_listing(std::string_view json, const std::string& where, std::vector<HubFile>& files);

// Fetches the file that `reference` names, or the wanted files of its repository, into the folder;
// see download_file.
std::vector<DownloadedFile> pull(HttpClient& client, const HubReference& reference,
                                 const PullOptions& options, PullProgress& progress,
                                 const std::stop_token& stop);

}  // namespace onmal
