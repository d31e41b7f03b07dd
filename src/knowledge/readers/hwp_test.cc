// HWP 5 documents written here from the specification, so that the reader has an answer to be held
// to.
#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "knowledge/document.h"

namespace onmal {
namespace {

constexpr uint32_t kEndOfChain = 0xFFFFFFFE;
constexpr uint32_t kNone = 0xFFFFFFFF;
constexpr uint32_t kFatSector = 0xFFFFFFFD;

void put(std::string& bytes, uint64_t value, size_t count) {
  for (size_t i = 0; i < count; ++i) bytes.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}
void put_at(std::string& bytes, size_t at, uint64_t value, size_t count) {
  std::string number;
  put(number, value, count);
  bytes.replace(at, count, number);
}
std::string utf16(std::u16string_view text) {
  std::string bytes;
  for (const char16_t unit : text) put(bytes, unit, 2);
  return bytes;
}

struct Stream {
  std::u16string name;
  std::string bytes;
  bool in_body = false;  // in the storage BodyText
};

// A compound file with 512-byte sectors; streams under 4096 bytes lie in the mini stream.
class CompoundWriter {
 public:
  std::string write(const std::vector<Stream>& streams) {
    std::string directory;
    for (const Stream& stream : streams) {
      const bool small = stream.bytes.size() < 4096;
      starts_.push_back(small ? add_small(stream.bytes) : add(stream.bytes));
    }
    const uint32_t mini_start = add(mini_stream_);
    std::string mini_table;
    for (const uint32_t next : mini_next_) put(mini_table, next, 4);
    const uint32_t mini_table_start = add(mini_table);
    write_directory(streams, mini_start, directory);
    const uint32_t directory_start = add(directory);
    const auto fat = static_cast<uint32_t>(next_.size());
    next_.push_back(kFatSector);
    next_.resize(128, kNone);  // one sector of the table is enough here
    std::string table;
    for (const uint32_t next : next_) put(table, next, 4);
    std::string header("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8);
    header.resize(512, '\0');
    put_at(header, 24, 0x3E, 2);
    put_at(header, 26, 3, 2);
    put_at(header, 28, 0xFFFE, 2);
    put_at(header, 30, 9, 2);
    put_at(header, 32, 6, 2);
    put_at(header, 44, 1, 4);
    put_at(header, 48, directory_start, 4);
    put_at(header, 56, 4096, 4);
    put_at(header, 60, mini_table_start, 4);
    put_at(header, 64, 1, 4);
    put_at(header, 68, kEndOfChain, 4);
    for (size_t i = 0; i < 109; ++i) put_at(header, 76 + 4 * i, i == 0 ? fat : kNone, 4);
    return header + sectors_ + table;
  }

 private:
  uint32_t add(const std::string& bytes) {
    const auto first = static_cast<uint32_t>(next_.size());
    if (bytes.empty()) return kEndOfChain;
    const size_t count = (bytes.size() + 511) / 512;
    sectors_ += bytes;
    sectors_.resize(512 * (next_.size() + count), '\0');
    for (size_t i = 1; i <= count; ++i)
      next_.push_back(i == count ? kEndOfChain : static_cast<uint32_t>(next_.size()) + 1);
    return first;
  }
  uint32_t add_small(const std::string& bytes) {
    const auto first = static_cast<uint32_t>(mini_next_.size());
    const size_t count = (bytes.size() + 63) / 64;
    mini_stream_ += bytes;
    mini_stream_.resize(64 * (mini_next_.size() + count), '\0');
    for (size_t i = 1; i <= count; ++i)
      mini_next_.push_back(i == count ? kEndOfChain : static_cast<uint32_t>(mini_next_.size()) + 1);
    return first;
  }
  static void add_entry(std::string& directory, const std::u16string& name, uint8_t type,
                        uint32_t right, uint32_t child, uint32_t start, size_t size) {
    std::string entry = utf16(name);
    entry.resize(64, '\0');
    put(entry, 2 * (name.size() + 1), 2);
    put(entry, type, 1);
    put(entry, 1, 1);
    put(entry, kNone, 4);
    put(entry, right, 4);
    put(entry, child, 4);
    entry.resize(116, '\0');
    put(entry, start, 4);
    put(entry, size, 8);
    directory += entry;
  }
  // Entry 0 is the root, 1 the storage BodyText, the streams follow; each points to the next.
  void write_directory(const std::vector<Stream>& streams, uint32_t mini_start,
                       std::string& directory) {
    const auto after = [&](size_t i, bool in_body) -> uint32_t {
      for (; i < streams.size(); ++i) {
        if (streams[i].in_body == in_body) return static_cast<uint32_t>(i) + 2;
      }
      return kNone;
    };
    add_entry(directory, u"Root Entry", 5, kNone, 1, mini_start, mini_stream_.size());
    add_entry(directory, u"BodyText", 1, after(0, false), after(0, true), 0, 0);
    for (size_t i = 0; i < streams.size(); ++i) {
      add_entry(directory, streams[i].name, 2, after(i + 1, streams[i].in_body), kNone, starts_[i],
                streams[i].bytes.size());
    }
  }

  std::vector<uint32_t> next_, mini_next_, starts_;
  std::string sectors_, mini_stream_;
};

std::string record(uint32_t tag, uint32_t level, const std::string& data) {
  std::string bytes;
  const bool large = data.size() >= 0xFFF;
  put(bytes, tag | level << 10 | (large ? 0xFFF : static_cast<uint32_t>(data.size())) << 20, 4);
  if (large) put(bytes, data.size(), 4);
  return bytes + data;
}

std::string paragraph(uint32_t level, uint16_t shape, const std::string& units,
                      const std::string& below = "") {
  std::string header(22, '\0');
  put_at(header, 8, shape, 2);
  return record(0x42, level, header) + record(0x43, level + 1, units) + below;
}

// An inline control of eight units that stands for a control record.
std::string control_units(uint16_t unit, std::string_view id) {
  std::string units;
  put(units, unit, 2);
  units.append(id.rbegin(), id.rend());
  units.append(8, '\0');
  put(units, unit, 2);
  return units;
}

std::string cell(uint32_t level, uint16_t column, uint16_t row, std::u16string_view text) {
  std::string list(34, '\0');
  put_at(list, 0, 1, 2);
  put_at(list, 8, column, 2);
  put_at(list, 10, row, 2);
  return record(0x48, level, list) + paragraph(level, 0, utf16(text));
}

std::string table(uint32_t level) {
  std::string id = " lbt";
  return record(0x47, level, id + std::string(42, '\0')) +
         record(0x4D, level + 1, std::string(30, '\0')) + cell(level + 1, 0, 0, u"이름") +
         cell(level + 1, 1, 0, u"나이") + cell(level + 1, 0, 1, u"철수") +
         cell(level + 1, 1, 1, u"스물");
}

std::string deflated(const std::string& bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string hwp(const std::string& section, uint32_t flags = 1, uint8_t version = 5) {
  std::string header = "HWP Document File";
  header.resize(256, '\0');
  header[35] = static_cast<char>(version);
  put_at(header, 36, flags, 4);
  std::string plain_shape(54, '\0');
  std::string outline(54, '\0');
  put_at(outline, 0, uint32_t{1} << 23 | uint32_t{1} << 25, 4);  // outline, second level
  const std::string shapes = record(0x19, 1, plain_shape) + record(0x19, 1, outline);
  const auto packed = [&](const std::string& bytes) {
    return (flags & 1) != 0 ? deflated(bytes) : bytes;
  };
  return CompoundWriter().write({{u"FileHeader", header, false},
                                 {u"DocInfo", packed(shapes), false},
                                 {u"Section0", packed(section), true}});
}

std::string sample() {
  return paragraph(0, 1, utf16(u"제목입니다")) +
         paragraph(0, 0, utf16(u"첫 문단, ") + control_units(11, "tbl ") + utf16(u"표 뒤."),
                   table(1)) +
         paragraph(0, 0, utf16(u"탭\u0009") + std::string(14, '\0') + utf16(u"뒤와\u000A줄 바꿈"));
}

TEST(Hwp, ParagraphsHeadingsAndTables) {
  for (const uint32_t flags : {0U, 1U}) {
    const Document document = read_document_bytes(hwp(sample(), flags), "a.hwp");
    EXPECT_EQ(document.format, "hwp");
    std::vector<std::pair<BlockKind, std::string>> blocks;
    for (const Block& block : document.blocks)
      blocks.emplace_back(block.kind, document.text.substr(block.begin, block.end - block.begin));
    ASSERT_EQ(blocks.size(), 5U) << document.text;
    EXPECT_EQ(blocks[0], std::pair(BlockKind::kHeading, std::string("제목입니다")));
    EXPECT_EQ(document.blocks[0].level, 2);
    EXPECT_EQ(blocks[1], std::pair(BlockKind::kParagraph, std::string("첫 문단, 표 뒤.")));
    EXPECT_EQ(blocks[2], std::pair(BlockKind::kTableRow, std::string("이름 | 나이")));
    EXPECT_EQ(blocks[3], std::pair(BlockKind::kTableRow, std::string("철수 | 스물")));
    EXPECT_EQ(blocks[4].second, "탭\t뒤와\n줄 바꿈");
  }
}

// Beyond 4095 bytes a record says its size in four more bytes, and a stream leaves the mini stream.
TEST(Hwp, LongRecordsAndStreams) {
  std::u16string text;
  for (int i = 0; i < 6000; ++i) text += static_cast<char16_t>(0xAC00 + i * 7 % 11172);
  const Document document = read_document_bytes(hwp(paragraph(0, 0, utf16(text)), 0), "a.hwp");
  ASSERT_EQ(document.blocks.size(), 1U);
  EXPECT_EQ(document.text.substr(0, 3), "가");
  EXPECT_EQ(document.blocks[0].end - document.blocks[0].begin, 18000U);
}

std::string message_of(const std::string& bytes) {
  try {
    read_document_bytes(bytes, "a.hwp");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Hwp, ProtectedAndOldFilesAreNamed) {
  EXPECT_NE(message_of(hwp(sample(), 1 | 2)).find("password"), std::string::npos);
  EXPECT_NE(message_of(hwp(sample(), 1 | 0x10)).find("DRM"), std::string::npos);
  EXPECT_NE(message_of(hwp(sample(), 1, 3)).find("HWP version 3"), std::string::npos);
  EXPECT_NE(message_of(CompoundWriter().write({{u"WordDocument", "x", false}})).find("Word"),
            std::string::npos);
  // How Office encrypts a DOCX.
  EXPECT_NE(
      message_of(CompoundWriter().write({{u"EncryptedPackage", "x", false}})).find("password"),
      std::string::npos);
}

TEST(Hwp, ChainsThatCircleAndSizesThatOverflowAreRefused) {
  const std::string good = hwp(paragraph(0, 0, std::string(9000, '\x41')), 0);
  ASSERT_EQ(message_of(good), "no error");
  // The table is the last sector: every entry in turn points back to the first sector.
  size_t refused = 0;
  for (size_t entry = 0; entry < 40; ++entry) {
    std::string bad = good;
    put_at(bad, bad.size() - 512 + 4 * entry, 0, 4);
    refused += message_of(bad) == "no error" ? 0 : 1;
  }
  EXPECT_GT(refused, 3U);
  // The directory's entries say sizes of 4 GB.
  const size_t name = good.find(utf16(u"Section0"));
  ASSERT_NE(name, std::string::npos);
  std::string bad = good;
  put_at(bad, name + 120, 0xFFFFFFFF, 4);
  EXPECT_NE(message_of(bad).find("larger than the file"), std::string::npos) << message_of(bad);
}

TEST(Hwp, DeflateBombsStopAtTheLimit) {
  const std::string bomb = hwp(std::string(40 << 20, '\0'), 1);
  ReadLimits limits;
  limits.text_bytes = 1 << 20;
  EXPECT_THROW(read_document_bytes(bomb, "a.hwp", limits), Error);
}

}  // namespace
}  // namespace onmal
