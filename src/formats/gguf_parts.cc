#include "formats/gguf_parts.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <optional>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "formats/gguf_types.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostParts = 65535;  // what split.count holds

struct PartName {
  std::string stem;
  size_t part;
  size_t parts;
};

// "stem-00002-of-00003.gguf"; none for any other name.
std::optional<PartName> parse_part_name(const std::string& name) {
  constexpr std::string_view kTail = "-00000-of-00000.gguf";
  if (name.size() <= kTail.size()) return std::nullopt;
  const size_t begin = name.size() - kTail.size();
  const std::string_view tail = std::string_view(name).substr(begin);
  size_t numbers[2] = {0, 0};
  size_t number = 0;
  for (size_t i = 0; i < tail.size(); ++i) {
    if (kTail[i] == '0') {
      if (tail[i] < '0' || tail[i] > '9') return std::nullopt;
      numbers[number] = numbers[number] * 10 + static_cast<size_t>(tail[i] - '0');
    } else {
      if (tail[i] != kTail[i]) return std::nullopt;
      if (tail[i] == 'o') number = 1;
    }
  }
  if (numbers[0] < 1 || numbers[0] > numbers[1]) return std::nullopt;
  return PartName{name.substr(0, begin), numbers[0], numbers[1]};
}

[[noreturn]] void refuse(const fs::path& path, const std::string& what, const std::string& hint) {
  throw Error(ErrorCode::kBadFile, path.string(), what, hint);
}

}  // namespace

std::string gguf_part_name(const std::string& stem, size_t part, size_t parts) {
  char tail[64];
  std::snprintf(tail, sizeof(tail), "-%05zu-of-%05zu.gguf", part, parts);
  return stem + tail;
}

GgufParts::GgufParts(const fs::path& path) : path_(path) {
  open_parts(path);
  metadata_ = Metadata(path_.string());
  for (const auto& [key, value] : files_.front().metadata().items()) {
    if (key != gguf::kSplitPartKey && key != gguf::kSplitCountKey && key != gguf::kSplitTensorsKey)
      metadata_.add(key, value);
  }
  const int64_t tensors = files_.front().metadata().get_int(gguf::kSplitTensorsKey, -1);
  std::unordered_set<std::string_view> names;
  for (size_t part = 0; part < files_.size(); ++part) {
    if (files_.size() > 1) check(part, tensors);
    for (const TensorEntry& entry : files_[part].entries()) {
      if (!names.insert(entry.name).second) {
        refuse(path_, "the tensor '" + entry.name + "' stands in several parts",
               "the parts are not of one model");
      }
      entries_.push_back(entry);
    }
  }
  if (files_.size() > 1 && tensors >= 0 && static_cast<size_t>(tensors) != entries_.size()) {
    refuse(path_,
           "its parts hold " + std::to_string(entries_.size()) + " tensors, it says " +
               std::to_string(tensors),
           "the parts are not of one model: fetch it again");
  }
}

void GgufParts::open_parts(const fs::path& path) {
  const std::optional<PartName> name = parse_part_name(path.filename().string());
  // A file that was given another name may still say that it is a part.
  GgufFile asked(path);
  const int64_t count = asked.metadata().get_int(gguf::kSplitCountKey, 1);
  if (count <= 1) {
    bytes_ = fs::file_size(path);
    files_.push_back(std::move(asked));
    return;
  }
  if (static_cast<uint64_t>(count) > kMostParts)
    refuse(path, "says it has " + std::to_string(count) + " parts", "");
  if (!name || name->parts != static_cast<size_t>(count)) {
    const int64_t part = asked.metadata().get_int(gguf::kSplitPartKey, 0) + 1;
    refuse(path,
           "is part " + std::to_string(part) + " of " + std::to_string(count) +
               ", but its name does not say so",
           "give it the name NAME" +
               gguf_part_name("", static_cast<size_t>(std::clamp<int64_t>(part, 1, count)),
                              static_cast<size_t>(count)));
  }
  path_ = path.parent_path() / gguf_part_name(name->stem, 1, name->parts);
  for (size_t part = 1; part <= name->parts; ++part) {
    const fs::path file = path.parent_path() / gguf_part_name(name->stem, part, name->parts);
    if (!fs::exists(file)) {
      throw Error(ErrorCode::kIo, file.string(),
                  "is missing: part " + std::to_string(part) + " of " + std::to_string(name->parts),
                  "fetch all parts into one folder");
    }
    bytes_ += fs::file_size(file);
    if (part == name->part) {
      files_.push_back(std::move(asked));
    } else {
      files_.emplace_back(file);
    }
  }
}

void GgufParts::check(size_t part, int64_t tensors) const {
  const Metadata& metadata = files_[part].metadata();
  const int64_t number = metadata.get_int(gguf::kSplitPartKey);
  const int64_t count = metadata.get_int(gguf::kSplitCountKey);
  const bool same_tensors =
      tensors < 0 || metadata.get_int(gguf::kSplitTensorsKey, tensors) == tensors;
  if (number == static_cast<int64_t>(part) && count == static_cast<int64_t>(files_.size()) &&
      same_tensors)
    return;
  throw Error(ErrorCode::kBadFile, metadata.where(),
              "says it is part " + std::to_string(number < 0 ? number : number + 1) + " of " +
                  std::to_string(count) + (same_tensors ? "" : " of another model"),
              "the parts' names do not fit what they hold");
}

Tensor GgufParts::find(std::string_view name) const {
  for (const GgufFile& file : files_) {
    Tensor found = file.find(name);
    if (found.defined()) return found;
  }
  return {};
}

Tensor GgufParts::tensor(std::string_view name) const {
  Tensor found = find(name);
  if (found.defined()) return found;
  throw Error(ErrorCode::kBadFile, path_.string(), "has no tensor '" + std::string(name) + "'");
}

void GgufParts::forget(std::string_view name) const {
  for (const GgufFile& file : files_) file.forget(name);
}

fs::path find_gguf(const fs::path& folder) {
  std::vector<fs::path> models;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".gguf") continue;
    const auto name = parse_part_name(entry.path().filename().string());
    if (!name || name->part == 1) models.push_back(entry.path());
  }
  if (models.size() == 1) return models.front();
  throw Error(ErrorCode::kBadFile, folder.string(),
              models.empty() ? "holds no model (no config.json and no .gguf file)"
                             : "holds several .gguf files",
              models.empty() ? "check the path" : "name one of them");
}

std::vector<fs::path> write_gguf_parts(const fs::path& path, const Metadata& metadata,
                                       std::span<const NamedTensor> tensors, uint64_t most_bytes) {
  // Where each part ends; the first has the metadata, which are counted as if they were nothing.
  std::vector<size_t> ends;
  uint64_t bytes = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto size = static_cast<uint64_t>(tensors[i].tensor.bytes());
    if (most_bytes > 0 && bytes > 0 && bytes + size > most_bytes) {
      ends.push_back(i);
      bytes = 0;
    }
    bytes += size;
  }
  ends.push_back(tensors.size());
  if (ends.size() == 1) {
    write_gguf(path, metadata, tensors);
    return {path};
  }
  if (ends.size() > kMostParts) {
    throw Error(ErrorCode::kInvalidArgument, path.string(), "would have more than 65535 parts",
                "allow larger ones");
  }
  std::vector<fs::path> files(ends.size());
  for (size_t part = ends.size(); part-- > 0;) {
    files[part] = path.parent_path() / gguf_part_name(path.stem().string(), part + 1, ends.size());
    Metadata own(files[part].string());
    if (part == 0) own = metadata;
    own.set(std::string(gguf::kSplitPartKey), static_cast<int64_t>(part));
    own.set(std::string(gguf::kSplitCountKey), static_cast<int64_t>(ends.size()));
    own.set(std::string(gguf::kSplitTensorsKey), static_cast<int64_t>(tensors.size()));
    const size_t begin = part == 0 ? 0 : ends[part - 1];
    write_gguf(files[part], own, tensors.subspan(begin, ends[part] - begin));
  }
  return files;
}

}  // namespace onmal
