#include "words/word_text_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <span>

#include "base/error.h"

namespace onmal {
namespace {

constexpr int64_t kMostDim = 1 << 16;
constexpr int64_t kMostWords = (int64_t{1} << 31) - 1;
constexpr size_t kLongestWord = 1 << 16;

[[noreturn]] void refuse_text(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::kBadFile, name, what,
              "expected word vectors of onmal, word2vec (text or binary), fastText (.vec)");
}

void check_words(const WordVectors& vectors, const std::string& name) {
  for (const std::string& word : vectors.words()) {
    if (!word.empty() && word.find_first_of(" \n\r\t") == std::string::npos) continue;
    throw Error(ErrorCode::kInvalidArgument, name,
                "the word '" + word + "' holds white space, which this format cannot",
                "write another format");
  }
}

std::string header_of(const WordVectors& vectors) {
  return std::to_string(vectors.size()) + " " + std::to_string(vectors.dim()) + "\n";
}

std::string_view take_line(std::string_view& rest) {
  const size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(rest.size(), end + 1));
  while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
  return line;
}

// The field behind the last space or tab, taken off the line; the line keeps what is before it.
std::string_view take_last_field(std::string_view& line) {
  while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
  const size_t border = line.find_last_of(" \t");
  const std::string_view field = border == std::string_view::npos ? line : line.substr(border + 1);
  line = border == std::string_view::npos ? std::string_view() : line.substr(0, border);
  return field;
}

bool read_float(std::string_view field, float& value) {
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  return error == std::errc() && end == field.data() + field.size() && std::isfinite(value);
}

// Splits "word n1 … n_dim" from behind, so that words may hold spaces.
bool parse_row(std::string_view line, int64_t dim, std::string& word, float* values) {
  for (int64_t i = dim - 1; i >= 0; --i) {
    if (!read_float(take_last_field(line), values[i])) return false;
  }
  word = line;
  return !word.empty();
}

struct Shape {
  int64_t words;
  int64_t dim;
};

std::optional<Shape> parse_header(std::string_view line) {
  Shape shape = {};
  const char* const end = line.data() + line.size();
  const auto first = std::from_chars(line.data(), end, shape.words);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, shape.dim);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  return shape;
}

WordVectors parse_text(std::string_view rest, int64_t dim, std::optional<int64_t> words,
                       const std::string& name) {
  std::vector<std::string> names;
  std::vector<float> values;
  size_t line_number = words ? 1 : 0;
  while (!rest.empty()) {
    ++line_number;
    const std::string_view line = take_line(rest);
    if (line.empty()) continue;
    values.resize(values.size() + static_cast<size_t>(dim));
    std::string word;
    if (!parse_row(line, dim, word, values.data() + values.size() - static_cast<size_t>(dim))) {
      refuse_text(name, "line " + std::to_string(line_number) + " is not a word and " +
                            std::to_string(dim) + " numbers");
    }
    names.push_back(std::move(word));
  }
  if (words && *words != static_cast<int64_t>(names.size())) {
    refuse_text(name, "has " + std::to_string(names.size()) + " words where its first line tells " +
                          std::to_string(*words));
  }
  return WordVectors(dim, std::move(names), std::move(values));
}

WordVectors parse_binary(std::string_view rest, Shape shape, const std::string& name) {
  const auto row_bytes = static_cast<size_t>(shape.dim) * sizeof(float);
  if (static_cast<uint64_t>(shape.words) * (row_bytes + 2) > rest.size() + 1)
    refuse_text(name, "ends in the middle, or is no text and no binary of its first line's sizes");
  std::vector<std::string> names;
  std::vector<float> values(static_cast<size_t>(shape.words * shape.dim));
  for (int64_t i = 0; i < shape.words; ++i) {
    while (rest.starts_with('\n')) rest.remove_prefix(1);  // some writers end rows so
    const size_t border = rest.substr(0, kLongestWord).find(' ');
    if (border == std::string_view::npos || border == 0 || rest.size() - border - 1 < row_bytes)
      refuse_text(name, "is damaged or ends at word " + std::to_string(i + 1));
    names.emplace_back(rest.substr(0, border));
    float* row = values.data() + i * shape.dim;
    std::memcpy(row, rest.data() + border + 1, row_bytes);
    if (!std::all_of(row, row + shape.dim, [](float x) { return std::isfinite(x); }))
      refuse_text(name, "word " + std::to_string(i + 1) + " has a value that is no number");
    rest.remove_prefix(border + 1 + row_bytes);
  }
  if (rest.find_first_not_of("\r\n") != std::string_view::npos)
    refuse_text(name, "has bytes behind its last word");
  return WordVectors(shape.dim, std::move(names), std::move(values));
}

}  // namespace

void write_word2vec_text(AtomicFile& file, const WordVectors& vectors, const std::string& name) {
  check_words(vectors, name);
  file.write(header_of(vectors));
  for (int64_t i = 0; i < vectors.size(); ++i) {
    std::string line = vectors.word(i);
    for (int64_t j = 0; j < vectors.dim(); ++j) {
      char digits[32];  // the shortest that reads back as the same number
      const auto end = std::to_chars(digits, digits + sizeof digits, vectors.row(i)[j]).ptr;
      line += ' ';
      line.append(digits, end);
    }
    line += '\n';
    file.write(line);
  }
}

void write_word2vec_binary(AtomicFile& file, const WordVectors& vectors, const std::string& name) {
  check_words(vectors, name);
  file.write(header_of(vectors));
  for (int64_t i = 0; i < vectors.size(); ++i) {
    file.write(vectors.word(i) + ' ');
    file.write(std::as_bytes(std::span(vectors.row(i), static_cast<size_t>(vectors.dim()))));
    file.write("\n");
  }
}

WordVectors parse_word2vec(std::string_view bytes, const std::string& name) {
  constexpr std::string_view kFastTextMagic("\xBA\x16\x4F\x2F", 4);  // 793712314
  if (bytes.starts_with(kFastTextMagic)) {
    throw Error(ErrorCode::kUnsupported, name, "a model file of fastText",
                "give the .vec file that fastText wrote beside it");
  }
  std::string_view rest = bytes;
  const std::string_view first = take_line(rest);
  const std::optional<Shape> shape = parse_header(first);
  if (shape) {
    if (shape->dim < 1 || shape->dim > kMostDim || shape->words < 1 || shape->words > kMostWords)
      refuse_text(name, "its first line tells sizes that make no sense");
    std::string_view probe = rest;
    std::string word;
    std::vector<float> values(static_cast<size_t>(shape->dim));
    if (parse_row(take_line(probe), shape->dim, word, values.data()))
      return parse_text(rest, shape->dim, shape->words, name);
    return parse_binary(rest, *shape, name);
  }
  // GloVe: no first line. All but the first field are numbers.
  int64_t dim = 0;
  float value = 0;
  for (std::string_view line = first; line.find_first_of(" \t") != std::string_view::npos; ++dim) {
    if (!read_float(take_last_field(line), value)) break;
  }
  if (dim < 2 || dim > kMostDim) refuse_text(name, "does not begin like word vectors");
  return parse_text(bytes, dim, std::nullopt, name);
}

}  // namespace onmal
