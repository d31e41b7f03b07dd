#include "corpus/prepare/part_file.h"

#include <cstring>

#include "base/error.h"
#include "corpus/dedup/block_checksum.h"

namespace onmal {
namespace {

constexpr uint32_t kBlockMark = 0x3150504F;  // "OPP1"
constexpr uint64_t kMostBlockBytes = uint64_t{1} << 32;

struct BlockHeader {
  uint32_t mark;
  uint32_t documents;
  uint64_t bytes;
  uint64_t checksum;
};
static_assert(sizeof(BlockHeader) == 24);

struct DocumentHeader {
  uint32_t text_bytes;
  uint32_t url_bytes;
  uint32_t source;
  uint32_t file;
  uint64_t record;
  uint64_t offset;
  Fingerprint fingerprint;
  uint64_t language;
};
static_assert(sizeof(DocumentHeader) == 56);

[[noreturn]] void damaged(const std::string& where) {
  throw Error(ErrorCode::kBadFile, where, "is not as it was written",
              "prepare the corpus from the beginning with --fresh; check the disk");
}

}  // namespace

void append_document(const PartDocument& document, std::string& block) {
  const DocumentHeader header = {static_cast<uint32_t>(document.text.size()),
                                 static_cast<uint32_t>(document.url.size()),
                                 document.source,
                                 document.file,
                                 document.record,
                                 document.offset,
                                 document.fingerprint,
                                 static_cast<uint64_t>(document.language)};
  block.append(reinterpret_cast<const char*>(&header), sizeof header);
  block.append(document.text).append(document.url);
}

void for_each_document(std::string_view block, const std::string& where,
                       FunctionRef<void(const PartDocument&)> take) {
  while (!block.empty()) {
    DocumentHeader header{};
    if (block.size() < sizeof header) damaged(where);
    std::memcpy(&header, block.data(), sizeof header);
    block.remove_prefix(sizeof header);
    if (uint64_t{header.text_bytes} + header.url_bytes > block.size() ||
        header.language >= kLanguages)
      damaged(where);
    take({block.substr(0, header.text_bytes), block.substr(header.text_bytes, header.url_bytes),
          header.source, header.file, header.record, header.offset,
          static_cast<Language>(header.language), header.fingerprint});
    block.remove_prefix(header.text_bytes + header.url_bytes);
  }
}

void PartWriter::add(std::string_view block, uint64_t documents) {
  const BlockHeader header = {kBlockMark, static_cast<uint32_t>(documents), block.size(),
                              block_checksum(block)};
  file_.write(std::string_view(reinterpret_cast<const char*>(&header), sizeof header));
  file_.write(block);
  documents_ += documents;
}

PartReader::PartReader(const std::filesystem::path& path)
    : where_(path.string()), file_(path, std::ios::binary) {
  if (!file_) throw Error(ErrorCode::kIo, where_, "cannot open a part of the corpus");
}

bool PartReader::next(PartBlock& block) {
  BlockHeader header{};
  file_.read(reinterpret_cast<char*>(&header), sizeof header);
  if (file_.gcount() == 0) return false;
  if (file_.gcount() != sizeof header || header.mark != kBlockMark ||
      header.bytes > kMostBlockBytes)
    damaged(where_);
  block.bytes.resize(header.bytes);
  file_.read(block.bytes.data(), static_cast<std::streamsize>(header.bytes));
  if (static_cast<uint64_t>(file_.gcount()) != header.bytes ||
      block_checksum(block.bytes) != header.checksum)
    damaged(where_);
  block.first = documents_;
  block.documents = header.documents;
  documents_ += header.documents;
  return true;
}

}  // namespace onmal
