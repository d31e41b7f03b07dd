#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

enum class BlockKind : uint8_t {
  kParagraph,
  kHeading,
  kListItem,
  kTableRow,
  kCode,
  kQuote,
};

// A stretch of a document's text that belongs together. Blocks follow one another, in order, and do
// not overlap; between them stand line breaks.
struct Block {
  BlockKind kind = BlockKind::kParagraph;
  uint8_t level = 0;   // of headings: 1 to 6
  uint64_t begin = 0;  // bytes of Document::text
  uint64_t end = 0;
};

// A page of a paged format, or a slide, a sheet, a message part.
struct Page {
  int64_t number = 1;  // from 1, as a reader of the document counts
  uint64_t begin = 0;  // byte of Document::text where it begins
};

// The source of text that stands nowhere in the file: separators, column names, decoded entities.
inline constexpr uint64_t kNoSource = ~uint64_t{0};

// Where a stretch of the text, up to the next one's begin, stands in the file, for formats whose
// files are text themselves (plain text, Markdown, HTML, CSV, source code): text[begin + i] is byte
// source + i of the decoded file: its bytes, byte order mark included, as UTF-8 in NFC (for nearly
// every UTF-8 file the file itself; see readers/encoding.h).
struct SourceSpan {
  uint64_t begin = 0;
  uint64_t source = 0;
};

// What a reader makes of a file: its text, and for each byte of it the page and block it stands in.
struct Document {
  std::filesystem::path path;
  std::string format;  // "pdf", "hwp", …
  std::string title;   // from metadata, or the first heading, or ""
  std::string text;    // valid UTF-8, NFC, line breaks \n
  std::vector<Block> blocks;
  std::vector<Page> pages;  // empty: the format has none
  std::vector<SourceSpan> sources;
  std::vector<std::string> warnings;  // what was left out, one line each (an image, an odd record)
};

// 1-based page of a byte of the text; 0 when the format has no pages.
int64_t page_of(const Document& document, uint64_t at);

struct ReadLimits {
  uint64_t file_bytes = uint64_t{512} << 20;  // of the file
  uint64_t text_bytes = uint64_t{256} << 20;  // of what comes out, however it was packed
  int64_t seconds = 120;                      // of an outside program (pdftotext)
};

// Reads a file by its content and name: plain text, Markdown, HTML, PDF (through the program
// `pdftotext`), DOCX, HWPX, HWP 5, CSV/TSV, JSON lines, mail, source code. Throws Error:
// kUnsupported (a format without a reader, encrypted, an older HWP), kBadFile (truncated, not what
// its format says), kResource (beyond a limit), kIo.
Document read_document(const std::filesystem::path& path, const ReadLimits& limits = {});
// The same from memory; `path` gives the name alone.
Document read_document_bytes(std::string_view bytes, const std::filesystem::path& path,
                             const ReadLimits& limits = {});

// The formats that have a reader, with the endings that name them.
std::vector<std::string> document_formats();

}  // namespace onmal
