#include "corpus/input/raw_documents.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "corpus/input/csv.h"
#include "corpus/input/html_text.h"
#include "corpus/input/json_fields.h"
#include "corpus/input/line_stream.h"
#include "corpus/input/warc.h"
#include "text/encoding.h"
#include "text/utf8.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

constexpr std::pair<std::string_view, InputFormat> kFormatEndings[] = {
    {".txt", InputFormat::kParagraphs},  {".md", InputFormat::kText},
    {".jsonl", InputFormat::kJsonLines}, {".ndjson", InputFormat::kJsonLines},
    {".json", InputFormat::kJson},       {".csv", InputFormat::kCsv},
    {".tsv", InputFormat::kTable},       {".html", InputFormat::kHtml},
    {".htm", InputFormat::kHtml},        {".warc", InputFormat::kWarc},
    {".wet", InputFormat::kWarc},        {".lines", InputFormat::kLines}};

constexpr std::pair<std::string_view, InputFormat> kFormatNames[] = {
    {"text", InputFormat::kText},
    {"lines", InputFormat::kLines},
    {"paragraphs", InputFormat::kParagraphs},
    {"jsonl", InputFormat::kJsonLines},
    {"json", InputFormat::kJson},
    {"tsv", InputFormat::kTable},
    {"csv", InputFormat::kCsv},
    {"html", InputFormat::kHtml},
    {"warc", InputFormat::kWarc}};

std::string mebibytes(uint64_t bytes) {
  return bytes >= (uint64_t{1} << 20) ? std::to_string(bytes >> 20) + " MiB"
                                      : std::to_string(bytes) + " bytes";
}

class Reader {
 public:
  Reader(const fs::path& path, const InputOptions& options,
         FunctionRef<void(const RawDocument&)> on_document,
         FunctionRef<void(const InputFault&)> on_fault, const std::stop_token& stop)
      : path_(path),
        options_(options),
        on_document_(on_document),
        on_fault_(on_fault),
        stop_(stop) {}

  void run() {
    switch (options_.format) {
      case InputFormat::kText:
      case InputFormat::kHtml:
        return read_whole();
      case InputFormat::kLines:
        return read_lines([&](std::string_view line) { give(line, record_); });
      case InputFormat::kParagraphs:
        return read_paragraphs();
      case InputFormat::kJsonLines:
        return read_lines([&](std::string_view line) { read_object(line); });
      case InputFormat::kJson:
        return read_list();
      case InputFormat::kCsv:
        return read_csv();
      case InputFormat::kTable:
        return read_lines([&](std::string_view line) { read_row(line); });
      case InputFormat::kWarc:
        return read_archive();
    }
  }

  uint64_t record() const { return record_; }

 private:
  void check_stop() const {
    if (stop_.stop_requested()) throw Error(ErrorCode::kCancelled, path_.string(), "stopped");
  }

  void place(uint64_t offset, uint64_t packed) {
    offset_ = offset;
    packed_ = packed;
  }

  void fault(uint64_t record, const std::string& what) { on_fault_({record, what}); }

  std::string too_long() const {
    return "is longer than " + mebibytes(options_.most_document_bytes);
  }

  // Any bytes: as UTF-8, else what they are decoded as, else with the bad ones replaced.
  void give(std::string_view text, uint64_t record, std::string_view url = {},
            bool is_utf8 = false) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
    if (is_utf8 || find_invalid_utf8(text) == std::string_view::npos)
      return on_document_({text, url, record, offset_, packed_});
    std::string decoded;
    try {
      decoded = decode_text(text, path_.string()).text;
    } catch (const Error&) {
      decoded = text;
    }
    std::string clean;
    size_t bad = 0;
    for (size_t at = 0; at < decoded.size();) {
      const Utf8Char c = read_utf8(decoded, at);
      bad += c.valid ? 0 : 1;
      append_utf8(c.valid ? c.code : 0xFFFD, clean);
      at += c.length;
    }
    if (bad > 0) fault(record, std::to_string(bad) + " bytes are no UTF-8 and were replaced");
    on_document_({clean, url, record, offset_, packed_});
  }

  // Bytes as UTF-8 where they are certain to be something else.
  std::string_view as_utf8(std::string_view line) {
    decoded_is_utf8_ = find_invalid_utf8(line) == std::string_view::npos;
    if (decoded_is_utf8_) return line;
    try {
      decoded_ = decode_text(line, path_.string()).text;
    } catch (const Error&) {
      return line;
    }
    decoded_is_utf8_ = find_invalid_utf8(decoded_) == std::string_view::npos;
    return decoded_;
  }

  template <typename Take>
  void read_lines(const Take& take) {
    LineStream lines(open_text_stream(path_), options_.most_document_bytes);
    for (std::string_view line; lines.next(line);) {
      ++record_;
      place(lines.offset(), lines.packed_position());
      if (record_ % 1024 == 0) check_stop();
      if (record_ == 1) line.remove_prefix(mark_length(line));
      if (lines.was_cut()) {
        fault(record_, too_long());
        continue;
      }
      take(line);
    }
  }

  void read_paragraphs() {
    std::string document;
    uint64_t first = 1;
    bool cut = false;
    const auto finish = [&] {
      if (cut) {
        fault(first, too_long());
      } else {
        give(document, first);
      }
      document.clear();
      cut = false;
    };
    LineStream lines(open_text_stream(path_), options_.most_document_bytes);
    for (std::string_view line; lines.next(line);) {
      ++record_;
      if (record_ % 1024 == 0) check_stop();
      if (record_ == 1) line.remove_prefix(mark_length(line));
      if (line.find_first_not_of(" \t") == std::string_view::npos) {
        finish();
        first = record_ + 1;
        continue;
      }
      if (record_ == first) place(lines.offset(), lines.packed_position());
      cut = cut || lines.was_cut() || document.size() + line.size() > options_.most_document_bytes;
      if (!cut) document.append(document.empty() ? "" : "\n").append(line);
    }
    finish();
  }

  bool is_too_late(const std::string* date) const {
    return !options_.date_field.empty() && !options_.begins_before.empty() &&
           (date == nullptr || *date >= options_.begins_before);
  }

  void read_object(std::string_view line) {
    if (line.find_first_not_of(" \t") == std::string_view::npos) return;
    if (names_.empty()) {
      names_ = options_.fields;
      names_.insert(names_.end(), {"url", options_.date_field});
    }
    line = as_utf8(line);
    if (!decoded_is_utf8_ || !read_json_fields(line, names_, values_))
      return fault(record_, "is no JSON object");
    const size_t fields = options_.fields.size();
    if (is_too_late(values_[fields + 1] ? &*values_[fields + 1] : nullptr)) return;
    joined_.clear();
    std::string_view text;
    bool any = false;
    for (size_t i = 0; i < fields; ++i) {
      any = any || values_[i].has_value();
      if (!values_[i] || values_[i]->empty()) continue;
      if (text.empty()) {  // mostly the only one
        text = *values_[i];
        continue;
      }
      if (joined_.empty()) joined_ = text;
      text = joined_.append("\n").append(*values_[i]);
    }
    if (!any) return fault(record_, "has no text in \"" + joined_fields() + "\"");
    give(text, record_, values_[fields] ? *values_[fields] : std::string_view(), true);
  }

  std::string joined_fields() const {
    std::string names;
    for (const std::string& field : options_.fields) names += (names.empty() ? "" : ", ") + field;
    return names;
  }

  void read_list() {
    JsonListReader list(open_text_stream(path_), options_.most_document_bytes);
    for (std::string_view object; list.next(object, path_.string());) {
      ++record_;
      place(list.offset(), list.packed_position());
      if (record_ % 1024 == 0) check_stop();
      if (list.was_cut()) {
        fault(record_, too_long());
        continue;
      }
      read_object(object);
    }
  }

  size_t column_of(const std::vector<std::string>& header, const std::string& name) const {
    const auto found = std::find(header.begin(), header.end(), name);
    if (found == header.end()) {
      throw Error(ErrorCode::kBadFile, path_.string(), "has no column '" + name + "'",
                  "name one of its first row");
    }
    return static_cast<size_t>(found - header.begin());
  }

  void take_row(const std::vector<std::string>& row) {
    if (record_ == 1) {
      for (const std::string& name : options_.fields) columns_.push_back(column_of(row, name));
      if (!options_.date_field.empty()) date_column_ = column_of(row, options_.date_field);
      return;
    }
    if (!options_.date_field.empty() &&
        is_too_late(date_column_ < row.size() ? &row[date_column_] : nullptr))
      return;
    std::string text;
    for (const size_t column : columns_) {
      if (column >= row.size()) return fault(record_, "has too few fields");
      if (!row[column].empty()) text.append(text.empty() ? "" : "\n").append(row[column]);
    }
    give(text, record_);
  }

  void read_row(std::string_view line) {
    line = as_utf8(line);
    row_.clear();
    for (size_t begin = 0; begin <= line.size();) {
      const size_t end =
          row_.size() < kMostColumns ? std::min(line.find('\t', begin), line.size()) : line.size();
      row_.emplace_back(line.substr(begin, end - begin));
      begin = end + 1;
    }
    take_row(row_);
  }

  void read_csv() {
    CsvReader rows(open_text_stream(path_), options_.most_document_bytes);
    while (rows.next(row_)) {
      ++record_;
      place(rows.offset(), rows.packed_position());
      if (record_ % 1024 == 0) check_stop();
      if (rows.was_cut()) {
        fault(record_, too_long() + " or has a quote that never ends");
        continue;
      }
      if (record_ == 1) row_[0].erase(0, mark_length(row_[0]));
      for (std::string& field : row_) field = as_utf8(field);
      take_row(row_);
    }
  }

  void read_whole() {
    record_ = 1;
    const std::unique_ptr<ByteStream> stream = open_byte_stream(path_);
    std::string text(options_.most_document_bytes + 1, '\0');
    text.resize(stream->read(text));
    place(0, stream->packed_position());
    if (text.size() > options_.most_document_bytes) return fault(1, too_long());
    if (options_.format == InputFormat::kText)
      return give(std::string_view(text).substr(mark_length(text)), 1);
    give_page(decode_text(text, path_.string()).text, 1, {});
  }

  void give_page(std::string_view html, uint64_t record, std::string_view url) {
    const HtmlText page = read_html_text(html, path_.string());
    std::string text = page.title;
    text += (text.empty() || page.text.empty() ? "" : "\n\n") + page.text;
    if (page.text.empty()) return fault(record, "has no running text");
    give(text, record, url);
  }

  void read_archive() {
    WarcReader archive(open_byte_stream(path_), options_.most_document_bytes);
    for (WarcRecord one; archive.next(one);) {
      record_ = archive.records();
      place(archive.offset(), archive.packed_position());
      check_stop();
      if (one.cut) {
        fault(record_, too_long());
        continue;
      }
      try {
        if (one.type == "conversion") give(one.body, record_, one.url);
        if (one.type == "response" && one.is_html)
          give_page(decode_declared(one.body, one.charset, one.url).text, record_, one.url);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kCancelled) throw;
        fault(record_, error.what());
      }
    }
  }

  const fs::path& path_;
  const InputOptions& options_;
  FunctionRef<void(const RawDocument&)> on_document_;
  FunctionRef<void(const InputFault&)> on_fault_;
  const std::stop_token& stop_;
  uint64_t record_ = 0;
  uint64_t offset_ = 0;
  uint64_t packed_ = 0;
  std::vector<size_t> columns_;  // of a table
  size_t date_column_ = 0;
  std::vector<std::string> row_;
  std::vector<std::string> names_;  // of an object: the fields, "url", the date's
  std::vector<std::optional<std::string>> values_;
  std::string joined_;
  std::string decoded_;
  bool decoded_is_utf8_ = true;
};

}  // namespace

InputFormat input_format_of(const fs::path& path) {
  std::string name = path.filename().string();
  for (const char* packed : {".gz", ".xz", ".zst"}) {
    if (name.ends_with(packed)) name.resize(name.size() - std::string_view(packed).size());
  }
  for (const auto& [ending, format] : kFormatEndings) {
    if (name.ends_with(ending)) return format;
  }
  throw Error(ErrorCode::kInvalidArgument, path.string(), "its name tells no format",
              "state one: text, lines, paragraphs, json, jsonl, tsv, csv, html, warc");
}

std::string_view input_format_name(InputFormat format) {
  for (const auto& [name, known] : kFormatNames) {
    if (known == format) return name;
  }
  return "";
}

std::optional<InputFormat> input_format_named(std::string_view name) {
  for (const auto& [known, format] : kFormatNames) {
    if (known == name) return format;
  }
  return std::nullopt;
}

void read_raw_documents(const fs::path& path, const InputOptions& options,
                        FunctionRef<void(const RawDocument&)> on_document,
                        FunctionRef<void(const InputFault&)> on_fault,
                        const std::stop_token& stop) {
  // What the callbacks throw must not be taken for a fault of the file.
  std::exception_ptr thrown;
  const auto guarded = [&](const RawDocument& document) {
    try {
      on_document(document);
    } catch (...) {
      thrown = std::current_exception();
      throw;
    }
  };
  Reader reader(path, options, guarded, on_fault, stop);
  try {
    reader.run();
  } catch (const Error& error) {
    if (thrown != nullptr || error.code() == ErrorCode::kCancelled) throw;
    on_fault({reader.record(), error.what()});
  }
}

}  // namespace onmal
