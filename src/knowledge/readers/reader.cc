#include "knowledge/readers/reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "knowledge/readers/zip_package.h"
#include "text/unicode.h"

namespace onmal {
namespace {

using Named = std::pair<std::string_view, const char*>;

// Whether the first element, behind an XML declaration, comments and a document type, is SVG's.
bool is_svg(std::string_view bytes) {
  std::string_view rest = bytes.substr(0, 4096);
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  for (;;) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
    if (rest.starts_with("]>")) {  // the end of a document type's own declarations
      rest.remove_prefix(2);
      continue;
    }
    if (!rest.starts_with("<?") && !rest.starts_with("<!")) break;
    const std::string_view end = rest.starts_with("<!--") ? "-->" : ">";
    const size_t found = rest.find(end);
    if (found == rest.npos) return false;
    rest.remove_prefix(found + end.size());
  }
  return rest.starts_with("<svg") && rest.find_first_of(" \t\r\n>/") == 4;
}

// Formats that are known and not read.
std::string unread_kind(std::string_view bytes) {
  constexpr std::array<Named, 12> kSignatures = {{
      {"HWP Document File V", "an HWP 3 document; save it as HWP 5 or HWPX"},
      {"\x89PNG", "a picture"},
      {"\xFF\xD8\xFF", "a picture"},
      {"GIF8", "a picture"},
      {"RIFF", "sound, a film or a picture"},
      {"\x1F\x8B", "a gzip file; unpack it first"},
      {"7z\xBC\xAF", "a 7z file; unpack it first"},
      {"\x28\xB5\x2F\xFD", "a zstd file; unpack it first"},
      {"\x7F"
       "ELF",
       "a program"},
      {"{\\rtf", "RTF; save it as DOCX or PDF"},
      {"SQLite format 3", "a database"},
      {"GGUF", "a model"},
  }};
  for (const auto& [signature, kind] : kSignatures)
    if (bytes.starts_with(signature)) return kind;
  if (bytes.substr(0, 2000).find("<HWPML") != bytes.npos) return "HWPML; save it as HWPX";
  if (!bytes.starts_with("PK\x03\x04")) return "";
  for (const auto& [part, kind] :
       {Named{"xl/workbook.xml", "an Excel file; save it as CSV"},
        Named{"ppt/presentation.xml", "a PowerPoint file; save it as PDF"},
        Named{"content.xml", "OpenDocument; save it as DOCX or PDF"}})
    if (zip_mentions(bytes, part)) return kind;
  return "a zip file of unknown contents; unpack it first";
}

const DocumentReader* reader_for_ending(const std::vector<DocumentReader>& readers,
                                        const std::string& ending) {
  for (const DocumentReader& reader : readers) {
    const auto& endings = reader.endings;
    if (std::find(endings.begin(), endings.end(), ending) != endings.end()) return &reader;
  }
  return nullptr;
}

const DocumentReader& choose(const std::vector<DocumentReader>& readers, const ReaderInput& input) {
  const DocumentReader* named = reader_for_ending(readers, input.ending);
  const auto is_binary = [](const DocumentReader& reader) {
    return reader.format == "pdf" || reader.format == "hwp" || reader.format == "docx" ||
           reader.format == "hwpx";
  };
  for (const DocumentReader& reader : readers) {
    // A name that says text of some kind goes before what the text looks like.
    if (named != nullptr && !is_binary(reader) && !is_binary(*named)) break;
    if (reader.recognize != nullptr && reader.recognize(input.bytes)) return reader;
  }
  if (const std::string kind = unread_kind(input.bytes); !kind.empty()) {
    if (named != nullptr && named->format == "docx" && kind.starts_with("a zip")) return *named;
    throw Error(ErrorCode::kUnsupported, input.where(), "no reader for this: " + kind);
  }
  const bool maybe_svg = named == nullptr || input.ending == ".xml";
  if (maybe_svg && (input.ending == ".svg" || is_svg(input.bytes)))
    throw Error(ErrorCode::kUnsupported, input.where(), "no reader for this: a picture");
  if (named == nullptr) return readers.back();
  if (is_binary(*named))
    throw Error(ErrorCode::kBadFile, input.where(),
                "named " + input.ending + ", but its contents are not of that format");
  return *named;
}

}  // namespace

std::vector<DocumentReader> document_readers() {
  return {{"pdf", {".pdf"}, is_pdf, read_pdf},
          {"hwp", {".hwp", ".hwt"}, is_compound_file, read_hwp},
          {"hwpx", {".hwpx"}, is_hwpx, read_hwpx},
          {"docx", {".docx", ".docm", ".dotx"}, is_docx, read_docx},
          {"html", {".html", ".htm", ".xhtml"}, is_html, read_html},
          {"eml", {".eml"}, is_mail, read_mail},
          {"markdown", {".md", ".markdown"}, nullptr, read_markdown},
          {"csv", {".csv"}, nullptr, read_delimited},
          {"tsv", {".tsv", ".tab"}, nullptr, read_delimited},
          {"jsonl", {".jsonl", ".ndjson"}, nullptr, read_json_lines},
          {"code", source_code_endings(), nullptr, read_source_code},
          {"text", {".txt", ".text", ".log", ".rst", ".adoc", ".org"}, nullptr, read_plain_text}};
}

Document read_document(const std::filesystem::path& path, const ReadLimits& limits) {
  if (!std::filesystem::is_regular_file(path))
    throw Error(ErrorCode::kIo, path.string(), "no such file");
  return read_document_bytes(read_file(path, limits.file_bytes), path, limits);
}

Document read_document_bytes(std::string_view bytes, const std::filesystem::path& path,
                             const ReadLimits& limits) {
  ReaderInput input = {bytes, path, lowercase(path.extension().string())};
  if (bytes.size() > limits.file_bytes)
    throw Error(ErrorCode::kResource, input.where(),
                "larger than " + std::to_string(limits.file_bytes) + " bytes", "split it");
  const std::vector<DocumentReader> readers = document_readers();
  const DocumentReader& reader = choose(readers, input);
  DocumentBuilder out(path, reader.format, limits);
  reader.read(input, out);
  return out.finish();
}

std::vector<std::string> document_formats() {
  std::vector<std::string> lines;
  for (const DocumentReader& reader : document_readers()) {
    std::string line = reader.format + ":";
    for (const std::string& ending : reader.endings) line += " " + ending;
    lines.push_back(line);
  }
  return lines;
}

}  // namespace onmal
