#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "knowledge/readers/reader.h"
#include "knowledge/readers/zip_package.h"

namespace onmal {
namespace {

constexpr int kMostHwpxDepth = 400;
constexpr std::string_view kMimeType = "application/hwp+zip";

struct HwpxParagraph {
  BlockKind kind = BlockKind::kParagraph;
  int level = 0;
};

int number_in(std::string_view text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

class HwpxWalk {
 public:
  explicit HwpxWalk(DocumentBuilder& out) : out_(out) {}

  // Paragraph shapes of header.xml, which say what is an outline's heading or a list's item.
  void read_shapes(const pugi::xml_node& node, int depth = 0) {
    check(depth);
    for (const pugi::xml_node& child : node.children()) {
      if (local_name(child) == "paraPr") {
        shapes_[std::string(attribute_of(child, "id"))] = shape_of(child, 0);
      } else {
        read_shapes(child, depth + 1);
      }
    }
  }

  // Paragraphs wherever they stand below.
  void walk(const pugi::xml_node& parent, int depth = 0) {
    check(depth);
    for (const pugi::xml_node& node : parent.children()) {
      if (local_name(node) == "p") {
        add_paragraph(node, depth);
      } else {
        walk(node, depth + 1);
      }
    }
  }

 private:
  void check(int depth) const {
    if (depth > kMostHwpxDepth)
      throw Error(ErrorCode::kBadFile, out_.where(), "elements are nested more than 400 deep");
  }

  HwpxParagraph shape_of(const pugi::xml_node& node, int depth) {
    check(depth);
    for (const pugi::xml_node& child : node.children()) {
      if (local_name(child) == "heading") {
        const std::string_view type = attribute_of(child, "type");
        if (type == "OUTLINE")
          return {BlockKind::kHeading,
                  std::clamp(number_in(attribute_of(child, "level")) + 1, 1, 6)};
        if (type == "NUMBER" || type == "BULLET") return {BlockKind::kListItem, 0};
      }
      if (local_name(child) == "switch" || local_name(child) == "case" ||
          local_name(child) == "default") {
        const HwpxParagraph inner = shape_of(child, depth + 1);
        if (inner.kind != BlockKind::kParagraph) return inner;
      }
    }
    return {};
  }

  void add_paragraph(const pugi::xml_node& node, int depth) {
    std::string text;
    std::vector<pugi::xml_node> objects;
    add_runs(node, text, objects, depth + 1);
    if (cell_ != nullptr) {
      std::replace(text.begin(), text.end(), '\n', ' ');
      if (!cell_->empty() && !text.empty()) *cell_ += ' ';
      *cell_ += text;
    } else {
      const auto shape = shapes_.find(attribute_of(node, "paraPrIDRef"));
      const HwpxParagraph kind = shape == shapes_.end() ? HwpxParagraph() : shape->second;
      out_.add_block(kind.kind, text, kind.level);
    }
    for (const pugi::xml_node& object : objects) add_object(object, depth + 1);
  }

  void add_runs(const pugi::xml_node& parent, std::string& text,
                std::vector<pugi::xml_node>& objects, int depth) {
    check(depth);
    for (const pugi::xml_node& node : parent.children()) {
      const std::string_view name = local_name(node);
      if (name == "t") {
        add_text(node, text, depth + 1);
      } else if (name == "compose") {
        text += attribute_of(node, "composeText");
      } else if (name == "dutmal") {
        text += child_of(node, "mainText").text().get();
        const std::string above = child_of(node, "subText").text().get();
        if (!above.empty()) text += "(" + above + ")";
      } else if (name == "equation") {
        text += child_of(node, "script").text().get();
        objects.push_back(node);
      } else if (name == "run" || name == "ctrl") {
        add_runs(node, text, objects, depth + 1);
      } else if (node.type() == pugi::node_element) {
        objects.push_back(node);
      }
    }
  }

  // Text with marks inside; what change tracking deleted is left out.
  void add_text(const pugi::xml_node& parent, std::string& text, int depth) {
    check(depth);
    for (const pugi::xml_node& node : parent.children()) {
      const std::string_view name = local_name(node);
      if (name == "deleteBegin") {
        deleting_ = true;
      } else if (name == "deleteEnd") {
        deleting_ = false;
      } else if (deleting_) {
        continue;
      } else if (node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata) {
        text += node.value();
      } else if (name == "tab") {
        text += '\t';
      } else if (name == "lineBreak") {
        text += '\n';
      } else if (name == "nbSpace" || name == "fwSpace") {
        text += ' ';
      } else if (name == "hyphen") {
        text += '-';
      } else if (name != "titleMark" && name != "markpenBegin" && name != "markpenEnd") {
        add_text(node, text, depth + 1);
      }
    }
  }

  void add_object(const pugi::xml_node& node, int depth) {
    check(depth);
    const std::string_view name = local_name(node);
    if (name == "tbl") return add_table(node, depth);
    if (name == "hiddenComment") return out_.leave_out("hidden comments");
    if (name == "secPr" || name == "linesegarray" || name == "script") return;
    if (name == "pic") out_.leave_out("pictures");
    if (name == "chart") out_.leave_out("charts");
    if (name == "ole") out_.leave_out("embedded objects");
    if (name == "textart" && !attribute_of(node, "text").empty())
      add_line(attribute_of(node, "text"));
    walk(node, depth);
  }

  void add_line(std::string_view text) {
    if (cell_ == nullptr) return out_.add_block(BlockKind::kParagraph, text);
    if (!cell_->empty()) *cell_ += ' ';
    *cell_ += text;
  }

  void add_table(const pugi::xml_node& table, int depth) {
    check(depth);
    for (const pugi::xml_node& node : table.children()) {
      const std::string_view name = local_name(node);
      if (name == "tr") {
        add_row(node, depth + 1);
      } else if (name == "caption") {
        walk(node, depth + 1);
      }
    }
  }

  void add_row(const pugi::xml_node& row, int depth) {
    std::string* const outer = cell_;
    std::string text;
    int cells = 0;
    for (const pugi::xml_node& node : row.children()) {
      if (local_name(node) != "tc") continue;
      std::string cell;
      cell_ = &cell;
      walk(node, depth + 1);
      if (cells++ > 0) text += " | ";
      const size_t first = cell.find_first_not_of(' ');
      if (first != cell.npos) text += cell.substr(first, cell.find_last_not_of(' ') - first + 1);
    }
    cell_ = outer;
    if (outer != nullptr) {
      if (!outer->empty()) *outer += ' ';
      *outer += text;
    } else if (text.find_first_not_of(" |") != text.npos) {
      out_.add_block(BlockKind::kTableRow, text);
    }
  }

  DocumentBuilder& out_;
  std::map<std::string, HwpxParagraph, std::less<>> shapes_;
  std::string* cell_ = nullptr;
  bool deleting_ = false;
};

void refuse_encrypted(ZipPackage& package, const std::string& where) {
  const std::optional<std::string> manifest = package.read("META-INF/manifest.xml");
  if (manifest && manifest->find("encryption-data") != manifest->npos)
    throw Error(ErrorCode::kUnsupported, where, "encrypted with a password",
                "save it without a password");
}

std::string package_file(ZipPackage& package) {
  pugi::xml_document xml;
  if (package.read_xml("META-INF/container.xml", xml)) {
    const pugi::xml_node files = child_of(xml.document_element(), "rootfiles");
    for (const pugi::xml_node& file : files.children()) {
      const std::string path(attribute_of(file, "full-path"));
      if (path.ends_with(".hpf")) return path;
    }
  }
  return "Contents/content.hpf";
}

int section_number(std::string_view name) {
  const size_t at = name.rfind("section");
  return at == name.npos ? -1 : number_in(name.substr(at + 7));
}

// Sections by their numbers, for packages that do not list them.
std::vector<std::string> sections_by_name(const ZipPackage& package) {
  std::vector<std::string> sections;
  for (const std::string& name : package.names())
    if (name.find("section") != name.npos && name.ends_with(".xml")) sections.push_back(name);
  std::sort(sections.begin(), sections.end(), [](const std::string& one, const std::string& other) {
    return std::pair(section_number(one), one) < std::pair(section_number(other), other);
  });
  return sections;
}

// Parts in the order of the spine; a path may be the package's or beside the package file.
std::vector<std::string> sections_of(ZipPackage& package, DocumentBuilder& out,
                                     std::string& header) {
  const std::string file = package_file(package);
  pugi::xml_document xml;
  if (!package.read_xml(file, xml)) return sections_by_name(package);
  const pugi::xml_node root = xml.document_element();
  out.set_title(child_of(child_of(root, "metadata"), "title").text().get());
  std::map<std::string, std::string, std::less<>> parts;
  for (const pugi::xml_node& item : child_of(root, "manifest").children()) {
    std::string path(attribute_of(item, "href"));
    const std::string beside = file.substr(0, file.rfind('/') + 1) + path;
    if (!package.has(path) && package.has(beside)) path = beside;
    parts[std::string(attribute_of(item, "id"))] = path;
  }
  std::vector<std::string> sections;
  for (const pugi::xml_node& item : child_of(root, "spine").children()) {
    const auto part = parts.find(attribute_of(item, "idref"));
    if (part == parts.end()) continue;
    if (part->second.ends_with("header.xml")) header = part->second;
    if (section_number(part->second) >= 0 && package.has(part->second))
      sections.push_back(part->second);
  }
  return sections.empty() ? sections_by_name(package) : sections;
}

}  // namespace

bool is_hwpx(std::string_view bytes) {
  if (!bytes.starts_with("PK")) return false;
  return bytes.substr(0, 200).find(kMimeType) != bytes.npos ||
         zip_mentions(bytes, "Contents/content.hpf") ||
         zip_mentions(bytes, "Contents/section0.xml");
}

void read_hwpx(const ReaderInput& input, DocumentBuilder& out) {
  ZipPackage package(input.bytes, input.where(), out.limits());
  refuse_encrypted(package, input.where());
  std::string header = "Contents/header.xml";
  const std::vector<std::string> sections = sections_of(package, out, header);
  if (sections.empty())
    throw Error(ErrorCode::kBadFile, input.where(), "an HWPX file without sections");
  HwpxWalk walk(out);
  pugi::xml_document shapes;
  if (package.read_xml(header, shapes)) walk.read_shapes(shapes.document_element());
  for (const std::string& section : sections) {
    pugi::xml_document xml;
    if (package.read_xml(section, xml)) walk.walk(xml.document_element());
  }
}

}  // namespace onmal
