#include "corpus/input/html_text.h"

#include <gumbo.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "text/html_guard.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// After the idea of boilerpipe and jusText (Kohlschütter et al., 2010; Pomikálek, 2011): link
// density and length of a block, and its neighbours'.
constexpr double kMostLinked = 0.4;  // share of a block's letters
constexpr size_t kLongBlock = 80;    // characters that speak for themselves
constexpr size_t kShortBlock = 25;   // that need a good neighbour

struct PageBlock {
  std::string text;
  size_t letters = 0;
  size_t linked = 0;
  bool heading = false;
};

// Letters, a syllable of Hangul or an ideograph being worth two.
size_t count_letters(std::string_view text) {
  size_t letters = 0;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    letters += c.code >= 0x2E80 ? 2 : 1;
    at += c.length;
  }
  return letters;
}

bool is_skipped(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_NOSCRIPT:
    case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_NAV:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_FORM:
    case GUMBO_TAG_BUTTON:
    case GUMBO_TAG_SELECT:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_OBJECT:
    case GUMBO_TAG_SVG:
    case GUMBO_TAG_HEAD:
      return true;
    default:
      return false;
  }
}

bool is_inline(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_A:
    case GUMBO_TAG_ABBR:
    case GUMBO_TAG_B:
    case GUMBO_TAG_BDI:
    case GUMBO_TAG_BDO:
    case GUMBO_TAG_BIG:
    case GUMBO_TAG_CITE:
    case GUMBO_TAG_CODE:
    case GUMBO_TAG_DATA:
    case GUMBO_TAG_DFN:
    case GUMBO_TAG_EM:
    case GUMBO_TAG_FONT:
    case GUMBO_TAG_I:
    case GUMBO_TAG_KBD:
    case GUMBO_TAG_MARK:
    case GUMBO_TAG_Q:
    case GUMBO_TAG_S:
    case GUMBO_TAG_SAMP:
    case GUMBO_TAG_SMALL:
    case GUMBO_TAG_SPAN:
    case GUMBO_TAG_STRONG:
    case GUMBO_TAG_SUB:
    case GUMBO_TAG_SUP:
    case GUMBO_TAG_TIME:
    case GUMBO_TAG_U:
    case GUMBO_TAG_VAR:
    case GUMBO_TAG_WBR:
      return true;
    default:
      return false;
  }
}

class PageWalk {
 public:
  void walk(const GumboNode* node, bool linked) {
    if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE)
      return add_text(node->v.text.text, linked);
    if (node->type != GUMBO_NODE_ELEMENT && node->type != GUMBO_NODE_DOCUMENT) return;
    if (node->type == GUMBO_NODE_DOCUMENT) return walk_children(node->v.document.children, linked);
    const GumboTag tag = node->v.element.tag;
    if (is_skipped(tag)) {
      ++skipped;
      return;
    }
    const bool heading = tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H6;
    const bool inside = is_inline(tag);
    if (!inside) end_block();
    block_.heading = block_.heading || heading;
    walk_children(node->v.element.children, linked || tag == GUMBO_TAG_A);
    if (!inside) end_block();
  }

  std::vector<PageBlock> finish() {
    end_block();
    return std::move(blocks_);
  }

  uint64_t skipped = 0;

 private:
  void walk_children(const GumboVector& children, bool linked) {
    for (unsigned i = 0; i < children.length; ++i)
      walk(static_cast<const GumboNode*>(children.data[i]), linked);
  }

  // White space runs become one space.
  void add_text(std::string_view text, bool linked) {
    const size_t before = block_.text.size();
    for (const char c : text) {
      const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
      if (!space) {
        block_.text += c;
      } else if (!block_.text.empty() && block_.text.back() != ' ') {
        block_.text += ' ';
      }
    }
    if (linked) block_.linked += count_letters(std::string_view(block_.text).substr(before));
  }

  void end_block() {
    while (!block_.text.empty() && block_.text.back() == ' ') block_.text.pop_back();
    if (!block_.text.empty()) {
      block_.letters = count_letters(block_.text);
      blocks_.push_back(std::move(block_));
    }
    block_ = {};
  }

  PageBlock block_;
  std::vector<PageBlock> blocks_;
};

// Good by itself, bad by itself, or as its neighbours are.
enum class Verdict : uint8_t { kGood, kBad, kOpen };

Verdict judge(const PageBlock& block) {
  const double linked =
      static_cast<double>(block.linked) / static_cast<double>(std::max<size_t>(block.letters, 1));
  if (linked > kMostLinked) return Verdict::kBad;
  if (block.letters >= kLongBlock) return Verdict::kGood;
  return block.letters >= kShortBlock || block.heading ? Verdict::kOpen : Verdict::kBad;
}

std::string find_title(const GumboNode* node) {
  if (node->type != GUMBO_NODE_ELEMENT) return {};
  const GumboVector& children = node->v.element.children;
  if (node->v.element.tag == GUMBO_TAG_TITLE) {
    if (children.length == 0) return {};
    const auto* text = static_cast<const GumboNode*>(children.data[0]);
    return text->type == GUMBO_NODE_TEXT ? text->v.text.text : "";
  }
  const bool above = node->v.element.tag == GUMBO_TAG_HTML || node->v.element.tag == GUMBO_TAG_HEAD;
  for (unsigned i = 0; above && i < children.length; ++i) {
    std::string title = find_title(static_cast<const GumboNode*>(children.data[i]));
    if (!title.empty()) return title;
  }
  return {};
}

}  // namespace

HtmlText read_html_text(std::string_view html, const std::string& where) {
  check_html_shape(html, where);
  GumboOptions options = kGumboDefaultOptions;
  options.max_errors = 0;
  const auto release = [](GumboOutput* output) {
    gumbo_destroy_output(&kGumboDefaultOptions, output);
  };
  const std::unique_ptr<GumboOutput, decltype(release)> output(
      gumbo_parse_with_options(&options, html.data(), html.size()), release);
  HtmlText page;
  page.title = find_title(output->root);
  PageWalk walk;
  walk.walk(output->document, false);
  const std::vector<PageBlock> blocks = walk.finish();
  std::vector<Verdict> verdicts;
  for (const PageBlock& block : blocks) verdicts.push_back(judge(block));
  page.dropped_blocks = walk.skipped;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const bool beside_good = (i > 0 && verdicts[i - 1] == Verdict::kGood) ||
                             (i + 1 < blocks.size() && verdicts[i + 1] == Verdict::kGood);
    if (verdicts[i] == Verdict::kBad || (verdicts[i] == Verdict::kOpen && !beside_good)) {
      ++page.dropped_blocks;
      continue;
    }
    page.text += (page.text.empty() ? "" : "\n\n") + blocks[i].text;
  }
  return page;
}

}  // namespace onmal
