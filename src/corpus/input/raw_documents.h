#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"

namespace onmal {

enum class InputFormat : uint8_t {
  kText,        // the whole file is one document
  kLines,       // each line is one
  kParagraphs,  // they end at blank lines
  kJsonLines,   // `fields` of each object, joined by line feeds
  kJson,        // likewise of the objects of a list
  kTable,       // tab-separated with a header row, likewise
  kCsv,         // comma-separated, fields perhaps quoted and over several lines
  kHtml,        // the running text of a page
  kWarc,        // pages (response) and plain text (conversion, WET) of a web archive
};
// By a file's name, packed or not. Throws Error(kInvalidArgument) listing the formats for a name
// that says nothing.
InputFormat input_format_of(const std::filesystem::path& path);

// "text", "jsonl" … and back; none for an unknown name.
std::string_view input_format_name(InputFormat format);
std::optional<InputFormat> input_format_named(std::string_view name);

struct InputOptions {
  InputFormat format = InputFormat::kText;
  std::vector<std::string> fields = {"text"};
  uint64_t most_document_bytes = uint64_t{16} << 20;
  // Of JSON and tables: only records whose `date_field` is there and less than that.
  std::string date_field = {}, begins_before = {};
};

struct RawDocument {
  std::string_view text;  // valid UTF-8 (bytes that were not are U+FFFD)
  std::string_view url;   // of a page, else ""
  uint64_t record = 0;    // line, row or record of the file, from 1
  uint64_t offset = 0;    // where it begins in the unpacked file (in UTF-8 where that is UTF-16)
  uint64_t packed_offset = 0;  // bytes of the file itself taken so far
};

// What was passed over.
struct InputFault {
  uint64_t record = 0;
  std::string what;  // "is no JSON object", "is longer than 16 MiB", …
};

// Reads a file document by document, in its order, in memory that does not depend on its size. A
// bad record is reported and passed over; so is the rest of a file whose compressed data break off
// or which cannot be read. Text in CP949 or UTF-16 is turned to UTF-8 where it is certain to be
// that. Throws only what the callbacks throw, and Error(kCancelled) on a stop request.
void read_raw_documents(const std::filesystem::path& path, const InputOptions& options,
                        FunctionRef<void(const RawDocument&)> on_document,
                        FunctionRef<void(const InputFault&)> on_fault,
                        const std::stop_token& stop = {});

}  // namespace onmal
