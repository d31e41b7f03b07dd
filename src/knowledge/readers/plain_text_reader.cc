#include <algorithm>
#include <cctype>

#include "knowledge/readers/reader.h"
#include "text/encoding.h"

namespace onmal {
namespace {

struct Line {
  std::string_view text;  // without its line break
  size_t begin = 0;
  bool blank = false;
};

// Calls take(line) for each line; \n, \r\n and \r end one.
template <typename Take>
void for_each_line(std::string_view text, Take take) {
  for (size_t begin = mark_length(text); begin < text.size();) {
    const size_t end = std::min(text.find_first_of("\r\n", begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    take(Line{line, begin, line.find_first_not_of(" \t\f\v") == std::string_view::npos});
    begin = end + (text.substr(end, 2) == "\r\n" ? 2 : 1);
  }
}

void add_line(const Line& line, bool keep_sources, DocumentBuilder& out) {
  // The line break is the file's own, where it is \n.
  if (out.open_bytes() > 0) out.append("\n", keep_sources ? line.begin - 1 : kNoSource);
  out.append(line.text, keep_sources ? line.begin : kNoSource);
}

// A line at the margin that opens something, not one that closes or goes on.
bool starts_stretch(std::string_view line) {
  const auto first = static_cast<unsigned char>(line.front());
  return std::isspace(first) == 0 && std::string_view("})]>;,").find(line.front()) == line.npos &&
         !line.starts_with("end") && !line.starts_with("else");
}

}  // namespace

void add_paragraphs(std::string_view text, bool keep_sources, DocumentBuilder& out) {
  for_each_line(text, [&](const Line& line) {
    if (line.blank) {
      out.end_block();
      return;
    }
    if (!out.in_block()) out.begin_block(BlockKind::kParagraph);
    // `\r` alone is another byte than the text's line break.
    const bool own_break = line.begin > 0 && text[line.begin - 1] == '\n';
    if (out.open_bytes() > 0 && !own_break) {
      out.append("\n");
      out.append(line.text, keep_sources ? line.begin : kNoSource);
      return;
    }
    add_line(line, keep_sources, out);
  });
  out.end_block();
}

void read_plain_text(const ReaderInput& input, DocumentBuilder& out) {
  add_paragraphs(decode_text(input.bytes, input.where()).text, true, out);
}

std::vector<std::string> source_code_endings() {
  return {".c",    ".cc",  ".cpp",  ".cxx", ".h",     ".hh",   ".hpp",   ".cu",     ".m",
          ".mm",   ".py",  ".pyi",  ".js",  ".mjs",   ".cjs",  ".jsx",   ".ts",     ".tsx",
          ".java", ".kt",  ".kts",  ".go",  ".rs",    ".rb",   ".php",   ".swift",  ".scala",
          ".cs",   ".fs",  ".lua",  ".pl",  ".pm",    ".r",    ".jl",    ".hs",     ".ml",
          ".mli",  ".ex",  ".exs",  ".erl", ".clj",   ".dart", ".zig",   ".sh",     ".bash",
          ".zsh",  ".ps1", ".bat",  ".sql", ".cmake", ".css",  ".scss",  ".vue",    ".json",
          ".yaml", ".yml", ".toml", ".ini", ".cfg",   ".xml",  ".proto", ".gradle", ".tex",
          ".asm",  ".s",   ".f90",  ".vb",  ".tf",    ".mk",   ".diff"};
}

void read_source_code(const ReaderInput& input, DocumentBuilder& out) {
  const std::string text = decode_text(input.bytes, input.where()).text;
  bool after_blank = true;
  for_each_line(text, [&](const Line& line) {
    const bool starts = after_blank && !line.blank && starts_stretch(line.text);
    if (!out.in_block() || starts) {
      if (line.blank) return;
      out.begin_block(BlockKind::kCode);
    }
    const bool own_break = line.begin > 0 && text[line.begin - 1] == '\n';
    if (out.open_bytes() > 0) out.append("\n", own_break ? line.begin - 1 : kNoSource);
    out.append(line.text, line.begin);
    after_blank = line.blank;
  });
  out.end_block();
}

}  // namespace onmal
