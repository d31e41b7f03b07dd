#include <algorithm>
#include <string>

#include "base/error.h"
#include "knowledge/readers/reader.h"
#include "knowledge/readers/subprocess.h"

namespace onmal {
namespace {

ProgramResult run_poppler(const std::vector<std::string>& arguments, const ReaderInput& input,
                          const DocumentBuilder& out) {
  const ProgramLimits limits = {out.limits().text_bytes, out.limits().seconds};
  ProgramResult result = run_program_with_input(arguments, input.bytes, limits);
  if (!result.found)
    throw Error(ErrorCode::kUnsupported, input.where(), "PDF needs the program pdftotext",
                "install the package poppler-utils");
  if (result.timed_out)
    throw Error(ErrorCode::kResource, input.where(),
                "pdftotext was still busy after " + std::to_string(limits.seconds) + " seconds");
  if (result.too_long)
    throw Error(ErrorCode::kResource, input.where(),
                "its text is longer than " + std::to_string(limits.output_bytes) + " bytes",
                "split it");
  return result;
}

// The last line that says anything.
std::string reason_of(const ProgramResult& result) {
  const std::string& all = result.messages;
  const size_t end = all.find_last_not_of(" \n");
  if (end == all.npos) return "pdftotext ended with status " + std::to_string(result.status);
  const size_t begin = all.rfind('\n', end);
  return "pdftotext says: " + all.substr(begin == all.npos ? 0 : begin + 1,
                                         end - (begin == all.npos ? 0 : begin + 1) + 1);
}

void read_title(const ReaderInput& input, DocumentBuilder& out) {
  const ProgramResult result = run_poppler({"pdfinfo", "-enc", "UTF-8", "-"}, input, out);
  const std::string key = "Title:";
  if (result.status != 0 || !result.output.starts_with(key)) return;
  out.set_title(
      std::string_view(result.output).substr(key.size(), result.output.find('\n') - key.size()));
}

}  // namespace

bool is_pdf(std::string_view bytes) { return bytes.substr(0, 1024).find("%PDF-") != bytes.npos; }

void read_pdf(const ReaderInput& input, DocumentBuilder& out) {
  const ProgramResult result = run_poppler({"pdftotext", "-enc", "UTF-8", "-", "-"}, input, out);
  if (result.status != 0) {
    const bool locked = result.messages.find("assword") != std::string::npos;
    throw Error(locked ? ErrorCode::kUnsupported : ErrorCode::kBadFile, input.where(),
                reason_of(result), locked ? "save it without a password" : "");
  }
  if (result.output.empty())
    throw Error(ErrorCode::kBadFile, input.where(), "no pages; " + reason_of(result));
  if (!result.messages.empty()) out.warn(reason_of(result));
  read_title(input, out);
  int64_t number = 0;
  for (size_t begin = 0; begin < result.output.size();) {
    const size_t end = std::min(result.output.find('\f', begin), result.output.size());
    out.begin_page(++number);
    add_paragraphs(std::string_view(result.output).substr(begin, end - begin), false, out);
    begin = end + 1;
  }
  if (out.empty()) out.warn("no text on its pages: perhaps pictures of text, which need OCR");
}

}  // namespace onmal
