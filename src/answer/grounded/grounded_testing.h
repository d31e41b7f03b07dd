#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "answer/task_model.h"
#include "knowledge/passage.h"
#include "text/utf8.h"

namespace onmal::testing {

// A passage of a document's text: bytes [begin, end).
inline Passage passage_of(std::string_view document_text, size_t begin, size_t end,
                          int64_t document = 1, int64_t page = 0) {
  Passage passage;
  passage.document = document;
  passage.source = "docs/문서" + std::to_string(document) + ".pdf";
  passage.text = std::string(document_text.substr(begin, end - begin));
  passage.begin = begin;
  passage.end = end;
  passage.begin_character = static_cast<int64_t>(count_characters(document_text.substr(0, begin)));
  passage.page = page;
  return passage;
}

// A whole text as one passage of a document of its own.
inline Passage whole_passage(std::string_view text, int64_t document = 1) {
  return passage_of(text, 0, text.size(), document);
}

// Characters [begin, end) of a text.
inline std::string characters_between(std::string_view text, int64_t begin, int64_t end) {
  std::string out;
  int64_t index = 0;
  for (size_t at = 0; at < text.size(); ++index) {
    const Utf8Char c = read_utf8(text, at);
    if (index >= begin && index < end) out.append(text.substr(at, c.length));
    at += c.length;
  }
  return out;
}

inline int64_t count_bytes(std::string_view text) { return static_cast<int64_t>(text.size()); }

}  // namespace onmal::testing
