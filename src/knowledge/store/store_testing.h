#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "knowledge/analyzer.h"
#include "knowledge/lexical/terms.h"
#include "knowledge/store/store.h"

namespace onmal {

// A document of the given passages, as add_files would make it.
inline NewDocument make_document(const std::string& source,
                                 const std::vector<std::string>& passages,
                                 const std::vector<std::string>& labels = {},
                                 const std::string& collection = "default") {
  NewDocument document;
  document.info.collection = collection;
  document.info.source = source;
  document.info.title = "title of " + source;
  document.info.format = "text";
  document.info.labels = labels;
  document.info.hash = "hash of " + source;
  const Analyzer analyzer;
  uint64_t begin = 0;
  for (const std::string& passage : passages) {
    NewChunk chunk;
    chunk.begin = begin;
    chunk.end = begin + passage.size();
    begin = chunk.end + 1;
    chunk.text = passage;
    chunk.headings = {"one", "two"};
    chunk.terms = chunk_terms(analyzer, {}, passage);
    document.chunks.push_back(std::move(chunk));
  }
  return document;
}

// Texts of what is found, best first.
inline std::vector<std::string> search_texts(KnowledgeStore& store, const std::string& query,
                                             int64_t k = 10, const Access& access = {}) {
  const Analyzer analyzer;
  std::vector<int64_t> chunks;
  for (const ScoredChunk& hit : store.search_terms(query_terms(analyzer, query), k, access))
    chunks.push_back(hit.chunk);
  std::vector<std::string> texts;
  for (const Passage& passage : store.passages(chunks)) texts.push_back(passage.text);
  return texts;
}

}  // namespace onmal
