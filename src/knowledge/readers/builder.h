#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "knowledge/document.h"

namespace onmal {

// Puts a Document together block by block and keeps its promises: valid UTF-8, NFC, line breaks \n,
// no other control characters than tabs, no empty blocks, never more than limits.text_bytes
// (Error(kResource)).
class DocumentBuilder {
 public:
  DocumentBuilder(const std::filesystem::path& path, std::string format, const ReadLimits& limits);

  // Ends the block before, if one is open.
  void begin_block(BlockKind kind, int level = 0);
  void end_block();
  bool in_block() const { return open_; }
  bool empty() const { return document_.blocks.empty() && !open_; }
  // Bytes of the open block so far, before normalisation.
  uint64_t open_bytes() const;

  // Text of the open block. `source` is where the first byte of `text` stands in the decoded file.
  void append(std::string_view text, uint64_t source = kNoSource);
  // A block of its own; one without visible characters is left out.
  void add_block(BlockKind kind, std::string_view text, int level = 0);

  // What follows stands on this page (from 1).
  void begin_page(int64_t number);
  void set_title(std::string_view title);
  bool has_title() const { return !document_.title.empty(); }
  // One line each; the same one once.
  void warn(const std::string& warning);
  // Counted and written once at the end: "3 pictures left out".
  void leave_out(const std::string& things);

  const ReadLimits& limits() const { return limits_; }
  // The name for error messages.
  std::string where() const { return document_.path.string(); }

  Document finish();

 private:
  void append_clean(std::string_view text, uint64_t source);
  void note_source(uint64_t source);
  void trim_open_block();
  void normalize_open_block();

  Document document_;
  ReadLimits limits_;
  std::map<std::string, int64_t> left_out_;
  Block block_;
  bool open_ = false;
  bool page_waits_ = false;
  Page page_;
  size_t first_source_ = 0;  // of the open block in document_.sources
  bool keeps_sources_ = false;
};

}  // namespace onmal
