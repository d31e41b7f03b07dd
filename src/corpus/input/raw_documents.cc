#include "corpus/input/raw_documents.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "corpus/input/html_text.h"
#include "corpus/input/line_stream.h"
#include "corpus/input/warc.h"
#include "text/encoding.h"
#include "text/utf8.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

constexpr std::pair<std::string_view, InputFormat> kEndings[] = {
    {".txt", InputFormat::kParagraphs},  {".md", InputFormat::kText},
    {".jsonl", InputFormat::kJsonLines}, {".ndjson", InputFormat::kJsonLines},
    {".tsv", InputFormat::kTable},       {".html", InputFormat::kHtml},
    {".htm", InputFormat::kHtml},        {".warc", InputFormat::kWarc},
    {".wet", InputFormat::kWarc},        {".lines", InputFormat::kLines}};

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

  void fault(uint64_t record, const std::string& what) { on_fault_({record, what}); }

  std::string too_long() const {
    return "is longer than " + mebibytes(options_.most_document_bytes);
  }

  // Any bytes: as UTF-8, else what they are decoded as, else with the bad ones replaced.
  void give(std::string_view text, uint64_t record, std::string_view url = {}) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
    if (find_invalid_utf8(text) == std::string_view::npos) return on_document_({text, url, record});
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
    on_document_({clean, url, record});
  }

  template <typename Take>
  void read_lines(const Take& take) {
    LineStream lines(open_byte_stream(path_), options_.most_document_bytes);
    for (std::string_view line; lines.next(line);) {
      ++record_;
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
    LineStream lines(open_byte_stream(path_), options_.most_document_bytes);
    for (std::string_view line; lines.next(line);) {
      ++record_;
      if (record_ % 1024 == 0) check_stop();
      if (record_ == 1) line.remove_prefix(mark_length(line));
      if (line.find_first_not_of(" \t") == std::string_view::npos) {
        finish();
        first = record_ + 1;
        continue;
      }
      cut = cut || lines.was_cut() || document.size() + line.size() > options_.most_document_bytes;
      if (!cut) document.append(document.empty() ? "" : "\n").append(line);
    }
    finish();
  }

  void read_object(std::string_view line) {
    if (line.empty()) return;
    const nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object()) return fault(record_, "is no JSON object");
    std::string text;
    for (const std::string& field : options_.fields) {
      const auto found = object.find(field);
      if (found == object.end() || !found->is_string())
        return fault(record_, "has no text in \"" + field + "\"");
      text += (text.empty() ? "" : "\n") + found->get_ref<const std::string&>();
    }
    const auto url = object.find("url");
    give(text, record_,
         url != object.end() && url->is_string() ? url->get_ref<const std::string&>() : "");
  }

  void read_row(std::string_view line) {
    std::vector<std::string_view> fields;
    for (size_t begin = 0; begin <= line.size();) {
      const size_t end = std::min(line.find('\t', begin), line.size());
      fields.push_back(line.substr(begin, end - begin));
      begin = end + 1;
    }
    if (record_ == 1) {
      for (const std::string& name : options_.fields) {
        const auto found = std::find(fields.begin(), fields.end(), name);
        if (found == fields.end()) {
          throw Error(ErrorCode::kBadFile, path_.string(), "has no column '" + name + "'",
                      "name one of its first row");
        }
        columns_.push_back(static_cast<size_t>(found - fields.begin()));
      }
      return;
    }
    std::string text;
    for (const size_t column : columns_) {
      if (column >= fields.size()) return fault(record_, "has too few fields");
      text.append(text.empty() ? "" : "\n").append(fields[column]);
    }
    give(text, record_);
  }

  void read_whole() {
    record_ = 1;
    const std::unique_ptr<ByteStream> stream = open_byte_stream(path_);
    std::string text(options_.most_document_bytes + 1, '\0');
    text.resize(stream->read(text));
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
  std::vector<size_t> columns_;  // of a table
};

}  // namespace

InputFormat input_format_of(const fs::path& path) {
  std::string name = path.filename().string();
  for (const char* packed : {".gz", ".xz", ".zst"}) {
    if (name.ends_with(packed)) name.resize(name.size() - std::string_view(packed).size());
  }
  for (const auto& [ending, format] : kEndings) {
    if (name.ends_with(ending)) return format;
  }
  throw Error(ErrorCode::kInvalidArgument, path.string(), "its name tells no format",
              "state one: text, lines, paragraphs, jsonl, table, html, warc");
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
