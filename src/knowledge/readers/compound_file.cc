#include "knowledge/readers/compound_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "text/encoding.h"

namespace onmal {
namespace {

constexpr std::string_view kMagic("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8);
constexpr uint32_t kLastSector = 0xFFFFFFFA;  // larger numbers mean something else
constexpr uint32_t kNoEntry = 0xFFFFFFFF;
constexpr size_t kHeaderBytes = 512;
constexpr size_t kEntryBytes = 128;
constexpr size_t kHeaderTableEntries = 109;
constexpr size_t kMostStreams = 65536;
constexpr size_t kMostDepth = 32;

constexpr uint8_t kStorage = 1;
constexpr uint8_t kStream = 2;
constexpr uint8_t kRoot = 5;

template <typename Number>
Number little(std::string_view bytes, size_t at) {
  Number value = 0;
  for (size_t i = 0; i < sizeof(Number); ++i) {
    value = static_cast<Number>(
        value | static_cast<Number>(static_cast<Number>(static_cast<unsigned char>(bytes[at + i]))
                                    << (8 * i)));
  }
  return value;
}

}  // namespace

CompoundFile::CompoundFile(std::string_view bytes, std::string where)
    : bytes_(bytes), where_(std::move(where)) {
  read_header();
  read_table();
  read_directory();
}

void CompoundFile::fail(const std::string& what) const {
  throw Error(ErrorCode::kBadFile, where_, "broken compound file: " + what, "save it again");
}

std::string_view CompoundFile::sector(uint32_t number) const {
  if (number >= sectors_) fail("a sector stands beyond the end; the file may be cut off");
  // The last one may be cut short.
  return bytes_.substr((uint64_t{number} + 1) * sector_bytes_, sector_bytes_);
}

std::vector<uint32_t> CompoundFile::chain(uint32_t first,
                                          const std::vector<uint32_t>& table) const {
  std::vector<uint32_t> numbers;
  for (uint32_t at = first; at < kLastSector; at = table[at]) {
    if (at >= table.size()) fail("a chain of sectors leaves the file; it may be cut off");
    if (numbers.size() >= table.size()) fail("a chain of sectors runs in a circle");
    numbers.push_back(at);
  }
  return numbers;
}

void CompoundFile::read_header() {
  if (bytes_.size() < kHeaderBytes || !bytes_.starts_with(kMagic)) fail("no header");
  const auto shift = little<uint16_t>(bytes_, 30);
  const auto mini_shift = little<uint16_t>(bytes_, 32);
  if (shift != 9 && shift != 12) fail("sectors of an unknown size");
  if (mini_shift != 6) fail("small sectors of an unknown size");
  sector_bytes_ = uint32_t{1} << shift;
  mini_sector_bytes_ = uint32_t{1} << mini_shift;
  const uint64_t count = (bytes_.size() + sector_bytes_ - 1) / sector_bytes_;
  if (count > kLastSector) fail("too many sectors");
  sectors_ = static_cast<uint32_t>(count == 0 ? 0 : count - 1);
  directory_start_ = little<uint32_t>(bytes_, 48);
  mini_stream_limit_ = little<uint32_t>(bytes_, 56);
  mini_table_start_ = little<uint32_t>(bytes_, 60);
}

void CompoundFile::read_table() {
  // Where the sectors of the table stand: the header's list, then a chain of sectors with more.
  std::vector<uint32_t> places;
  const auto add = [&](std::string_view list, size_t entries) {
    for (size_t i = 0; i < entries && 4 * i + 4 <= list.size(); ++i) {
      const auto place = little<uint32_t>(list, 4 * i);
      if (place < kLastSector) places.push_back(place);
    }
  };
  add(bytes_.substr(76), kHeaderTableEntries);
  uint32_t next = little<uint32_t>(bytes_, 68);
  for (uint32_t steps = 0; next < kLastSector; ++steps) {
    if (steps > sectors_) fail("the table's own chain runs in a circle");
    const std::string_view more = sector(next);
    if (more.size() < sector_bytes_) fail("its table is cut off");
    add(more, sector_bytes_ / 4 - 1);
    next = little<uint32_t>(more, sector_bytes_ - 4);
  }
  // A table larger than the file is of no use.
  const uint64_t most = uint64_t{sectors_} / (sector_bytes_ / 4) + 2;
  if (places.size() > most) places.resize(most);
  for (const uint32_t place : places) {
    const std::string_view part = sector(place);
    for (size_t i = 0; 4 * i + 4 <= part.size(); ++i)
      table_.push_back(little<uint32_t>(part, 4 * i));
  }
}

void CompoundFile::read_directory() {
  std::string directory;
  for (const uint32_t number : chain(directory_start_, table_)) directory += sector(number);
  if (directory.size() < kEntryBytes || directory[66] != kRoot) fail("no root entry");
  if (mini_table_start_ < kLastSector) {
    for (const uint32_t number : chain(mini_table_start_, table_)) {
      const std::string_view part = sector(number);
      for (size_t i = 0; 4 * i + 4 <= part.size(); ++i)
        mini_table_.push_back(little<uint32_t>(part, 4 * i));
    }
    for (const uint32_t number : chain(little<uint32_t>(directory, 116), table_))
      mini_stream_ += sector(number);
  }
  walk_directory(directory, little<uint32_t>(directory, 76));
}

void CompoundFile::walk_directory(std::string_view directory, uint32_t root) {
  struct Visit {
    uint32_t entry;
    std::string folder;
    size_t depth;
  };
  const size_t entries = directory.size() / kEntryBytes;
  std::vector<bool> seen(entries, false);
  std::vector<std::pair<uint32_t, Entry>> found;
  std::vector<Visit> waiting;
  waiting.push_back({root, "", 0});
  while (!waiting.empty()) {
    const Visit visit = std::move(waiting.back());
    waiting.pop_back();
    if (visit.entry == kNoEntry) continue;
    if (visit.entry >= entries) fail("an entry of the directory does not exist");
    if (seen[visit.entry]) fail("its directory runs in a circle");
    seen[visit.entry] = true;
    const std::string_view entry = directory.substr(visit.entry * kEntryBytes, kEntryBytes);
    const size_t name_bytes = std::min<size_t>(little<uint16_t>(entry, 64), 64);
    std::string name = utf16le_to_utf8(entry.substr(0, name_bytes < 2 ? 0 : name_bytes - 2));
    const std::string path = visit.folder.empty() ? name : visit.folder + "/" + name;
    waiting.push_back({little<uint32_t>(entry, 68), visit.folder, visit.depth});
    waiting.push_back({little<uint32_t>(entry, 72), visit.folder, visit.depth});
    if (entry[66] == kStorage) {
      if (visit.depth >= kMostDepth) fail("storages nested more than 32 deep");
      waiting.push_back({little<uint32_t>(entry, 76), path, visit.depth + 1});
    }
    if (entry[66] == kStream) {
      if (found.size() >= kMostStreams) fail("more than 65536 streams");
      // Files with small sectors keep 32 bits of the size.
      const uint64_t size =
          sector_bytes_ == 512 ? little<uint32_t>(entry, 120) : little<uint64_t>(entry, 120);
      found.push_back({visit.entry, {path, little<uint32_t>(entry, 116), size}});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& one, const auto& other) { return one.first < other.first; });
  for (auto& [number, entry] : found) streams_.push_back(std::move(entry));
}

const CompoundFile::Entry* CompoundFile::find(std::string_view path) const {
  const auto found = std::find_if(streams_.begin(), streams_.end(),
                                  [&](const Entry& entry) { return entry.path == path; });
  return found == streams_.end() ? nullptr : &*found;
}

std::string CompoundFile::read(const Entry& entry) const {
  if (entry.size > bytes_.size()) fail("stream " + entry.path + " is larger than the file");
  std::string stream;
  if (entry.size == 0) return stream;
  stream.reserve(entry.size);
  const bool small = entry.size < mini_stream_limit_;
  for (const uint32_t number : chain(entry.first_sector, small ? mini_table_ : table_)) {
    if (stream.size() >= entry.size) break;
    if (!small) {
      stream += sector(number);
      continue;
    }
    const uint64_t begin = uint64_t{number} * mini_sector_bytes_;
    if (begin >= mini_stream_.size()) fail("stream " + entry.path + " leaves the small sectors");
    stream += std::string_view(mini_stream_).substr(begin, mini_sector_bytes_);
  }
  if (stream.size() < entry.size) fail("stream " + entry.path + " is cut off");
  stream.resize(entry.size);
  return stream;
}

}  // namespace onmal
