#include "knowledge/readers/hwp_records.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/error.h"

namespace onmal {
namespace {

constexpr size_t kMostRecords = 4'000'000;
constexpr size_t kKeyRecordBytes = 256;
constexpr size_t kKeyBytes = 16;
constexpr size_t kAesBlock = 16;
constexpr uint32_t kExtendedSize = 0xFFF;

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

// The record's bytes are covered by a stream of runs from Microsoft's rand(); the key stands in
// them at a place the seed names (한글문서파일형식 배포용 문서).
std::string hidden_key(std::string_view record) {
  uint32_t state = hwp_u32(record, 0);
  const size_t offset = 4 + (state & 0xF);
  const auto next = [&] {
    state = state * 214013 + 2531011;
    return (state >> 16) & 0x7FFF;
  };
  std::string plain(record);
  uint32_t mask = 0;
  uint32_t run = 0;
  for (size_t i = 0; i < plain.size(); ++i, --run) {
    if (run == 0) {
      mask = next() & 0xFF;
      run = (next() & 0xF) + 1;
    }
    if (i >= 4) plain[i] = static_cast<char>(static_cast<unsigned char>(plain[i]) ^ mask);
  }
  return plain.substr(offset, kKeyBytes);
}

}  // namespace

uint16_t hwp_u16(std::string_view data, size_t at) {
  if (at + 2 > data.size()) return 0;
  return static_cast<uint16_t>(static_cast<unsigned char>(data[at]) |
                               static_cast<unsigned char>(data[at + 1]) << 8);
}

uint32_t hwp_u32(std::string_view data, size_t at) {
  if (at + 4 > data.size()) return 0;
  return hwp_u16(data, at) | static_cast<uint32_t>(hwp_u16(data, at + 2)) << 16;
}

std::vector<HwpRecord> read_hwp_records(std::string_view stream, const std::string& where) {
  std::vector<HwpRecord> records;
  std::vector<size_t> open;  // by level, the records that are not closed
  for (size_t at = 0; at + 4 <= stream.size();) {
    const uint32_t header = hwp_u32(stream, at);
    at += 4;
    uint64_t size = header >> 20;
    if (size == kExtendedSize) {
      if (at + 4 > stream.size()) throw Error(ErrorCode::kBadFile, where, "a record is cut off");
      size = hwp_u32(stream, at);
      at += 4;
    }
    if (size > stream.size() - at)
      throw Error(ErrorCode::kBadFile, where,
                  "a record is longer than its stream; it may be cut off");
    if (records.size() >= kMostRecords)
      throw Error(ErrorCode::kResource, where, "more than 4 million records", "split the document");
    const auto level = static_cast<uint16_t>((header >> 10) & 0x3FF);
    while (!open.empty() && records[open.back()].level >= level) {
      records[open.back()].after = records.size();
      open.pop_back();
    }
    open.push_back(records.size());
    records.push_back({static_cast<uint16_t>(header & 0x3FF), level, stream.substr(at, size), 0});
    at += size;
  }
  for (const size_t index : open) records[index].after = records.size();
  return records;
}

std::string decrypt_distributed(std::string_view stream, const std::string& where) {
  const uint32_t header = hwp_u32(stream, 0);
  if (stream.size() < 4 + kKeyRecordBytes || (header & 0x3FF) != kHwpDistributed ||
      header >> 20 != kKeyRecordBytes)
    throw Error(ErrorCode::kBadFile, where, "a distribution document without its key record");
  const std::string key = hidden_key(stream.substr(4, kKeyRecordBytes));
  std::string_view body = stream.substr(4 + kKeyRecordBytes);
  body = body.substr(0, body.size() / kAesBlock * kAesBlock);
  const std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> context(EVP_CIPHER_CTX_new());
  std::string plain(body.size() + kAesBlock, '\0');
  int made = 0;
  const auto* from = reinterpret_cast<const unsigned char*>(body.data());
  auto* to = reinterpret_cast<unsigned char*>(plain.data());
  const bool good =
      context != nullptr && body.size() < (size_t{1} << 30) &&
      EVP_DecryptInit_ex(context.get(), EVP_aes_128_ecb(), nullptr,
                         reinterpret_cast<const unsigned char*>(key.data()), nullptr) == 1 &&
      EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1 &&
      EVP_DecryptUpdate(context.get(), to, &made, from, static_cast<int>(body.size())) == 1;
  if (!good)
    throw Error(ErrorCode::kBadFile, where, "a distribution document that is not decrypted");
  plain.resize(static_cast<size_t>(made));
  return plain;
}

}  // namespace onmal
