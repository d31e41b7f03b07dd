#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "knowledge/readers/reader.h"
#include "knowledge/readers/zip_package.h"
#include "text/unicode.h"

namespace onmal {
namespace {

constexpr int kMostDocxDepth = 400;

std::optional<int> number_of(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// What a paragraph style says of structure.
struct Style {
  std::string based_on;
  int heading = 0;
  bool list = false;
};

// <w:b/> is on, <w:b w:val="0"/> is off.
bool is_on(const pugi::xml_node& property) {
  if (!property) return false;
  const std::string_view value = attribute_of(property, "val");
  return value != "0" && value != "false" && value != "off";
}

int heading_level(const pugi::xml_node& properties) {
  const pugi::xml_node outline = child_of(properties, "outlineLvl");
  if (!outline) return 0;
  const std::optional<int> level = number_of(attribute_of(outline, "val"));
  return level && *level >= 0 && *level < 9 ? std::min(*level + 1, 6) : 0;
}

bool is_numbered(const pugi::xml_node& properties) {
  const pugi::xml_node numbering = child_of(properties, "numPr");
  return numbering && attribute_of(child_of(numbering, "numId"), "val") != "0";
}

std::map<std::string, Style, std::less<>> read_styles(const pugi::xml_document& xml) {
  std::map<std::string, Style, std::less<>> styles;
  for (const pugi::xml_node& node : xml.document_element().children()) {
    if (local_name(node) != "style") continue;
    const pugi::xml_node properties = child_of(node, "pPr");
    Style style;
    style.based_on = attribute_of(child_of(node, "basedOn"), "val");
    style.heading = heading_level(properties);
    style.list = is_numbered(properties);
    const std::string name = lowercase(attribute_of(child_of(node, "name"), "val"));
    if (name.starts_with("heading "))
      style.heading = std::clamp(number_of(name.substr(8)).value_or(0), 0, 6);
    if (name == "title") style.heading = 1;
    if (name.starts_with("list")) style.list = true;
    styles[std::string(attribute_of(node, "styleId"))] = std::move(style);
  }
  return styles;
}

class DocxWalk {
 public:
  DocxWalk(std::map<std::string, Style, std::less<>> styles, DocumentBuilder& out)
      : styles_(std::move(styles)), out_(out) {}

  // Paragraphs and tables of a body, cell, note or text box.
  void walk(const pugi::xml_node& parent, int depth = 0) {
    check(depth);
    for (const pugi::xml_node& node : parent.children()) {
      const std::string_view name = local_name(node);
      if (name == "p") {
        add_paragraph(node, depth);
      } else if (name == "tbl") {
        add_table(node, depth);
      } else if (name == "AlternateContent") {
        walk(chosen(node), depth + 1);
      } else if (!is_deleted(name)) {
        walk(node, depth + 1);  // w:sdt, w:sdtContent, w:ins, w:customXml, …
      }
    }
  }

 private:
  void check(int depth) const {
    if (depth > kMostDocxDepth)
      throw Error(ErrorCode::kBadFile, out_.where(), "elements are nested more than 400 deep");
  }

  static bool is_deleted(std::string_view name) {
    return name == "del" || name == "moveFrom" || name == "pPr" || name == "rPr" ||
           name == "sectPr" || name == "tblPr" || name == "sdtPr" || name == "tblGrid";
  }

  static pugi::xml_node chosen(const pugi::xml_node& alternatives) {
    const pugi::xml_node choice = child_of(alternatives, "Choice");
    return choice ? choice : child_of(alternatives, "Fallback");
  }

  Style style_of(std::string_view id) const {
    Style result;
    std::string at(id);
    for (int steps = 0; steps < 20 && !at.empty(); ++steps) {
      const auto found = styles_.find(at);
      if (found == styles_.end()) break;
      if (result.heading == 0) result.heading = found->second.heading;
      result.list = result.list || found->second.list;
      at = found->second.based_on;
    }
    return result;
  }

  void add_paragraph(const pugi::xml_node& node, int depth) {
    if (cell_ != nullptr) {
      if (!cell_->empty()) *cell_ += ' ';
      std::vector<pugi::xml_node> boxes;
      add_runs(node, *cell_, boxes, depth + 1);
      for (const pugi::xml_node& box : boxes) walk(box, depth + 1);
      return;
    }
    const pugi::xml_node properties = child_of(node, "pPr");
    Style style = style_of(attribute_of(child_of(properties, "pStyle"), "val"));
    if (const int own = heading_level(properties); own > 0) style.heading = own;
    style.list = style.list || is_numbered(properties);
    std::string text;
    std::vector<pugi::xml_node> boxes;
    add_runs(node, text, boxes, depth + 1);
    const BlockKind kind = style.heading > 0 ? BlockKind::kHeading
                           : style.list      ? BlockKind::kListItem
                                             : BlockKind::kParagraph;
    out_.add_block(kind, text, style.heading);
    for (const pugi::xml_node& box : boxes) walk(box, depth + 1);
  }

  void add_runs(const pugi::xml_node& parent, std::string& text, std::vector<pugi::xml_node>& boxes,
                int depth) {
    check(depth);
    for (const pugi::xml_node& node : parent.children()) {
      const std::string_view name = local_name(node);
      if (name == "t") {
        text += node.text().get();
      } else if (name == "tab" || name == "ptab") {
        text += '\t';
      } else if (name == "br" || name == "cr") {
        text += cell_ == nullptr ? '\n' : ' ';
      } else if (name == "noBreakHyphen") {
        text += '-';
      } else if (name == "txbxContent") {
        boxes.push_back(node);
      } else if (name == "drawing" || name == "pict") {
        const size_t before = boxes.size();
        add_runs(node, text, boxes, depth + 1);
        if (boxes.size() == before) out_.leave_out("pictures");
      } else if (name == "AlternateContent") {
        add_runs(chosen(node), text, boxes, depth + 1);
      } else if (name == "r" && is_on(child_of(child_of(node, "rPr"), "vanish"))) {
        out_.leave_out("stretches of hidden text");
      } else if (!is_deleted(name) && name != "instrText" && name != "delText") {
        add_runs(node, text, boxes, depth + 1);
      }
    }
  }

  void add_table(const pugi::xml_node& table, int depth) {
    check(depth);
    for (const pugi::xml_node& node : table.children()) {
      const std::string_view name = local_name(node);
      if (name == "tr") {
        add_row(node, depth + 1);
      } else if (!is_deleted(name)) {
        add_table(node, depth + 1);
      }
    }
  }

  void add_row(const pugi::xml_node& row, int depth) {
    if (child_of(child_of(row, "trPr"), "del")) return;
    std::string text;
    int cells = 0;
    std::string* const outer = cell_;
    add_cells(row, text, cells, depth);
    cell_ = outer;
    // A table inside a cell is a part of that cell.
    if (outer != nullptr) {
      if (!outer->empty()) *outer += ' ';
      *outer += text;
    } else if (text.find_first_not_of(" |") != text.npos) {
      out_.add_block(BlockKind::kTableRow, text);
    }
  }

  void add_cells(const pugi::xml_node& parent, std::string& text, int& cells, int depth) {
    check(depth);
    for (const pugi::xml_node& node : parent.children()) {
      const std::string_view name = local_name(node);
      if (name == "tc") {
        std::string cell;
        cell_ = &cell;
        walk(node, depth + 1);
        if (cells++ > 0) text += " | ";
        const size_t first = cell.find_first_not_of(' ');
        if (first != cell.npos) text += cell.substr(first, cell.find_last_not_of(' ') - first + 1);
      } else if (!is_deleted(name)) {
        add_cells(node, text, cells, depth + 1);
      }
    }
  }

  std::map<std::string, Style, std::less<>> styles_;
  DocumentBuilder& out_;
  std::string* cell_ = nullptr;  // where a table's cell is collected
};

// Relationships of the main part: kind ("header", "footnotes", …) and target.
struct Relation {
  std::string kind;
  std::string target;
};

std::string joined(const std::string& folder, std::string_view target) {
  if (target.starts_with("/")) return std::string(target.substr(1));
  return folder + std::string(target);
}

std::vector<Relation> read_relations(ZipPackage& package, const std::string& part) {
  const size_t slash = part.rfind('/');
  const std::string folder = slash == part.npos ? "" : part.substr(0, slash + 1);
  const std::string name = slash == part.npos ? part : part.substr(slash + 1);
  pugi::xml_document xml;
  std::vector<Relation> all;
  if (!package.read_xml(folder + "_rels/" + name + ".rels", xml)) return all;
  for (const pugi::xml_node& node : xml.document_element().children()) {
    const std::string_view type = attribute_of(node, "Type");
    const size_t last = type.rfind('/');
    all.push_back({std::string(last == type.npos ? type : type.substr(last + 1)),
                   joined(folder, attribute_of(node, "Target"))});
  }
  return all;
}

std::string main_part(ZipPackage& package) {
  for (const Relation& relation : read_relations(package, ""))
    if (relation.kind == "officeDocument") return relation.target;
  return "word/document.xml";
}

void add_notes(ZipPackage& package, const std::string& part, DocxWalk& walk) {
  pugi::xml_document xml;
  if (!package.read_xml(part, xml)) return;
  for (const pugi::xml_node& note : xml.document_element().children()) {
    const std::string_view type = attribute_of(note, "type");
    if (type != "separator" && type != "continuationSeparator") walk.walk(note);
  }
}

void read_title(ZipPackage& package, DocumentBuilder& out) {
  pugi::xml_document xml;
  if (!package.read_xml("docProps/core.xml", xml)) return;
  out.set_title(child_of(xml.document_element(), "title").text().get());
}

}  // namespace

bool is_docx(std::string_view bytes) { return zip_mentions(bytes, "word/"); }

void read_docx(const ReaderInput& input, DocumentBuilder& out) {
  ZipPackage package(input.bytes, input.where(), out.limits());
  const std::string part = main_part(package);
  pugi::xml_document styles;
  pugi::xml_document body;
  if (!package.read_xml(part, body))
    throw Error(ErrorCode::kBadFile, input.where(), "no document part " + part);
  const std::vector<Relation> relations = read_relations(package, part);
  for (const Relation& relation : relations)
    if (relation.kind == "styles") package.read_xml(relation.target, styles);
  read_title(package, out);
  DocxWalk walk(read_styles(styles), out);
  std::set<std::string> seen;
  // What stands on every page is read once, around the text.
  const auto add_all = [&](std::string_view kind) {
    for (const Relation& relation : relations)
      if (relation.kind == kind && seen.insert(relation.target).second)
        add_notes(package, relation.target, walk);
  };
  const auto add_edges = [&](std::string_view kind) {
    for (const Relation& relation : relations) {
      pugi::xml_document xml;
      if (relation.kind == kind && seen.insert(relation.target).second &&
          package.read_xml(relation.target, xml))
        walk.walk(xml.document_element());
    }
  };
  add_edges("header");
  walk.walk(body.document_element());
  add_all("footnotes");
  add_all("endnotes");
  add_edges("footer");
  for (const Relation& relation : relations)
    if (relation.kind == "comments") out.leave_out("parts of comments");
}

}  // namespace onmal
