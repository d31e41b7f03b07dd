#include <gumbo.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "knowledge/readers/reader.h"
#include "text/encoding.h"
#include "text/html_guard.h"
#include "text/unicode.h"

namespace onmal {
namespace {

constexpr size_t kSniffed = 4096;

// Memory of one parse, given back at once: the parser asks for it in very small pieces, and what it
// gives back between them is little.
class ParseMemory {
 public:
  static void* take(void* self, size_t size) { return static_cast<ParseMemory*>(self)->take(size); }
  static void give_back(void* /*self*/, void* /*memory*/) {}

 private:
  static constexpr size_t kBlock = size_t{1} << 18;

  void* take(size_t size) {
    size = (size + alignof(std::max_align_t) - 1) / alignof(std::max_align_t) *
           alignof(std::max_align_t);
    if (size > left_) {
      const size_t block = std::max(size, kBlock);
      blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(block));
      // A large piece gets a block of its own; the one begun goes on.
      if (block > kBlock) return blocks_.back().get();
      next_ = blocks_.back().get();
      left_ = block;
    }
    std::byte* const memory = next_;
    next_ += size;
    left_ -= size;
    return memory;
  }

  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* next_ = nullptr;
  size_t left_ = 0;
};

bool is_html_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'; }

std::string_view html_attribute(const GumboNode* node, const char* name) {
  const GumboAttribute* attribute = gumbo_get_attribute(&node->v.element.attributes, name);
  return attribute == nullptr ? std::string_view() : attribute->value;
}

const GumboVector* children_of(const GumboNode* node) {
  if (node->type == GUMBO_NODE_DOCUMENT) return &node->v.document.children;
  if (node->type == GUMBO_NODE_ELEMENT || node->type == GUMBO_NODE_TEMPLATE)
    return &node->v.element.children;
  return nullptr;
}

bool is_hidden(const GumboNode* node) {
  const GumboVector& attributes = node->v.element.attributes;
  if (gumbo_get_attribute(&attributes, "hidden") != nullptr) return true;
  if (html_attribute(node, "aria-hidden") == "true") return true;
  std::string style = lowercase(html_attribute(node, "style"));
  style.erase(std::remove_if(style.begin(), style.end(), is_html_space), style.end());
  return style.find("display:none") != style.npos || style.find("visibility:hidden") != style.npos;
}

bool is_left_out(GumboTag tag) {
  return tag == GUMBO_TAG_SCRIPT || tag == GUMBO_TAG_STYLE || tag == GUMBO_TAG_NOSCRIPT ||
         tag == GUMBO_TAG_TEMPLATE || tag == GUMBO_TAG_HEAD || tag == GUMBO_TAG_IFRAME ||
         tag == GUMBO_TAG_OBJECT || tag == GUMBO_TAG_SVG;
}

bool is_block(GumboTag tag) {
  static constexpr GumboTag kTags[] = {
      GUMBO_TAG_P,       GUMBO_TAG_DIV,     GUMBO_TAG_SECTION,    GUMBO_TAG_ARTICLE,
      GUMBO_TAG_ASIDE,   GUMBO_TAG_HEADER,  GUMBO_TAG_FOOTER,     GUMBO_TAG_MAIN,
      GUMBO_TAG_ADDRESS, GUMBO_TAG_FIGURE,  GUMBO_TAG_FIGCAPTION, GUMBO_TAG_UL,
      GUMBO_TAG_OL,      GUMBO_TAG_DL,      GUMBO_TAG_FORM,       GUMBO_TAG_FIELDSET,
      GUMBO_TAG_TABLE,   GUMBO_TAG_CAPTION, GUMBO_TAG_HR,         GUMBO_TAG_BODY,
      GUMBO_TAG_HTML,    GUMBO_TAG_DETAILS, GUMBO_TAG_SUMMARY,    GUMBO_TAG_CENTER,
      GUMBO_TAG_TR,      GUMBO_TAG_TD,      GUMBO_TAG_TH,         GUMBO_TAG_OPTION,
      GUMBO_TAG_NAV,     GUMBO_TAG_MENU,    GUMBO_TAG_DIR,        GUMBO_TAG_LEGEND};
  return std::find(std::begin(kTags), std::end(kTags), tag) != std::end(kTags);
}

class HtmlWalk {
 public:
  HtmlWalk(std::string_view text, bool keep_sources, bool navigation, DocumentBuilder& out)
      : text_(text), keep_sources_(keep_sources), navigation_(navigation), out_(out) {}

  void run(const GumboNode* root) {
    find_layout_tables(root);
    walk(root);
    out_.end_block();
  }

 private:
  // Tables that hold tables are there for the layout; their cells are no row of a table.
  bool find_layout_tables(const GumboNode* node) {
    const GumboVector* children = children_of(node);
    bool inner = false;
    for (unsigned i = 0; children != nullptr && i < children->length; ++i)
      inner = find_layout_tables(static_cast<const GumboNode*>(children->data[i])) || inner;
    if (node->type != GUMBO_NODE_ELEMENT || node->v.element.tag != GUMBO_TAG_TABLE) return inner;
    if (inner) layout_tables_.insert(node);
    return true;
  }

  void walk(const GumboNode* node) {
    if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE ||
        node->type == GUMBO_NODE_CDATA) {
      add_text(node->v.text);
    } else if (node->type == GUMBO_NODE_ELEMENT) {
      walk_element(node);
    } else if (node->type == GUMBO_NODE_DOCUMENT) {
      walk_children(node);
    }
  }

  void walk_children(const GumboNode* node) {
    const GumboVector* children = children_of(node);
    for (unsigned i = 0; children != nullptr && i < children->length; ++i)
      walk(static_cast<const GumboNode*>(children->data[i]));
  }

  void walk_element(const GumboNode* node) {
    const GumboTag tag = node->v.element.tag;
    if (tag == GUMBO_TAG_TITLE) return add_title(node);
    if (tag == GUMBO_TAG_HEAD) return walk_head(node);
    if (is_left_out(tag) || is_hidden(node)) return;
    const bool menu = tag == GUMBO_TAG_NAV || html_attribute(node, "role") == "navigation";
    if (menu && !navigation_) return;
    if (tag == GUMBO_TAG_IMG) return out_.leave_out("pictures");
    if (tag == GUMBO_TAG_BR) return break_line();
    if (tag == GUMBO_TAG_PRE || tag == GUMBO_TAG_LISTING || tag == GUMBO_TAG_XMP)
      return walk_preformatted(node);
    if (tag == GUMBO_TAG_BLOCKQUOTE) return walk_counted(node, quotes_);
    if (tag == GUMBO_TAG_TABLE) return walk_table(node);
    if (tag == GUMBO_TAG_TR && in_table_ && !in_row_) return walk_row(node);
    if (in_row_ && (tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH)) return walk_cell(node);
    if (tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H6)
      return walk_block(node, BlockKind::kHeading, static_cast<int>(tag - GUMBO_TAG_H1) + 1);
    if (tag == GUMBO_TAG_LI || tag == GUMBO_TAG_DT || tag == GUMBO_TAG_DD) {
      ++items_;
      walk_block(node, BlockKind::kListItem);
      --items_;
      return;
    }
    if (is_block(tag)) return walk_block(node, BlockKind::kParagraph);
    walk_children(node);
  }

  void walk_head(const GumboNode* head) {
    const GumboVector& children = head->v.element.children;
    for (unsigned i = 0; i < children.length; ++i) {
      const auto* child = static_cast<const GumboNode*>(children.data[i]);
      if (child->type == GUMBO_NODE_ELEMENT && child->v.element.tag == GUMBO_TAG_TITLE)
        add_title(child);
    }
  }

  void add_title(const GumboNode* title) {
    const GumboVector& children = title->v.element.children;
    if (children.length == 0 || out_.has_title()) return;
    const auto* child = static_cast<const GumboNode*>(children.data[0]);
    if (child->type == GUMBO_NODE_TEXT) out_.set_title(child->v.text.text);
  }

  void end_block() {
    if (in_row_) {
      space_ = true;  // a row is one block
    } else {
      out_.end_block();
      space_ = false;
    }
  }

  void walk_block(const GumboNode* node, BlockKind kind, int level = 0) {
    end_block();
    const BlockKind before = kind_;
    const int level_before = level_;
    kind_ = kind;
    level_ = level;
    walk_children(node);
    end_block();
    kind_ = before;
    level_ = level_before;
  }

  void walk_counted(const GumboNode* node, int& count) {
    ++count;
    walk_block(node, BlockKind::kQuote);
    --count;
  }

  void walk_preformatted(const GumboNode* node) {
    ++preformatted_;
    walk_block(node, in_row_ ? kind_ : BlockKind::kCode);
    --preformatted_;
  }

  void walk_table(const GumboNode* node) {
    const bool before = in_table_;
    in_table_ = !layout_tables_.contains(node);
    walk_block(node, BlockKind::kParagraph);
    in_table_ = before;
  }

  void walk_row(const GumboNode* node) {
    end_block();
    out_.begin_block(BlockKind::kTableRow);
    in_row_ = true;
    first_cell_ = true;
    walk_children(node);
    in_row_ = false;
    end_block();
  }

  void walk_cell(const GumboNode* node) {
    space_ = false;
    if (!first_cell_) out_.append(" | ");
    first_cell_ = false;
    cell_begins_ = true;
    walk_children(node);
    cell_begins_ = space_ = false;
  }

  void break_line() {
    if (in_row_) {
      space_ = true;
    } else if (out_.in_block()) {
      out_.append("\n");
      space_ = false;
    }
  }

  BlockKind kind_now() const {
    if (kind_ != BlockKind::kParagraph) return kind_;
    if (items_ > 0) return BlockKind::kListItem;
    return quotes_ > 0 ? BlockKind::kQuote : kind_;
  }

  // Runs without white space and the spaces between them, each where it stands in the file.
  void add_text(const GumboText& node) {
    const std::string_view text = node.text;
    const std::string_view original(node.original_text.data, node.original_text.length);
    const bool inside = keep_sources_ && original.data() >= text_.data() &&
                        original.data() + original.size() <= text_.data() + text_.size();
    const auto base = inside ? static_cast<uint64_t>(original.data() - text_.data()) : 0;
    size_t there = 0;  // in original
    for (size_t at = 0; at < text.size();) {
      if (inside) {
        size_t same = 0;
        while (at + same < text.size() && there + same < original.size() &&
               text[at + same] == original[there + same] && original[there + same] != '&')
          ++same;
        if (same > 0) {
          add_stretch(text.substr(at, same), base + there);
          at += same;
          there += same;
          continue;
        }
        if (there < original.size() && original[there] == '\r') {
          ++there;
          continue;
        }
      }
      at += add_decoded(text, at, original, there);
    }
  }

  // One character that the file writes otherwise: an entity.
  size_t add_decoded(std::string_view text, size_t at, std::string_view original, size_t& there) {
    size_t length = 1;
    while (at + length < text.size() &&
           (static_cast<unsigned char>(text[at + length]) & 0xC0) == 0x80)
      ++length;
    const bool literal = text.substr(at, 1) == "&" && original.substr(there, 1) == "&" &&
                         !lowercase(original.substr(there, 4)).starts_with("&amp");
    add_stretch(text.substr(at, length), kNoSource);
    if (there < original.size() && original[there] == '&') {
      ++there;
      while (!literal && there < original.size() &&
             (std::isalnum(static_cast<unsigned char>(original[there])) != 0 ||
              original[there] == '#'))
        ++there;
      if (!literal && there < original.size() && original[there] == ';') ++there;
    }
    return length;
  }

  void add_stretch(std::string_view text, uint64_t source) {
    if (preformatted_ > 0 && !in_row_) {
      if (!out_.in_block()) out_.begin_block(kind_);
      out_.append(text, source);
      return;
    }
    for (size_t at = 0; at < text.size();) {
      if (is_html_space(text[at])) {
        space_ = true;
        ++at;
        continue;
      }
      size_t end = at;
      // A single space between words stays part of the run.
      while (end < text.size() &&
             (!is_html_space(text[end]) ||
              (text[end] == ' ' && end + 1 < text.size() && !is_html_space(text[end + 1]))))
        ++end;
      const bool began = out_.in_block();
      if (!began) out_.begin_block(kind_now(), level_);
      if (space_ && began && !cell_begins_ && out_.open_bytes() > 0) out_.append(" ");
      cell_begins_ = space_ = false;
      out_.append(text.substr(at, end - at), source == kNoSource ? kNoSource : source + at);
      at = end;
    }
  }

  std::string_view text_;
  bool keep_sources_;
  bool navigation_;
  DocumentBuilder& out_;
  std::set<const GumboNode*> layout_tables_;
  BlockKind kind_ = BlockKind::kParagraph;
  int level_ = 0;
  int items_ = 0;
  int quotes_ = 0;
  int preformatted_ = 0;
  bool in_table_ = false;
  bool in_row_ = false;
  bool first_cell_ = true;
  bool cell_begins_ = false;  // nothing of the cell is written yet
  bool space_ = false;
};

// The charset that a page declares in its first bytes.
std::string declared_charset(std::string_view bytes) {
  const std::string head = lowercase(bytes.substr(0, kSniffed));
  for (const std::string_view key : {"charset=", "encoding="}) {
    const size_t found = head.find(key);
    if (found == head.npos) continue;
    size_t begin = found + key.size();
    while (begin < head.size() && (head[begin] == '"' || head[begin] == '\'' || head[begin] == ' '))
      ++begin;
    const size_t end = std::min(head.find_first_of("\"'>; /?", begin), head.size());
    return head.substr(begin, end - begin);
  }
  return "";
}

}  // namespace

bool is_html(std::string_view bytes) {
  const std::string head = lowercase(bytes.substr(0, 1024));
  const size_t begin = head.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (begin == head.npos) return false;
  const std::string_view text = std::string_view(head).substr(begin);
  return text.starts_with("<!doctype html") || text.starts_with("<html") ||
         (text.starts_with("<?xml") && text.find("<html") != text.npos);
}

void add_html(std::string_view text, bool keep_sources, DocumentBuilder& out) {
  check_html_shape(text, out.where());
  GumboOptions options = kGumboDefaultOptions;
  options.max_errors = 0;
  const size_t skipped = mark_length(text);
  ParseMemory memory;
  options.userdata = &memory;
  options.allocator = ParseMemory::take;
  options.deallocator = ParseMemory::give_back;
  const GumboOutput* const tree =
      gumbo_parse_with_options(&options, text.data() + skipped, text.size() - skipped);
  if (tree == nullptr) return;
  const bool had_none = out.empty();
  HtmlWalk(text, keep_sources, false, out).run(tree->document);
  // A page that is nothing but navigation is read for it.
  if (had_none && out.empty()) HtmlWalk(text, keep_sources, true, out).run(tree->document);
}

void read_html(const ReaderInput& input, DocumentBuilder& out) {
  const DecodedText decoded =
      decode_declared(input.bytes, declared_charset(input.bytes), input.where());
  add_html(decoded.text, true, out);
}

}  // namespace onmal
