#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "tokenizer/tokenizer.h"

namespace onmal {

// Identifies a vocabulary: shards made with another one must not be trained on.
uint64_t tokenizer_fingerprint(const Tokenizer& tokenizer);

struct ShardInfo {
  int64_t tokens = 0;
  int64_t documents = 0;
  int64_t text_bytes = 0;  // of the documents, for bits per byte
  uint64_t fingerprint = 0;
};

// Writes documents as token ids, one behind the other, each ended by the tokenizer's end token.
// File: "ONMALTOK", version, bytes per token (2 or 4), ShardInfo, tokens, padding to 8, document
// starts (u64).
class ShardWriter {
 public:
  ShardWriter(const std::filesystem::path& path, const Tokenizer& tokenizer);

  void add(std::span<const int32_t> ids, int64_t text_bytes);
  // Finishes and renames into place. Throws Error(kInvalidArgument) when no document was added.
  ShardInfo commit();

 private:
  AtomicFile file_;
  ShardInfo info_;
  int64_t bytes_per_token_;
  int32_t end_id_;
  std::vector<uint64_t> starts_;
};

// A shard mapped into memory. Every size is checked against the file on opening (Error kBadFile).
class ShardReader {
 public:
  explicit ShardReader(const std::filesystem::path& path);
  // Bytes that are there already and stay, 8-byte aligned; `where` is for errors.
  ShardReader(std::span<const std::byte> bytes, const std::string& where);

  const ShardInfo& info() const { return info_; }
  // Tokens [begin, begin + out.size()).
  void read(int64_t begin, std::span<int32_t> out) const;
  // First token of the document that holds `token`.
  int64_t document_start(int64_t token) const;
  // First token of the document after that; info().tokens when it is the last.
  int64_t next_document_start(int64_t token) const;

 private:
  void open(std::span<const std::byte> bytes, const std::string& where);

  MappedFile file_;
  ShardInfo info_;
  int64_t bytes_per_token_ = 0;
  const std::byte* tokens_ = nullptr;
  const uint64_t* starts_ = nullptr;
};

}  // namespace onmal
