#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "knowledge/document.h"

namespace onmal {

// A passage of a document, small enough to be put before a model.
struct Chunk {
  uint64_t begin = 0;  // bytes of Document::text
  uint64_t end = 0;
  int64_t page = 0;                   // where it begins; 0: the format has none
  std::vector<std::string> headings;  // it stands under these, the outermost first
};

struct ChunkOptions {
  int64_t most_tokens = 256;    // of the passage itself, its headings not counted
  int64_t overlap_tokens = 32;  // of the end of one passage that the next begins with, in sentences
};

// Tokens of a stretch of text, by whatever counts: a model's tokenizer, or estimate_tokens.
using CountTokens = FunctionRef<int64_t(std::string_view text)>;

// A count without a tokenizer: a token for about every syllable and a half of Korean, four letters
// of Latin, each sign.
int64_t estimate_tokens(std::string_view text);

// Cuts a document into passages that cover its text: at headings, then between blocks, then between
// sentences, then, where a sentence alone is too long, between words or characters. Rows of a table
// and items of a list stay whole where they fit. A heading begins a passage and never ends one.
// Passages do not go over a page's end unless a sentence does. Throws Error(kInvalidArgument) when
// most_tokens < 16, or overlap_tokens is negative or above half of it.
std::vector<Chunk> chunk_document(const Document& document, const ChunkOptions& options,
                                  CountTokens count);

}  // namespace onmal
