#include "corpus/shard.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/hash.h"

namespace onmal {
namespace {

constexpr char kShardMagic[8] = {'O', 'N', 'M', 'A', 'L', 'T', 'O', 'K'};
constexpr uint32_t kShardVersion = 1;
constexpr int64_t kMostTokens = int64_t{1} << 40;

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t bytes_per_token;
  ShardInfo info;
};
static_assert(sizeof(Header) == 48);

int64_t padded(int64_t bytes) { return (bytes + 7) / 8 * 8; }

}  // namespace

uint64_t tokenizer_fingerprint(const Tokenizer& tokenizer) {
  uint64_t hash = kFnv1aStart;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id)
    hash = fnv1a("\xFF", fnv1a(tokenizer.piece(id), hash));
  return hash;
}

ShardWriter::ShardWriter(const std::filesystem::path& path, const Tokenizer& tokenizer)
    : file_(path),
      bytes_per_token_(tokenizer.vocab_size() <= 65536 ? 2 : 4),
      end_id_(tokenizer.end_id()) {
  if (end_id_ < 0) {
    throw Error(ErrorCode::kInvalidArgument, path.string(),
                "the tokenizer has no token that ends a document");
  }
  info_.fingerprint = tokenizer_fingerprint(tokenizer);
  const Header header{};
  file_.write(std::as_bytes(std::span(&header, 1)));
}

void ShardWriter::add(std::span<const int32_t> ids, int64_t text_bytes) {
  starts_.push_back(static_cast<uint64_t>(info_.tokens));
  const auto put = [&](int32_t id) {
    const auto wide = static_cast<uint32_t>(id);
    const auto narrow = static_cast<uint16_t>(id);
    if (bytes_per_token_ == 2) {
      file_.write(std::as_bytes(std::span(&narrow, 1)));
    } else {
      file_.write(std::as_bytes(std::span(&wide, 1)));
    }
  };
  for (const int32_t id : ids) put(id);
  put(end_id_);
  info_.tokens += static_cast<int64_t>(ids.size()) + 1;
  info_.documents += 1;
  info_.text_bytes += text_bytes;
}

ShardInfo ShardWriter::commit() {
  if (info_.documents == 0) {
    throw Error(ErrorCode::kInvalidArgument, "corpus", "there is no text to write",
                "check the sources");
  }
  const int64_t token_bytes = info_.tokens * bytes_per_token_;
  const std::string padding(static_cast<size_t>(padded(token_bytes) - token_bytes), '\0');
  file_.write(padding);
  file_.write(std::as_bytes(std::span(starts_)));
  Header header{};
  std::memcpy(header.magic, kShardMagic, sizeof kShardMagic);
  header.version = kShardVersion;
  header.bytes_per_token = static_cast<uint32_t>(bytes_per_token_);
  header.info = info_;
  file_.write_at(0, std::as_bytes(std::span(&header, 1)));
  file_.commit();
  return info_;
}

ShardReader::ShardReader(const std::filesystem::path& path) : file_(path) {
  open(file_.bytes(), path.string());
}

ShardReader::ShardReader(std::span<const std::byte> bytes, const std::string& where) {
  open(bytes, where);
}

void ShardReader::open(std::span<const std::byte> bytes, const std::string& where) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorCode::kBadFile, where, what, "make the shard again with 'onmal pack'");
  };
  const auto size = static_cast<int64_t>(bytes.size());
  Header header{};
  if (size < static_cast<int64_t>(sizeof header)) refuse("is too short for a token shard");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.magic, kShardMagic, sizeof kShardMagic) != 0)
    refuse("is not a token shard");
  if (header.version != kShardVersion)
    refuse("has the unknown version " + std::to_string(header.version));
  bytes_per_token_ = header.bytes_per_token;
  info_ = header.info;
  if (bytes_per_token_ != 2 && bytes_per_token_ != 4) refuse("has a wrong token size");
  const bool sane = info_.tokens > 0 && info_.tokens <= kMostTokens && info_.documents > 0 &&
                    info_.documents <= info_.tokens && info_.text_bytes >= 0;
  if (!sane) refuse("has impossible counts");
  const int64_t token_bytes = padded(info_.tokens * bytes_per_token_);
  if (size != static_cast<int64_t>(sizeof header) + token_bytes + info_.documents * 8)
    refuse("is cut short or too long");
  tokens_ = bytes.data() + sizeof header;
  starts_ = reinterpret_cast<const uint64_t*>(tokens_ + token_bytes);
  uint64_t before = 0;
  for (int64_t d = 0; d < info_.documents; ++d) {
    const bool ordered = d == 0 ? starts_[0] == 0 : starts_[d] > before;
    if (!ordered || starts_[d] >= static_cast<uint64_t>(info_.tokens))
      refuse("has its documents out of order");
    before = starts_[d];
  }
}

void ShardReader::read(int64_t begin, std::span<int32_t> out) const {
  ONMAL_ASSERT(begin >= 0 && begin + static_cast<int64_t>(out.size()) <= info_.tokens);
  for (size_t i = 0; i < out.size(); ++i) {
    const std::byte* at = tokens_ + (begin + static_cast<int64_t>(i)) * bytes_per_token_;
    if (bytes_per_token_ == 2) {
      uint16_t id = 0;
      std::memcpy(&id, at, sizeof id);
      out[i] = id;
    } else {
      std::memcpy(&out[i], at, sizeof(int32_t));
    }
  }
}

int64_t ShardReader::document_start(int64_t token) const {
  const uint64_t* end = starts_ + info_.documents;
  return static_cast<int64_t>(*(std::upper_bound(starts_, end, static_cast<uint64_t>(token)) - 1));
}

int64_t ShardReader::next_document_start(int64_t token) const {
  const uint64_t* end = starts_ + info_.documents;
  const uint64_t* next = std::upper_bound(starts_, end, static_cast<uint64_t>(token));
  return next == end ? info_.tokens : static_cast<int64_t>(*next);
}

}  // namespace onmal
