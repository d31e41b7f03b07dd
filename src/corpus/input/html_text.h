#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace onmal {

struct HtmlText {
  std::string title;
  std::string text;             // paragraphs, a blank line between them
  uint64_t dropped_blocks = 0;  // menus, lists of links, what stands in nav, footer, forms
};

// The running text of a page (UTF-8) without what surrounds it: a block goes when most of its
// letters are links' and it is short, or stands among such. Throws Error(kResource) for markup
// nested beyond reason, naming `where`.
HtmlText read_html_text(std::string_view html, const std::string& where);

}  // namespace onmal
