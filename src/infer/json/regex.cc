#include "infer/json/regex.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/error.h"
#include "infer/json/regex_tree.h"
#include "infer/json/string_forms.h"
#include "text/utf8.h"

namespace onmal::json {
namespace {

constexpr size_t kMaxRegexNodes = 100'000;
constexpr int32_t kClosed = -2;    // the position behind the closing quote
constexpr int32_t kUnopened = -1;  // the one before the opening quote

// A nondeterministic automaton over bytes; nodes of characters stand between characters, the
// others within one.
class Nfa {
 public:
  enum class When : uint8_t { kAlways, kAtBegin, kAtEnd };
  struct Edge {
    uint8_t lo, hi;
    int32_t to;
  };
  struct Jump {
    When when;
    int32_t to;
  };
  struct Node {
    std::vector<Edge> edges;
    std::vector<Jump> jumps;
    bool is_character = false;
  };

  Nfa(bool json, std::string where) : json_(json), where_(std::move(where)) {}

  int32_t add_node(bool is_character) {
    if (nodes_.size() >= kMaxRegexNodes)
      throw Error(ErrorCode::kUnsupported, where_, "the pattern is too large", "make it simpler");
    nodes_.push_back({{}, {}, is_character});
    return static_cast<int32_t>(nodes_.size()) - 1;
  }
  void add_jump(int32_t from, int32_t to, When when = When::kAlways) {
    at(from).jumps.push_back({when, to});
  }
  void add_character(int32_t from, int32_t to, uint32_t lo, uint32_t hi);
  int32_t add(const RegexTree& tree, int32_t from);

  const std::vector<Node>& nodes() const { return nodes_; }
  // Of a set of nodes, all that they reach without a byte.
  void close(Position& nodes, bool at_begin, bool at_end) const;

 private:
  Node& at(int32_t node) { return nodes_[static_cast<size_t>(node)]; }
  void add_utf8(int32_t from, int32_t to, uint32_t lo, uint32_t hi);
  void add_text(int32_t from, int32_t to, std::string_view bytes);
  int32_t before(int32_t to, uint8_t lo, uint8_t hi);

  bool json_;
  std::string where_;
  std::vector<Node> nodes_;
  std::map<std::tuple<int32_t, uint8_t, uint8_t>, int32_t> before_;
};

// The node from which one byte leads to `to`, one for all who need it.
int32_t Nfa::before(int32_t to, uint8_t lo, uint8_t hi) {
  const auto [known, is_new] = before_.try_emplace({to, lo, hi}, 0);
  if (!is_new) return known->second;
  const int32_t node = add_node(false);
  at(node).edges.push_back({lo, hi, to});
  before_[{to, lo, hi}] = node;
  return node;
}

void Nfa::add_text(int32_t from, int32_t to, std::string_view bytes) {
  for (size_t i = bytes.size() - 1; i > 0; --i) {
    const auto byte = static_cast<uint8_t>(bytes[i]);
    to = before(to, byte, byte);
  }
  const auto first = static_cast<uint8_t>(bytes[0]);
  at(from).edges.push_back({first, first, to});
}

// Splits where the number of bytes changes, at the surrogates, and until every byte behind one that
// differs has its whole range.
void Nfa::add_utf8(int32_t from, int32_t to, uint32_t lo, uint32_t hi) {
  if (lo > hi) return;
  for (const uint32_t last : {0x7FU, 0x7FFU, 0xD7FFU, 0xFFFFU}) {
    if (lo <= last && hi > last) {
      add_utf8(from, to, lo, last);
      return add_utf8(from, to, last + 1, hi);
    }
  }
  if (lo >= 0xD800 && lo <= 0xDFFF) return add_utf8(from, to, 0xE000, hi);
  for (uint32_t bits = 6; bits <= 18 && lo > 0x7F; bits += 6) {
    const uint32_t mask = (1U << bits) - 1;
    if ((lo & ~mask) == (hi & ~mask)) continue;
    if ((lo & mask) != 0) {
      add_utf8(from, to, lo, lo | mask);
      return add_utf8(from, to, (lo | mask) + 1, hi);
    }
    if ((hi & mask) != mask) {
      add_utf8(from, to, lo, (hi & ~mask) - 1);
      return add_utf8(from, to, hi & ~mask, hi);
    }
  }
  std::string first;
  std::string last;
  append_utf8(lo, first);
  append_utf8(hi, last);
  for (size_t i = first.size() - 1; i > 0; --i)
    to = before(to, static_cast<uint8_t>(first[i]), static_cast<uint8_t>(last[i]));
  at(from).edges.push_back({static_cast<uint8_t>(first[0]), static_cast<uint8_t>(last[0]), to});
}

void Nfa::add_character(int32_t from, int32_t to, uint32_t lo, uint32_t hi) {
  if (!json_) return add_utf8(from, to, lo, hi);
  uint32_t next = lo;
  for (uint32_t code = lo; code <= std::min(hi, 0x5CU); ++code) {
    if (code >= 0x20 && code != '"' && code != '\\') continue;
    if (code > next) add_utf8(from, to, next, code - 1);
    std::string escaped;
    append_escaped(code, escaped);
    add_text(from, to, escaped);
    next = code + 1;
  }
  add_utf8(from, to, next, hi);
}

int32_t Nfa::add(const RegexTree& tree, int32_t from) {
  using Kind = RegexTree::Kind;
  const int32_t end = add_node(true);
  switch (tree.kind) {
    case Kind::kClass:
      for (const auto& [lo, hi] : tree.ranges) add_character(from, end, lo, hi);
      return end;
    case Kind::kBegin:
      add_jump(from, end, When::kAtBegin);
      return end;
    case Kind::kEnd:
      add_jump(from, end, When::kAtEnd);
      return end;
    case Kind::kChoice:
      for (const RegexTree& part : tree.parts) add_jump(add(part, from), end);
      return end;
    case Kind::kSequence: {
      int32_t last = from;
      for (const RegexTree& part : tree.parts) last = add(part, last);
      add_jump(last, end);
      return end;
    }
    case Kind::kRepeat:
      break;
  }
  int32_t last = from;
  for (int32_t i = 0; i < tree.least; ++i) last = add(tree.parts[0], last);
  if (tree.most == RegexTree::kEndless) {
    const int32_t loop = add_node(true);
    add_jump(last, loop);
    add_jump(add(tree.parts[0], loop), loop);
    last = loop;
  }
  for (int32_t i = tree.least; i < tree.most; ++i) {
    add_jump(last, end);
    // A fresh node, so that edges into the loop of a part inside do not lead back.
    const int32_t begin = add_node(true);
    add_jump(last, begin);
    last = add(tree.parts[0], begin);
  }
  add_jump(last, end);
  return end;
}

void Nfa::close(Position& found, bool at_begin, bool at_end) const {
  std::vector<int32_t> open = found;
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<int32_t> seen = found;
  while (!open.empty()) {
    const int32_t node = open.back();
    open.pop_back();
    for (const Jump& jump : nodes_[static_cast<size_t>(node)].jumps) {
      if (jump.when == When::kAtBegin && !at_begin) continue;
      if (jump.when == When::kAtEnd && !at_end) continue;
      const auto place = std::lower_bound(seen.begin(), seen.end(), jump.to);
      if (place != seen.end() && *place == jump.to) continue;
      seen.insert(place, jump.to);
      open.push_back(jump.to);
    }
  }
  found = std::move(seen);
}

// Walks an Nfa as sets of nodes.
class Walk {
 public:
  Walk(const Nfa& nfa, int32_t start, int32_t match, bool json)
      : nfa_(nfa), start_(start), match_(match), json_(json) {}

  Position begin() const {
    if (json_) return {kUnopened};
    Position nodes = {start_};
    nfa_.close(nodes, true, false);
    return nodes;
  }

  bool step(const Position& at, uint8_t byte, Position& reached) const {
    if (at[0] == kClosed) return false;
    if (at[0] == kUnopened) {
      if (byte != '"') return false;
      reached = {start_};
      nfa_.close(reached, true, false);
      return true;
    }
    if (json_ && byte == '"' && is_boundary(at)) {
      reached = {kClosed};
      return is_match(at);
    }
    for (const int32_t node : at) {
      for (const Nfa::Edge& edge : nfa_.nodes()[static_cast<size_t>(node)].edges) {
        if (byte >= edge.lo && byte <= edge.hi) reached.push_back(edge.to);
      }
    }
    if (reached.empty()) return false;
    nfa_.close(reached, false, false);
    return true;
  }

  PositionMark mark(const Position& at) const {
    if (at[0] == kClosed) return {0, false};
    if (at[0] == kUnopened) return {-1, false};
    return {!json_ && is_match(at) ? 0 : -1, is_boundary(at)};
  }

 private:
  bool is_boundary(const Position& at) const {
    return std::any_of(at.begin(), at.end(), [&](int32_t node) {
      return nfa_.nodes()[static_cast<size_t>(node)].is_character;
    });
  }
  // ^ at the end of an empty text only counts where the closure at the begin has gone through.
  bool is_match(const Position& at) const {
    Position nodes = at;
    const bool at_begin = at[0] == start_;  // a node that nothing leads back to
    nfa_.close(nodes, at_begin, true);
    return std::binary_search(nodes.begin(), nodes.end(), match_);
  }

  const Nfa& nfa_;
  int32_t start_;
  int32_t match_;
  bool json_;
};

Dfa compile(std::string_view pattern, bool json, const std::string& where) {
  const RegexTree tree = parse_regex(pattern, where);
  Nfa nfa(json, where);
  const int32_t begin = nfa.add_node(true);
  const int32_t inside = nfa.add_node(true);
  nfa.add_jump(begin, inside);
  if (json) nfa.add_character(inside, inside, 0, 0x10FFFF);
  const int32_t match = nfa.add(tree, inside);
  if (json) nfa.add_character(match, match, 0, 0x10FFFF);
  std::vector<std::array<uint8_t, 2>> ranges = {{'"', '"'}};
  for (const Nfa::Node& node : nfa.nodes()) {
    for (const Nfa::Edge& edge : node.edges) ranges.push_back({edge.lo, edge.hi});
  }
  const Walk walk(nfa, begin, match, json);
  const auto step = [&](const Position& at, uint8_t byte, Position& reached) {
    return walk.step(at, byte, reached);
  };
  const auto mark = [&](const Position& at) { return walk.mark(at); };
  return Dfa(ByteClasses(ranges), {walk.begin(), step, mark}, where);
}

}  // namespace

Dfa compile_string_pattern(std::string_view pattern, const std::string& where) {
  return compile(pattern, true, where);
}

Dfa compile_plain_pattern(std::string_view pattern, const std::string& where) {
  return compile(pattern, false, where);
}

}  // namespace onmal::json
