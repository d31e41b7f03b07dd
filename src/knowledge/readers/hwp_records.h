#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// Records of an HWP 5 stream ("한글문서파일형식 5.0", 4.1): a tree by levels, kept as a list.
struct HwpRecord {
  uint16_t tag = 0;
  uint16_t level = 0;
  std::string_view data;
  size_t after = 0;  // index of the first record that is not below this one
};

enum HwpTag : uint16_t {
  kHwpDistributed = 0x1C,
  kHwpParaShape = 0x19,
  kHwpParaHeader = 0x42,
  kHwpParaText = 0x43,
  kHwpControl = 0x47,
  kHwpListHeader = 0x48,
  kHwpPicture = 0x55,
  kHwpOle = 0x54,
  kHwpEquation = 0x58,
};

// Throws Error(kBadFile) where a record leaves the stream. The records point into it.
std::vector<HwpRecord> read_hwp_records(std::string_view stream, const std::string& where);

// Little-endian numbers; 0 beyond the end.
uint16_t hwp_u16(std::string_view data, size_t at);
uint32_t hwp_u32(std::string_view data, size_t at);

// The plain stream of a distribution document's section: a key of AES-128 hidden in its first
// record.
std::string decrypt_distributed(std::string_view stream, const std::string& where);

}  // namespace onmal
