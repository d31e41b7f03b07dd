#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "knowledge/readers/compound_file.h"
#include "knowledge/readers/hwp_records.h"
#include "knowledge/readers/inflate.h"
#include "knowledge/readers/reader.h"
#include "text/encoding.h"

namespace onmal {
namespace {

constexpr int kMostHwpDepth = 200;
constexpr std::string_view kSignature = "HWP Document File";

constexpr uint32_t kCompressed = 1;
constexpr uint32_t kEncrypted = 2;
constexpr uint32_t kDistributed = 4;
constexpr uint32_t kDrmSecured = 0x10;
constexpr uint32_t kCertificateEncrypted = 0x100;

constexpr uint32_t control_id(std::string_view name) {
  uint32_t id = 0;
  for (const char c : name) id = id << 8 | static_cast<unsigned char>(c);
  return id;
}

struct ParagraphShape {
  BlockKind kind = BlockKind::kParagraph;
  int level = 0;
};

// Properties of HWPTAG_PARA_SHAPE: bits 23 and 24 say outline, number or bullet, 25 to 27 the
// level.
ParagraphShape shape_of(const HwpRecord& record) {
  const uint32_t properties = hwp_u32(record.data, 0);
  const uint32_t head = properties >> 23 & 3;
  if (head == 1)
    return {BlockKind::kHeading, std::min(static_cast<int>(properties >> 25 & 7) + 1, 6)};
  return {head == 0 ? BlockKind::kParagraph : BlockKind::kListItem, 0};
}

// Controls of eight units, in text (table 6 of the specification); the others are one unit long.
bool is_long_control(uint16_t unit) {
  return unit < 32 && unit != 0 && unit != 10 && unit != 13 && !(unit >= 24 && unit <= 31);
}
bool is_extended_control(uint16_t unit) {
  return is_long_control(unit) && !(unit >= 4 && unit <= 9) && unit != 19 && unit != 20;
}

class HwpWalk {
 public:
  HwpWalk(std::vector<ParagraphShape> shapes, DocumentBuilder& out)
      : shapes_(std::move(shapes)), out_(out) {}

  void run(const std::vector<HwpRecord>& records) {
    records_ = &records;
    walk(0, records.size(), 0);
  }

 private:
  const HwpRecord& at(size_t index) const { return (*records_)[index]; }

  // Paragraphs wherever they stand among these records.
  void walk(size_t begin, size_t end, int depth) {
    if (depth > kMostHwpDepth)
      throw Error(ErrorCode::kBadFile, out_.where(), "records are nested more than 200 deep");
    for (size_t i = begin; i < end; i = at(i).after) {
      const uint16_t tag = at(i).tag;
      if (tag == kHwpParaHeader) {
        add_paragraph(i, depth);
      } else if (tag == kHwpControl) {
        add_control(i, depth + 1);
      } else {
        if (tag == kHwpPicture) out_.leave_out("pictures");
        if (tag == kHwpOle) out_.leave_out("embedded objects");
        walk(i + 1, at(i).after, depth + 1);
      }
    }
  }

  void add_paragraph(size_t index, int depth) {
    const HwpRecord& header = at(index);
    std::vector<size_t> controls;
    std::string_view units;
    for (size_t i = index + 1; i < header.after; i = at(i).after) {
      if (at(i).tag == kHwpParaText) units = at(i).data;
      if (at(i).tag == kHwpControl) controls.push_back(i);
    }
    const std::string text = text_of(units, controls);
    if (cell_ != nullptr) {
      if (!cell_->empty() && !text.empty()) *cell_ += ' ';
      for (const char c : text) *cell_ += c == '\n' ? ' ' : c;
    } else {
      // Bytes 8 and 9 of the header name the shape.
      const size_t number = hwp_u16(header.data, 8);
      const ParagraphShape shape = number < shapes_.size() ? shapes_[number] : ParagraphShape();
      out_.add_block(shape.kind, text, shape.level);
    }
    for (const size_t control : controls) add_control(control, depth + 1);
    // Paragraph lists may follow as children of the header in old versions.
    for (size_t i = index + 1; i < header.after; i = at(i).after)
      if (at(i).tag == kHwpListHeader) walk(i + 1, at(i).after, depth + 1);
  }

  std::string text_of(std::string_view data, const std::vector<size_t>& controls) const {
    std::string units;
    size_t control = 0;
    std::string text;
    const auto flush = [&] {
      text += utf16le_to_utf8(units);
      units.clear();
    };
    for (size_t i = 0; i + 2 <= data.size(); i += 2) {
      const uint16_t unit = hwp_u16(data, i);
      if (unit >= 32) {
        units += data.substr(i, 2);
        continue;
      }
      flush();
      if (unit == 10) text += '\n';
      if (unit == 9) text += '\t';
      if (unit == 24) text += '-';
      if (unit == 30 || unit == 31) text += ' ';
      if (is_extended_control(unit)) {
        // Each stands for the next control record with the same id.
        const uint32_t id = hwp_u32(data, i + 2);
        size_t found = control;
        while (found < controls.size() && hwp_u32(at(controls[found]).data, 0) != id) ++found;
        if (found < controls.size()) {
          text += inline_text(controls[found]);
          control = found + 1;
        }
      }
      if (is_long_control(unit)) i += 14;
    }
    flush();
    return text;
  }

  // Controls that are a part of the line: overlapped characters, words with a gloss, equations.
  std::string inline_text(size_t index) const {
    const std::string_view data = at(index).data;
    const uint32_t id = hwp_u32(data, 0);
    const auto string_at = [&](size_t place, size_t* end) {
      const size_t bytes = size_t{2} * hwp_u16(data, place);
      *end = place + 2 + bytes;
      return *end <= data.size() ? utf16le_to_utf8(data.substr(place + 2, bytes)) : std::string();
    };
    size_t end = 0;
    if (id == control_id("tcps")) return string_at(4, &end);
    if (id == control_id("tdut")) {
      const std::string main = string_at(4, &end);
      const std::string above = string_at(end, &end);
      return above.empty() ? main : main + "(" + above + ")";
    }
    if (id == control_id("eqed")) {
      for (size_t i = index + 1; i < at(index).after; ++i) {
        if (at(i).tag != kHwpEquation) continue;
        const size_t bytes = size_t{2} * hwp_u16(at(i).data, 4);
        if (6 + bytes <= at(i).data.size()) return utf16le_to_utf8(at(i).data.substr(6, bytes));
      }
    }
    return "";
  }

  void add_control(size_t index, int depth) {
    const uint32_t id = hwp_u32(at(index).data, 0);
    if (id == control_id("tcmt")) return out_.leave_out("hidden comments");
    if (id == control_id("tbl ") && depth < kMostHwpDepth) return add_table(index, depth);
    walk(index + 1, at(index).after, depth);
  }

  // Cells are lists after the table's record; bytes 8 to 11 of their headers hold column and row.
  void add_table(size_t index, int depth) {
    constexpr uint16_t kTable = 0x4D;
    std::string* const outer = cell_;
    std::string row;
    bool in_cells = false;
    uint32_t row_number = 0;
    size_t cells = 0;
    const auto end_row = [&] {
      cell_ = outer;
      if (cells == 0) return;
      if (outer != nullptr) {
        if (!outer->empty()) *outer += ' ';
        *outer += row;
      } else if (row.find_first_not_of(" |") != row.npos) {
        out_.add_block(BlockKind::kTableRow, row);
      }
      row.clear();
      cells = 0;
    };
    const size_t end = at(index).after;
    for (size_t i = index + 1; i < end;) {
      if (at(i).tag == kTable) in_cells = true;
      if (at(i).tag != kHwpListHeader) {
        i = at(i).after;
        continue;
      }
      // The list's paragraphs stand beside its header, or below it.
      size_t stop = at(i).after;
      while (stop < end && at(stop).tag != kHwpListHeader && at(stop).tag != kTable)
        stop = at(stop).after;
      if (!in_cells) {  // a caption
        walk(i + 1, stop, depth + 1);
        i = stop;
        continue;
      }
      const uint32_t number = hwp_u16(at(i).data, 10);
      if (number != row_number) end_row();
      row_number = number;
      std::string cell;
      cell_ = &cell;
      walk(i + 1, stop, depth + 1);
      if (cells++ > 0) row += " | ";
      const size_t first = cell.find_first_not_of(' ');
      if (first != cell.npos) row += cell.substr(first, cell.find_last_not_of(' ') - first + 1);
      i = stop;
    }
    end_row();
  }

  std::vector<ParagraphShape> shapes_;
  DocumentBuilder& out_;
  const std::vector<HwpRecord>* records_ = nullptr;
  std::string* cell_ = nullptr;
};

class HwpFile {
 public:
  HwpFile(const CompoundFile& file, const ReaderInput& input, const ReadLimits& limits)
      : file_(file), where_(input.where()), left_(limits.text_bytes) {
    const CompoundFile::Entry* header = file.find("FileHeader");
    const std::string bytes = header == nullptr ? "" : file.read(*header);
    if (!bytes.starts_with(kSignature)) refuse_others();
    if (bytes.size() < 40) throw Error(ErrorCode::kBadFile, where_, "its FileHeader is cut off");
    if (bytes[35] != 5)
      throw Error(ErrorCode::kUnsupported, where_,
                  "HWP version " + std::to_string(static_cast<int>(bytes[35])),
                  "save it as HWP 5 or HWPX");
    flags_ = hwp_u32(bytes, 36);
    if ((flags_ & (kEncrypted | kCertificateEncrypted)) != 0)
      throw Error(ErrorCode::kUnsupported, where_, "encrypted with a password",
                  "save it without a password");
    if ((flags_ & kDrmSecured) != 0)
      throw Error(ErrorCode::kUnsupported, where_, "protected by DRM", "save it without it");
  }

  std::string read(const CompoundFile::Entry& entry, bool body) {
    const std::string place = where_ + ": " + entry.path;
    std::string stream = file_.read(entry);
    if (body && distributed()) stream = decrypt_distributed(stream, place);
    if ((flags_ & kCompressed) != 0) stream = inflate_raw(stream, left_, place);
    left_ -= std::min<uint64_t>(left_, stream.size());
    return stream;
  }

  bool distributed() const { return (flags_ & kDistributed) != 0; }

  // Body sections in the order of their numbers.
  std::vector<CompoundFile::Entry> sections() const {
    const std::string prefix = distributed() ? "ViewText/Section" : "BodyText/Section";
    std::vector<CompoundFile::Entry> found;
    for (const CompoundFile::Entry& entry : file_.streams())
      if (entry.path.starts_with(prefix)) found.push_back(entry);
    std::sort(found.begin(), found.end(), [](const auto& one, const auto& other) {
      return std::pair(one.path.size(), one.path) < std::pair(other.path.size(), other.path);
    });
    return found;
  }

 private:
  [[noreturn]] void refuse_others() const {
    for (const auto& [stream, kind] :
         {std::pair("WordDocument", "a Word file of the old format (.doc)"),
          std::pair("Workbook", "an Excel file of the old format (.xls)"),
          std::pair("PowerPoint Document", "a PowerPoint file of the old format (.ppt)"),
          std::pair("EncryptedPackage", "an Office file encrypted with a password")}) {
      if (file_.find(stream) != nullptr)
        throw Error(ErrorCode::kUnsupported, where_, kind, "save it as DOCX or PDF");
    }
    throw Error(ErrorCode::kUnsupported, where_, "a compound file that is no HWP 5 document");
  }

  const CompoundFile& file_;
  std::string where_;
  uint64_t left_;
  uint32_t flags_ = 0;
};

std::vector<ParagraphShape> read_shapes(HwpFile& hwp, const CompoundFile& file,
                                        const std::string& where) {
  std::vector<ParagraphShape> shapes;
  const CompoundFile::Entry* entry = file.find("DocInfo");
  if (entry == nullptr) return shapes;
  const std::string stream = hwp.read(*entry, false);
  for (const HwpRecord& record : read_hwp_records(stream, where + ": DocInfo"))
    if (record.tag == kHwpParaShape) shapes.push_back(shape_of(record));
  return shapes;
}

// Property 2 of the summary's one section is the title (MS-OLEPS): a string of UTF-16.
std::string summary_title(const CompoundFile& file) {
  const CompoundFile::Entry* entry = file.find("\x05HwpSummaryInformation");
  if (entry == nullptr) return "";
  const std::string bytes = file.read(*entry);
  const size_t section = hwp_u32(bytes, 44);
  const uint32_t count = std::min<uint32_t>(hwp_u32(bytes, section + 4), 100);
  for (uint32_t i = 0; i < count; ++i) {
    if (hwp_u32(bytes, section + 8 + 8 * size_t{i}) != 2) continue;
    const size_t at = section + hwp_u32(bytes, section + 12 + 8 * size_t{i});
    const uint64_t size = uint64_t{2} * hwp_u32(bytes, at + 4);
    if (hwp_u32(bytes, at) != 31 || at + 8 + size > bytes.size()) return "";
    std::string title = utf16le_to_utf8(std::string_view(bytes).substr(at + 8, size));
    title.resize(std::min(title.find('\0'), title.size()));
    return title;
  }
  return "";
}

}  // namespace

bool is_compound_file(std::string_view bytes) {
  return bytes.starts_with(std::string_view("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8));
}

void read_hwp(const ReaderInput& input, DocumentBuilder& out) {
  const CompoundFile file(input.bytes, input.where());
  HwpFile hwp(file, input, out.limits());
  HwpWalk walk(read_shapes(hwp, file, input.where()), out);
  const std::vector<CompoundFile::Entry> sections = hwp.sections();
  if (sections.empty())
    throw Error(ErrorCode::kBadFile, input.where(), "an HWP file without sections");
  out.set_title(summary_title(file));
  for (const CompoundFile::Entry& section : sections) {
    const std::string stream = hwp.read(section, true);
    walk.run(read_hwp_records(stream, input.where() + ": " + section.path));
  }
}

}  // namespace onmal
