#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/readers/builder.h"

namespace onmal {

// What a reader gets. Readers throw as read_document says.
struct ReaderInput {
  std::string_view bytes;  // of the whole file
  std::filesystem::path path;
  std::string ending;  // of the name, lowercase, with its dot: ".md"; or ""

  std::string where() const { return path.string(); }
};

// A format. The first one whose signature fits reads a file; without one, the file's ending
// decides.
struct DocumentReader {
  std::string format;
  std::vector<std::string> endings;  // lowercase, with the dot
  // By content alone; null for formats without a signature.
  bool (*recognize)(std::string_view bytes);
  void (*read)(const ReaderInput& input, DocumentBuilder& out);
};

// In the order they are asked.
std::vector<DocumentReader> document_readers();

// Each in the file of its name.
bool is_pdf(std::string_view bytes);
void read_pdf(const ReaderInput& input, DocumentBuilder& out);
bool is_compound_file(std::string_view bytes);
void read_hwp(const ReaderInput& input, DocumentBuilder& out);
bool is_docx(std::string_view bytes);
void read_docx(const ReaderInput& input, DocumentBuilder& out);
bool is_hwpx(std::string_view bytes);
void read_hwpx(const ReaderInput& input, DocumentBuilder& out);
bool is_html(std::string_view bytes);
void read_html(const ReaderInput& input, DocumentBuilder& out);
bool is_mail(std::string_view bytes);
void read_mail(const ReaderInput& input, DocumentBuilder& out);
void read_markdown(const ReaderInput& input, DocumentBuilder& out);
void read_delimited(const ReaderInput& input, DocumentBuilder& out);
void read_json_lines(const ReaderInput& input, DocumentBuilder& out);
std::vector<std::string> source_code_endings();
void read_source_code(const ReaderInput& input, DocumentBuilder& out);
void read_plain_text(const ReaderInput& input, DocumentBuilder& out);

// Of decoded text, for readers of formats that hold it. `keep_sources`: the text is the file's.
void add_paragraphs(std::string_view text, bool keep_sources, DocumentBuilder& out);
void add_html(std::string_view text, bool keep_sources, DocumentBuilder& out);

}  // namespace onmal
