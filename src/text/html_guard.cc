#include "text/html_guard.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <map>
#include <set>

#include "base/error.h"

namespace onmal {
namespace {

constexpr int64_t kMostDepth = 1500;
constexpr int64_t kMostFormatting = 250;
constexpr int64_t kMostRepeated = 20'000'000;  // formatting elements made again, at most
constexpr int64_t kMostSteps = 2'000'000'000;  // elements looked at while closing others, at most

bool is_void(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "area", "base",  "br",     "col",   "embed", "hr",    "img",    "input",    "link",
      "meta", "param", "source", "track", "wbr",   "frame", "keygen", "basefont", "bgsound"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// Elements that the next one of their kind closes, outside SVG and MathML.
bool closes_itself(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "p",     "li",    "dt",       "dd",   "option", "tr",   "td",       "th",     "thead",
      "tbody", "tfoot", "colgroup", "html", "body",   "head", "optgroup", "caption"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

bool is_formatting(std::string_view name) {
  static constexpr std::string_view kNames[] = {"a",      "b",      "big",  "code", "em",
                                                "font",   "i",      "nobr", "s",    "small",
                                                "strike", "strong", "tt",   "u"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

bool starts_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

class ShapeCheck {
 public:
  explicit ShapeCheck(const std::string& where) : where_(where) {}

  void tag(const std::string& name, bool closing) {
    if (is_void(name)) return;
    const bool foreign = open_["svg"] + open_["math"] > 0;
    if (closes_itself(name) && !foreign) {
      repeated_ += formatting_;
      steps_ += depth_;
    } else {
      count(name, closing);
      steps_ += depth_;
    }
    if (depth_ > kMostDepth) refuse("elements are nested more than 1500 deep");
    if (formatting_ > kMostFormatting) refuse("more than 250 formatting elements are never closed");
    if (repeated_ > kMostRepeated || steps_ > kMostSteps)
      refuse("its unclosed elements would be repeated too often");
  }

 private:
  void count(const std::string& name, bool closing) {
    int64_t& open = open_[name];
    if (closing && open == 0) return;
    const int64_t change = closing ? -1 : 1;
    open += change;
    depth_ += change;
    if (is_formatting(name)) formatting_ += change;
    if (!closing) repeated_ += formatting_;
  }

  [[noreturn]] void refuse(const std::string& what) {
    throw Error(ErrorCode::kResource, where_, what, "clean the page up, or give its text");
  }

  std::string where_;
  std::map<std::string, int64_t> open_;
  int64_t depth_ = 0;
  int64_t formatting_ = 0;
  int64_t repeated_ = 0;
  int64_t steps_ = 0;
};

}  // namespace

void check_html_shape(std::string_view text, const std::string& where) {
  ShapeCheck check(where);
  for (size_t at = text.find('<'); at != text.npos; at = text.find('<', at + 1)) {
    if (text.substr(at, 4) == "<!--") {
      const size_t end = text.find("-->", at + 4);
      if (end == text.npos) return;
      // What looks like a comment may not be one where scripts are; those tags are counted then.
      at = end;
      continue;
    }
    const bool closing = at + 1 < text.size() && text[at + 1] == '/';
    const size_t begin = at + (closing ? 2 : 1);
    if (begin >= text.size() || !starts_name(text[begin])) continue;
    size_t end = begin;
    std::string name;
    while (end < text.size() && end - begin < 32 && text[end] != '>' && text[end] != '/' &&
           std::isspace(static_cast<unsigned char>(text[end])) == 0) {
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(text[end++])));
    }
    check.tag(name, closing);
  }
}

}  // namespace onmal
