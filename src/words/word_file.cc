#include "words/word_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "words/word_text_file.h"

namespace onmal {
namespace {

// Our own file, all numbers little-endian: the header below; then for each word its length (u32),
// bytes and count (u64); the buckets (i32, rising); the words' vectors, then the parts' (f32).
constexpr std::string_view kMagic = "ONMALWRD";
constexpr uint32_t kVersion = 1;

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t dim;
  uint64_t words;
  uint64_t parts;
  uint64_t buckets;
  uint32_t char_least;
  uint32_t char_most;
  uint32_t jamo_least;
  uint32_t jamo_most;
  uint32_t lowercase;
  uint32_t reserved;
};
static_assert(sizeof(Header) == 64 && std::endian::native == std::endian::little);

constexpr uint64_t kMostFileDim = 1 << 16;
constexpr uint64_t kMostRows = uint64_t{1} << 31;
constexpr uint32_t kLongestStoredWord = 1 << 16;

[[noreturn]] void refuse_file(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::kBadFile, name, what, "get the file anew");
}

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  template <typename T>
  T read() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string_view take(uint64_t count) {
    if (count > bytes_.size()) refuse_file(name_, "ends in the middle");
    const std::string_view out = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return out;
  }
  template <typename T>
  std::vector<T> read_all(uint64_t count) {
    if (count > bytes_.size() / sizeof(T)) refuse_file(name_, "ends in the middle");
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), take(count * sizeof(T)).data(), count * sizeof(T));
    return values;
  }
  bool done() const { return bytes_.empty(); }
  size_t left() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
  const std::string& name_;
};

int small_int(const std::string& name, uint32_t value) {
  if (value > 1000) refuse_file(name, "a part of a word of " + std::to_string(value) + " letters");
  return static_cast<int>(value);
}

SubwordOptions read_subword_options(const Header& header, const std::string& name) {
  SubwordOptions options;
  options.char_least = small_int(name, header.char_least);
  options.char_most = small_int(name, header.char_most);
  options.jamo_least = small_int(name, header.jamo_least);
  options.jamo_most = small_int(name, header.jamo_most);
  if (header.buckets > kMostRows) refuse_file(name, "too many buckets");
  options.buckets = static_cast<int64_t>(header.buckets);
  try {
    check_subwords(options);
  } catch (const Error& error) {
    refuse_file(name, error.what());
  }
  return options;
}

WordVectors parse_own(std::string_view bytes, const std::string& name) {
  Reader reader(bytes, name);
  const auto header = reader.read<Header>();
  if (header.version != kVersion)
    throw Error(ErrorCode::kUnsupported, name, "version " + std::to_string(header.version),
                "use a newer onmal");
  if (header.dim < 1 || header.dim > kMostFileDim || header.words > kMostRows ||
      header.parts > kMostRows)
    refuse_file(name, "sizes that make no sense");
  // Before anything is allocated: each word takes 12 bytes and its vector.
  const uint64_t row = uint64_t{header.dim} * sizeof(float);
  if (header.words * (row + 12) + header.parts * (row + 4) > reader.left())
    refuse_file(name, "ends in the middle");
  SubwordVectors subwords;
  subwords.options = read_subword_options(header, name);
  std::vector<std::string> words;
  std::vector<int64_t> counts;
  for (uint64_t i = 0; i < header.words; ++i) {
    const auto length = reader.read<uint32_t>();
    if (length > kLongestStoredWord)
      refuse_file(name, "a word of " + std::to_string(length) + " bytes");
    words.emplace_back(reader.take(length));
    counts.push_back(reader.read<int64_t>());
  }
  subwords.buckets = reader.read_all<int32_t>(header.parts);
  if (std::adjacent_find(subwords.buckets.begin(), subwords.buckets.end(),
                         std::greater_equal<>()) != subwords.buckets.end())
    refuse_file(name, "its parts are not in order");
  std::vector<float> values = reader.read_all<float>(header.words * header.dim);
  subwords.values = reader.read_all<float>(header.parts * header.dim);
  if (!reader.done()) refuse_file(name, "has bytes behind its end");
  return WordVectors(header.dim, std::move(words), std::move(values), std::move(counts),
                     std::move(subwords), header.lowercase != 0);
}

template <typename T>
void write_all(AtomicFile& file, const std::vector<T>& values) {
  file.write(std::as_bytes(std::span(values)));
}

template <typename T>
void write_one(AtomicFile& file, const T& value) {
  file.write(std::as_bytes(std::span(&value, 1)));
}

void write_own(AtomicFile& file, const WordVectors& vectors) {
  const SubwordVectors& subwords = vectors.subwords();
  Header header = {};
  kMagic.copy(header.magic, sizeof header.magic);
  header.version = kVersion;
  header.dim = static_cast<uint32_t>(vectors.dim());
  header.words = static_cast<uint64_t>(vectors.size());
  header.parts = subwords.buckets.size();
  header.buckets = static_cast<uint64_t>(subwords.options.buckets);
  header.char_least = static_cast<uint32_t>(subwords.options.char_least);
  header.char_most = static_cast<uint32_t>(subwords.options.char_most);
  header.jamo_least = static_cast<uint32_t>(subwords.options.jamo_least);
  header.jamo_most = static_cast<uint32_t>(subwords.options.jamo_most);
  header.lowercase = vectors.lowercase() ? 1 : 0;
  write_one(file, header);
  for (int64_t i = 0; i < vectors.size(); ++i) {
    write_one(file, static_cast<uint32_t>(vectors.word(i).size()));
    file.write(vectors.word(i));
    write_one(file,
              vectors.counts().empty() ? int64_t{0} : vectors.counts()[static_cast<size_t>(i)]);
  }
  write_all(file, subwords.buckets);
  write_all(file, vectors.values());
  write_all(file, subwords.values);
}

}  // namespace

WordFileFormat word_format_of(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  if (extension == ".vec" || extension == ".txt") return WordFileFormat::kWord2vecText;
  if (extension == ".bin") return WordFileFormat::kWord2vecBinary;
  return WordFileFormat::kOnmal;
}

void write_word_vectors(const std::filesystem::path& path, const WordVectors& vectors,
                        WordFileFormat format) {
  AtomicFile file(path);
  if (format == WordFileFormat::kOnmal) {
    write_own(file, vectors);
  } else if (format == WordFileFormat::kWord2vecText) {
    write_word2vec_text(file, vectors, path.string());
  } else {
    write_word2vec_binary(file, vectors, path.string());
  }
  file.commit();
}

WordVectors parse_word_vectors(std::string_view bytes, const std::string& name) {
  if (bytes.starts_with(kMagic)) return parse_own(bytes, name);
  return parse_word2vec(bytes, name);
}

WordVectors read_word_vectors(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_word_vectors(file.text(), path.string());
}

}  // namespace onmal
