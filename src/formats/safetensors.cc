#include "formats/safetensors.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "formats/json_metadata.h"
#include "formats/json_parser.h"

namespace onmal {
namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMostHeaderBytes = 100'000'000;  // the limit of the reference implementation
constexpr size_t kHeaderAlignment = 64;
constexpr const char* kSingleName = "model.safetensors";
constexpr const char* kIndexName = "model.safetensors.index.json";

struct TypeRow {
  std::string_view name;
  uint64_t bits;
  std::optional<DType> dtype;
};
constexpr std::array<TypeRow, 19> kTypes = {{
    {"F32", 32, DType::kF32},     {"F16", 16, DType::kF16},     {"BF16", 16, DType::kBF16},
    {"F64", 64, DType::kF64},     {"I32", 32, DType::kI32},     {"I64", 64, std::nullopt},
    {"U64", 64, std::nullopt},    {"U32", 32, std::nullopt},    {"I16", 16, std::nullopt},
    {"U16", 16, std::nullopt},    {"I8", 8, std::nullopt},      {"U8", 8, std::nullopt},
    {"BOOL", 8, std::nullopt},    {"F8_E4M3", 8, std::nullopt}, {"F8_E5M2", 8, std::nullopt},
    {"F8_E8M0", 8, std::nullopt}, {"F4", 4, std::nullopt},      {"F6_E2M3", 6, std::nullopt},
    {"C64", 64, std::nullopt},
}};

const TypeRow* find_type(std::string_view name) {
  const auto* row = std::find_if(kTypes.begin(), kTypes.end(),
                                 [&](const TypeRow& candidate) { return candidate.name == name; });
  return row == kTypes.end() ? nullptr : row;
}

// Reads {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …, "__metadata__":
// {"key": "value"}}.
class HeaderReader : public JsonHandler {
 public:
  explicit HeaderReader(const std::string& where) : metadata_(where) {}

  std::vector<TensorEntry> entries;
  Metadata& metadata() { return metadata_; }

 private:
  enum class Field : uint8_t { kNone, kType, kShape, kOffsets };

  void on_null() override { unexpected("null"); }
  void on_bool(bool /*value*/) override { unexpected("a boolean"); }
  void on_unsigned(uint64_t /*value*/) override { unexpected("an integer over 2^63"); }
  void on_float(double /*value*/) override { unexpected("a fraction"); }

  void on_int(int64_t value) override {
    if (depth() != 3 || value < 0) unexpected(std::to_string(value));
    (field_ == Field::kShape ? entries.back().dims : offsets_).push_back(value);
    if (offsets_.size() > 2) unexpected("a third offset");
  }

  void on_string(std::string&& value) override {
    if (in_metadata_ && depth() == 2) {
      metadata_.add(std::move(key_), std::move(value));
    } else if (depth() == 2 && field_ == Field::kType) {
      entries.back().type_name = std::move(value);
    } else {
      unexpected("a string");
    }
  }

  void on_key(std::string&& key) override {
    if (depth() == 1) {
      begin_tensor(std::move(key));
    } else if (in_metadata_) {
      key_ = std::move(key);
    } else {
      begin_field(key);
    }
  }

  void on_begin(bool array) override {
    const bool expected = array ? depth() == 3 && !in_metadata_ &&
                                      (field_ == Field::kShape || field_ == Field::kOffsets)
                                : depth() <= 2;
    if (!expected) unexpected(array ? "an array" : "an object");
  }

  void on_end(bool array) override {
    if (!array && depth() == 2 && !in_metadata_) end_tensor();
  }

  void begin_tensor(std::string&& name) {
    in_metadata_ = name == "__metadata__";
    if (in_metadata_) {
      if (std::exchange(seen_metadata_, true)) fail("has '__metadata__' twice");
      return;
    }
    entries.emplace_back();
    entries.back().name = std::move(name);
    offsets_.clear();
    seen_fields_ = 0;
  }

  void begin_field(const std::string& key) {
    constexpr std::array<std::pair<std::string_view, Field>, 3> kFields = {
        {{"dtype", Field::kType}, {"shape", Field::kShape}, {"data_offsets", Field::kOffsets}}};
    field_ = Field::kNone;
    for (const auto& [name, field] : kFields) {
      if (name == key) field_ = field;
    }
    const unsigned bit = 1U << static_cast<unsigned>(field_);
    if (field_ == Field::kNone || (seen_fields_ & bit) != 0) {
      fail("tensor '" + entries.back().name + "' has an unknown or repeated field '" +
           key.substr(0, 100) + "'");
    }
    seen_fields_ |= bit;
  }

  void end_tensor() {
    TensorEntry& entry = entries.back();
    if (entry.type_name.empty() || offsets_.size() != 2 || seen_fields_ != 0b1110) {
      fail("tensor '" + entry.name + "' lacks dtype, shape or data_offsets");
    }
    if (offsets_[1] < offsets_[0]) fail("tensor '" + entry.name + "' ends before it begins");
    entry.offset = static_cast<uint64_t>(offsets_[0]);
    entry.bytes = static_cast<uint64_t>(offsets_[1] - offsets_[0]);
    const TypeRow* type = find_type(entry.type_name);
    if (type == nullptr) return;  // an error only when this tensor is asked for
    entry.dtype = type->dtype;
    const std::optional<uint64_t> bits = checked_elements(entry.dims, type->bits);
    if (!bits || *bits / 8 != entry.bytes) {
      fail("tensor '" + entry.name + "' has " + std::to_string(entry.bytes) +
           " bytes, which its dtype and shape do not make");
    }
  }

  [[noreturn]] void unexpected(const std::string& what) const {
    const std::string place =
        in_metadata_
            ? "in '__metadata__'"
            : (entries.empty() ? "at the start" : "in tensor '" + entries.back().name + "'");
    fail("the header holds " + what + " where none belongs, " + place);
  }

  Metadata metadata_;
  std::string key_;
  std::vector<int64_t> offsets_;
  Field field_ = Field::kNone;
  unsigned seen_fields_ = 0;
  bool in_metadata_ = false;
  bool seen_metadata_ = false;
};

void check_covered(std::span<const TensorEntry> entries, uint64_t size, const std::string& where) {
  uint64_t covered = 0;
  for (const TensorEntry& entry : entries) covered += entry.bytes;
  if (covered == size) return;
  throw Error(
      ErrorCode::kBadFile, where,
      "its tensors cover " + std::to_string(covered) + " of " + std::to_string(size) + " bytes",
      "the file is cut off or damaged: fetch it again");
}

std::string_view type_name_of(const NamedTensor& named, const std::string& where) {
  for (const TypeRow& row : kTypes) {
    if (row.dtype == named.tensor.dtype()) return row.name;
  }
  throw Error(ErrorCode::kUnsupported, where,
              "safetensors has no number format for " +
                  std::string(dtype_info(named.tensor.dtype()).name) + " (tensor '" + named.name +
                  "')",
              "write a GGUF file instead, or convert to f32, f16 or bf16");
}

// Widest numbers first, as the reference implementation does, so that every tensor is aligned.
std::vector<NamedTensor> by_width(std::span<const NamedTensor> tensors) {
  std::vector<NamedTensor> sorted(tensors.begin(), tensors.end());
  const auto width = [](const NamedTensor& n) { return dtype_info(n.tensor.dtype()).block_bytes; };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const NamedTensor& a, const NamedTensor& b) { return width(a) > width(b); });
  return sorted;
}

// The file's header: length, JSON, spaces up to the alignment.
std::string make_header(std::span<const NamedTensor> tensors, const Metadata& metadata,
                        const std::string& where) {
  std::set<std::string_view> names;
  const auto quoted = [&](std::string_view text) { return quote_json(text, where); };
  std::string json = "{";
  const auto separate = [&] { json += json.size() > 1 ? "," : ""; };
  if (!metadata.empty()) {
    json += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata.items()) {
      if (json.back() != '{') json += ',';
      json += quoted(key) + ":" + quoted(metadata.get_string(key));
    }
    json += '}';
  }
  int64_t offset = 0;
  for (const NamedTensor& named : tensors) {
    if (named.name == "__metadata__" || !names.insert(named.name).second) {
      throw Error(ErrorCode::kInvalidArgument, where,
                  "the tensor name '" + named.name + "' is taken");
    }
    separate();
    json += quoted(named.name) + R"(:{"dtype":")";
    json += type_name_of(named, where);
    std::string shape = named.tensor.shape().to_string();
    std::erase(shape, ' ');
    const int64_t end = offset + named.tensor.bytes();
    json += R"(","shape":)" + shape + R"(,"data_offsets":[)" + std::to_string(offset) + "," +
            std::to_string(end) + "]}";
    offset = end;
  }
  json += "}";
  json.append(
      (kHeaderAlignment - (kLengthBytes + json.size()) % kHeaderAlignment) % kHeaderAlignment, ' ');
  return json;
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : file_(path) {
  parse(file_.bytes(), path.string());
}

SafetensorsFile::SafetensorsFile(std::span<const std::byte> bytes, const std::string& where) {
  parse(bytes, where);
}

void SafetensorsFile::parse(std::span<const std::byte> bytes, const std::string& where) {
  uint64_t length = 0;
  if (bytes.size() < kLengthBytes) {
    throw Error(ErrorCode::kBadFile, where,
                "is only " + std::to_string(bytes.size()) + " bytes, too short for safetensors");
  }
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kMostHeaderBytes || length > bytes.size() - kLengthBytes) {
    throw Error(ErrorCode::kBadFile, where,
                "says its header has " + std::to_string(length) + " bytes, more than " +
                    (length > kMostHeaderBytes ? "safetensors allows" : "the file has"),
                "it is not a safetensors file, or is cut off");
  }
  HeaderReader header(where);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes,
                              static_cast<size_t>(length));
  if (!text.starts_with('{')) {
    throw Error(ErrorCode::kBadFile, where, "its header does not begin with '{'",
                "it is not a safetensors file");
  }
  header.parse(text, where, {kMostHeaderBytes, 3});
  metadata_ = std::move(header.metadata());
  const std::span<const std::byte> data = bytes.subspan(kLengthBytes + text.size());
  table_ = TensorTable(std::move(header.entries), data, where);
  check_covered(table_.entries(), data.size(), where);
}

bool SafetensorsWeights::exists_in(const std::filesystem::path& folder) {
  return std::filesystem::exists(folder / kSingleName) ||
         std::filesystem::exists(folder / kIndexName);
}

SafetensorsWeights::SafetensorsWeights(const std::filesystem::path& path) : where_(path.string()) {
  constexpr uint64_t kMostIndexBytes = uint64_t{64} << 20;
  if (!std::filesystem::is_directory(path)) {
    shards_.emplace_back(path);
    return;
  }
  const std::filesystem::path index = path / kIndexName;
  if (std::filesystem::exists(path / kSingleName) || !std::filesystem::exists(index)) {
    shards_.emplace_back(path / kSingleName);
    return;
  }
  open_shards(path, read_json_metadata(index, kMostIndexBytes));
}

void SafetensorsWeights::open_shards(const std::filesystem::path& folder, const Metadata& index) {
  constexpr std::string_view kPrefix = "weight_map.";
  std::map<std::string, size_t> places;
  for (const auto& [key, value] : index.items()) {
    if (key.starts_with(kPrefix)) places.emplace(index.get_string(key), 0);
  }
  if (places.empty()) throw Error(ErrorCode::kBadFile, index.where(), "has no 'weight_map'");
  for (auto& [name, place] : places) {
    if (name.empty() || name == ".." || name.find_first_of("/\\") != std::string::npos) {
      throw Error(ErrorCode::kBadFile, index.where(),
                  "names the shard '" + name + "', which is not a file name in the same folder");
    }
    place = shards_.size();
    shards_.emplace_back(folder / name);
  }
  for (const auto& [key, value] : index.items()) {
    if (!key.starts_with(kPrefix)) continue;
    const std::string tensor = key.substr(kPrefix.size());
    const std::string& shard = index.get_string(key);
    if (shards_[places[shard]].has(tensor)) continue;
    throw Error(ErrorCode::kBadFile, index.where(),
                "says that the tensor '" + tensor + "' stands in " + shard + ", where it does not",
                "the index and the shards are not of one model: fetch it again");
  }
}

Tensor SafetensorsWeights::find(std::string_view name) const {
  for (const SafetensorsFile& shard : shards_) {
    Tensor found = shard.find(name);
    if (found.defined()) return found;
  }
  return {};
}

Tensor SafetensorsWeights::tensor(std::string_view name) const {
  Tensor found = find(name);
  if (found.defined()) return found;
  throw Error(ErrorCode::kBadFile, where_, "has no tensor '" + std::string(name) + "'");
}

void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const Metadata& metadata) {
  const std::vector<NamedTensor> sorted = by_width(tensors);
  const std::string header = make_header(sorted, metadata, path.string());
  const uint64_t length = header.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(header);
  for (const NamedTensor& named : sorted) {
    file.write(std::span(named.tensor.data_as<const std::byte>(),
                         static_cast<size_t>(named.tensor.bytes())));
  }
  file.commit();
}

void write_safetensors_folder(const std::filesystem::path& folder,
                              std::span<const NamedTensor> tensors, const Metadata& metadata,
                              uint64_t most_bytes) {
  std::vector<std::vector<NamedTensor>> shards(1);
  uint64_t bytes = 0;
  uint64_t total = 0;
  for (const NamedTensor& named : tensors) {
    const auto size = static_cast<uint64_t>(named.tensor.bytes());
    if (most_bytes > 0 && bytes > 0 && bytes + size > most_bytes) {
      shards.emplace_back();
      bytes = 0;
    }
    bytes += size;
    total += size;
    shards.back().push_back(named);
  }
  std::error_code ignored;  // there may be none
  if (shards.size() == 1) {
    write_safetensors(folder / kSingleName, tensors, metadata);
    std::filesystem::remove(folder / kIndexName, ignored);
    return;
  }
  const std::string where = (folder / kIndexName).string();
  std::string map;
  for (size_t i = 0; i < shards.size(); ++i) {
    char name[64];
    std::snprintf(name, sizeof(name), "model-%05zu-of-%05zu.safetensors", i + 1, shards.size());
    write_safetensors(folder / name, shards[i], metadata);
    for (const NamedTensor& named : shards[i]) {
      // By hand: names hold dots, which Metadata would take for objects.
      map += (map.empty() ? "\n    " : ",\n    ") + quote_json(named.name, where) + ": \"" + name +
             '"';
    }
  }
  write_file(folder / kIndexName, "{\n  \"metadata\": {\"total_size\": " + std::to_string(total) +
                                      "},\n  \"weight_map\": {" + map + "\n  }\n}\n");
  std::filesystem::remove(folder / kSingleName, ignored);
}

}  // namespace onmal
