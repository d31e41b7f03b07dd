#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "knowledge/readers/reader.h"
#include "text/encoding.h"

namespace onmal {
namespace {

// Beyond these cmark takes time that grows with their square; such a file is read as plain text.
constexpr size_t kMostParagraphBytes = size_t{1} << 20;
constexpr int64_t kMostBrackets = 4000;  // of a paragraph
constexpr int64_t kMostMarkers = 60;     // of lists and quotes on one line
constexpr size_t kMostIndentation = 400;

constexpr size_t kLookAhead = 4096;  // bytes of markup between two stretches of text

struct FreeNode {
  void operator()(cmark_node* node) const { cmark_node_free(node); }
};
struct FreeParser {
  void operator()(cmark_parser* parser) const { cmark_parser_free(parser); }
};
struct FreeIterator {
  void operator()(cmark_iter* iterator) const { cmark_iter_free(iterator); }
};

bool is_tame(std::string_view text) {
  int64_t brackets = 0;
  size_t paragraph = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    const size_t content = line.find_first_not_of(" \t\r>*+-0123456789.)");
    const std::string_view lead = line.substr(0, content);
    const auto markers = std::count_if(lead.begin(), lead.end(), [](char c) {
      return c == '>' || c == '*' || c == '+' || c == '.';
    });
    const auto dashes = std::count(lead.begin(), lead.end(), '-');
    const bool rule = content == line.npos && markers == 0;
    if (markers > kMostMarkers || (dashes > kMostMarkers && !rule)) return false;
    if (std::min(line.find_first_not_of(" \t"), line.size()) > kMostIndentation) return false;
    if (content == line.npos) brackets = 0, paragraph = 0;
    brackets += std::count_if(line.begin(), line.end(), [](char c) {
      return c == '[' || c == '<' || c == '`' || c == '*' || c == '_' || c == '~' || c == '|';
    });
    paragraph += line.size();
    if (brackets > kMostBrackets || paragraph > kMostParagraphBytes) return false;
    begin = end + 1;
  }
  return true;
}

class MarkdownWalk {
 public:
  MarkdownWalk(std::string_view text, DocumentBuilder& out) : text_(text), out_(out) {
    for (size_t at = 0; at != std::string_view::npos;) {
      lines_.push_back(at);
      const size_t end = text.find('\n', at);
      at = end == text.npos ? end : end + 1;
    }
  }

  void run(cmark_node* root) {
    const std::unique_ptr<cmark_iter, FreeIterator> iterator(cmark_iter_new(root));
    for (;;) {
      const cmark_event_type event = cmark_iter_next(iterator.get());
      if (event == CMARK_EVENT_DONE) break;
      cmark_node* node = cmark_iter_get_node(iterator.get());
      if (event == CMARK_EVENT_ENTER) {
        enter(node);
      } else {
        leave(node);
      }
    }
    out_.end_block();
  }

 private:
  size_t line_begin(int line) const {
    const auto index = static_cast<size_t>(std::max(line, 1) - 1);
    return index < lines_.size() ? lines_[index] : text_.size();
  }

  void open(cmark_node* node, BlockKind kind, int level = 0) {
    out_.begin_block(kind, level);
    cursor_ = std::max(cursor_, line_begin(cmark_node_get_start_line(node)));
  }

  void enter(cmark_node* node) {
    const cmark_node_type type = cmark_node_get_type(node);
    if (type == CMARK_NODE_HEADING) {
      open(node, BlockKind::kHeading, cmark_node_get_heading_level(node));
    } else if (type == CMARK_NODE_PARAGRAPH) {
      open(node, items_ > 0    ? BlockKind::kListItem
                 : quotes_ > 0 ? BlockKind::kQuote
                               : BlockKind::kParagraph);
    } else if (type == CMARK_NODE_ITEM) {
      ++items_;
    } else if (type == CMARK_NODE_BLOCK_QUOTE) {
      ++quotes_;
    } else if (type == CMARK_NODE_CODE_BLOCK) {
      open(node, BlockKind::kCode);
      add_code(cmark_node_get_literal(node));
      out_.end_block();
    } else if (type == CMARK_NODE_HTML_BLOCK) {
      out_.end_block();
      add_html(cmark_node_get_literal(node), false, out_);
    } else if (type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE) {
      add_literal(cmark_node_get_literal(node));
    } else if (type == CMARK_NODE_SOFTBREAK || type == CMARK_NODE_LINEBREAK) {
      out_.append("\n");
    } else if (type == CMARK_NODE_FOOTNOTE_REFERENCE) {
      const char* label = cmark_node_get_literal(node);
      out_.append("[");
      if (label != nullptr) out_.append(label);
      out_.append("]");
    } else {
      enter_extension(cmark_node_get_type_string(node), node);
    }
  }

  void enter_extension(std::string_view type, cmark_node* node) {
    if (type == "table_row" || type == "table_header") {
      open(node, BlockKind::kTableRow);
      first_cell_ = true;
    } else if (type == "table_cell") {
      if (!first_cell_) out_.append(" | ");
      first_cell_ = false;
    }
  }

  void leave(cmark_node* node) {
    const cmark_node_type type = cmark_node_get_type(node);
    if (type == CMARK_NODE_ITEM) --items_;
    if (type == CMARK_NODE_BLOCK_QUOTE) --quotes_;
    if (type == CMARK_NODE_HEADING || type == CMARK_NODE_PARAGRAPH) out_.end_block();
    if (type == CMARK_NODE_LINK || type == CMARK_NODE_IMAGE) skip_address();
    if (type == CMARK_NODE_IMAGE) out_.leave_out("pictures");
    const std::string_view name = cmark_node_get_type_string(node);
    if (name == "table_row" || name == "table_header") out_.end_block();
  }

  void add_code(const char* literal) {
    std::string_view rest = literal;
    while (!rest.empty()) {
      const size_t length = std::min(rest.find('\n'), rest.size() - 1) + 1;
      add_literal(rest.substr(0, length));
      rest.remove_prefix(length);
    }
  }

  // Text that stands in the file as it is, mostly: looked for behind the last one.
  void add_literal(std::string_view literal) {
    const size_t reach = std::min(text_.size() - cursor_, literal.size() + kLookAhead);
    const size_t found = text_.substr(cursor_, reach).find(literal);
    if (found == std::string_view::npos || literal.empty()) {
      out_.append(literal);
      return;
    }
    out_.append(literal, cursor_ + found);
    cursor_ += found + literal.size();
  }

  // An address may hold the words that come next.
  void skip_address() {
    if (text_.substr(cursor_, 2) != "](") return;
    const size_t close = text_.substr(cursor_, kLookAhead).find(')');
    if (close != std::string_view::npos) cursor_ += close + 1;
  }

  std::string_view text_;
  DocumentBuilder& out_;
  std::vector<size_t> lines_;
  size_t cursor_ = 0;
  int items_ = 0;
  int quotes_ = 0;
  bool first_cell_ = true;
};

}  // namespace

void read_markdown(const ReaderInput& input, DocumentBuilder& out) {
  const std::string text = decode_text(input.bytes, input.where()).text;
  if (!is_tame(text)) {
    out.warn("read as plain text: its marks are nested too deep or its paragraphs too long");
    add_paragraphs(text, true, out);
    return;
  }
  cmark_gfm_core_extensions_ensure_registered();
  const std::unique_ptr<cmark_parser, FreeParser> parser(
      cmark_parser_new(CMARK_OPT_VALIDATE_UTF8 | CMARK_OPT_FOOTNOTES));
  for (const char* name : {"table", "strikethrough"}) {
    if (cmark_syntax_extension* extension = cmark_find_syntax_extension(name))
      cmark_parser_attach_syntax_extension(parser.get(), extension);
  }
  cmark_parser_feed(parser.get(), text.data(), text.size());
  const std::unique_ptr<cmark_node, FreeNode> root(cmark_parser_finish(parser.get()));
  if (root != nullptr) MarkdownWalk(text, out).run(root.get());
}

}  // namespace onmal
