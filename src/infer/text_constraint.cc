#include "infer/text_constraint.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace onmal {
namespace {

constexpr size_t kMaxKnownStates = 512;  // whose tokens are remembered
// Tokens longer than these are followed one by one where a limit may be near.
constexpr int64_t kUsualBytes = 16;
constexpr int64_t kFewBytes = 8;
constexpr float kForbidden = -std::numeric_limits<float>::infinity();

void set_bit(std::vector<uint64_t>& bits, int32_t id) {
  bits[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64);
}

}  // namespace

TokenMask::TokenMask(const Tokenizer& tokenizer, const TextConstraint& constraint,
                     int64_t vocab_size, std::span<const int32_t> end_ids,
                     std::shared_ptr<const VocabularyTrie> trie)
    : tokenizer_(tokenizer),
      walker_(constraint.walker()),
      constraint_(walker_ == nullptr ? constraint : *walker_),
      trie_(trie != nullptr ? std::move(trie)
                            : std::make_shared<VocabularyTrie>(tokenizer, vocab_size)),
      end_ids_(end_ids.begin(), end_ids.end()),
      states_(static_cast<size_t>(trie_->longest()) + 1),
      logits_(static_cast<size_t>(vocab_size)),
      state_(constraint_.start()) {
  ONMAL_ASSERT(trie_->vocab_size() == vocab_size);
  if (constraint_.knows_endings()) require_bytes();
}

// Of the bytes of UTF-8 text, the control characters apart.
void TokenMask::require_bytes() const {
  for (int byte = 0x20; byte < 0xF1; ++byte) {
    if (byte == 0x7F || byte == 0xC0 || byte == 0xC1) continue;
    const char text = static_cast<char>(byte);
    if (trie_->longest_match({&text, 1}) >= 0) continue;
    throw Error(ErrorCode::kUnsupported, "constrained answer",
                "the tokenizer has no token for the byte " + std::to_string(byte) + " alone",
                "use a model with a tokenizer over bytes");
  }
}

bool TokenMask::is_special(int32_t id) const {
  return tokenizer_.is_special(id) ||
         std::find(end_ids_.begin(), end_ids_.end(), id) != end_ids_.end();
}

int32_t TokenMask::behind(int32_t state, std::string_view bytes) const {
  for (const char byte : bytes) {
    state = constraint_.next(state, static_cast<uint8_t>(byte));
    if (state == TextConstraint::kDead) return state;
  }
  return state;
}

void TokenMask::take(int32_t node, int32_t state, int64_t limit, Allowed& out) const {
  const std::span<const int32_t> ids = trie_->tokens_at(node);
  if (ids.empty()) return;
  const int64_t ending = constraint_.shortest_ending(state);
  if (ending > limit) return;
  out.furthest = std::max(out.furthest, ending);
  for (const int32_t id : ids) set_bit(out.bits, id);
}

// Of the nodes [begin, end), all whose texts the automaton lives through, from a state before the
// bytes at the depth of the first one.
void TokenMask::walk(int32_t state, int32_t begin, int32_t end, int64_t limit, Allowed& out) {
  const std::span<const VocabularyTrie::Node> nodes = trie_->nodes();
  if (begin == end) return;
  states_[static_cast<size_t>(nodes[static_cast<size_t>(begin)].depth)] = state;
  for (int32_t at = begin; at < end;) {
    const VocabularyTrie::Node& node = nodes[static_cast<size_t>(at)];
    const auto depth = static_cast<size_t>(node.depth);
    const int32_t reached = constraint_.next(states_[depth], node.byte);
    if (reached == TextConstraint::kDead) {
      at = node.end;
      continue;
    }
    states_[depth + 1] = reached;
    take(at, reached, limit, out);
    ++at;
  }
}

// Looks at tokens up to as many bytes as there surely is room for.
const TokenMask::InsideTokens& TokenMask::inside_tokens(int32_t inside, int64_t room) {
  const int64_t looked_at = room >= trie_->longest() ? trie_->longest()
                            : room >= kUsualBytes    ? kUsualBytes
                                                     : kFewBytes;
  const auto [known, is_new] = inside_.try_emplace({inside, looked_at});
  InsideTokens& tokens = known->second;
  if (!is_new) return tokens;
  tokens.bits.resize((logits_.size() + 63) / 64);
  const std::span<const VocabularyTrie::Node> nodes = trie_->nodes();
  std::string text(states_.size(), '\0');
  states_[0] = inside;
  for (int32_t at = 0; at < static_cast<int32_t>(nodes.size());) {
    const VocabularyTrie::Node& node = nodes[static_cast<size_t>(at)];
    const auto depth = static_cast<size_t>(node.depth);
    text[depth] = static_cast<char>(node.byte);
    int32_t reached = constraint_.next_inside(states_[depth], node.byte);
    if (reached >= 0 && node.depth >= looked_at) reached = TextConstraint::kLeaves;
    if (reached == TextConstraint::kLeaves) tokens.exits.emplace_back(at, text.substr(0, depth));
    if (reached < 0) {
      at = node.end;
      continue;
    }
    states_[depth + 1] = reached;
    for (const int32_t id : trie_->tokens_at(at)) set_bit(tokens.bits, id);
    ++at;
  }
  return tokens;
}

// Where the answer may end, and where nothing else may come.
void TokenMask::add_special(int32_t state, Allowed& out) const {
  const bool may_end = constraint_.may_end(state);
  for (const int32_t id : end_ids_) {  // perhaps ordinary tokens
    if (id >= 0 && static_cast<size_t>(id) < logits_.size())
      out.bits[static_cast<size_t>(id) / 64] &= ~(uint64_t{1} << (id % 64));
  }
  const bool stuck =
      std::all_of(out.bits.begin(), out.bits.end(), [](uint64_t word) { return word == 0; });
  if (!may_end && !stuck) return;
  if (!may_end && constraint_.knows_endings()) {
    throw Error(ErrorCode::kUnsupported, "constrained answer",
                "the tokenizer has no token for the only bytes that may come next",
                "use a model with a tokenizer over bytes");
  }
  for (const int32_t id : trie_->special_ids()) set_bit(out.bits, id);
  for (const int32_t id : end_ids_) {
    if (id >= 0 && static_cast<size_t>(id) < logits_.size()) set_bit(out.bits, id);
  }
}

TokenMask::Allowed TokenMask::find_allowed(int32_t state, int64_t limit, int32_t planned) {
  Allowed out;
  const TextConstraint::Inside inside = constraint_.inside(state);
  const int64_t ending = constraint_.shortest_ending(state);
  const bool shares = inside.state != TextConstraint::kDead &&
                      inside.room >= std::min(kFewBytes, trie_->longest()) &&
                      ending + TextConstraint::kInsideEnding <= limit;
  if (shares) {
    const InsideTokens& tokens = inside_tokens(inside.state, inside.room);
    out.bits = tokens.bits;
    out.furthest = ending + TextConstraint::kInsideEnding;
    for (const auto& [node, text] : tokens.exits) {
      const int32_t before = behind(state, text);
      const VocabularyTrie::Node& exit = trie_->nodes()[static_cast<size_t>(node)];
      if (before != TextConstraint::kDead) walk(before, node, exit.end, limit, out);
    }
  } else {
    out.bits.resize((logits_.size() + 63) / 64);
    walk(state, 0, static_cast<int32_t>(trie_->nodes().size()), limit, out);
  }
  if (planned >= 0) set_bit(out.bits, planned);
  add_special(state, out);
  return out;
}

const TokenMask::Allowed& TokenMask::allowed(int32_t state) {
  const auto known = allowed_.find(state);
  if (known != allowed_.end()) return known->second;
  if (allowed_.size() >= kMaxKnownStates) allowed_.clear();
  return allowed_.emplace(state, find_allowed(state, kNoLimit, -1)).first->second;
}

std::vector<int32_t> TokenMask::plan_ending(int32_t state) const {
  std::string text;
  for (int64_t left = constraint_.shortest_ending(state); left > 0; --left) {
    int byte = 0;
    int32_t reached = TextConstraint::kDead;
    for (; byte < 256; ++byte) {
      reached = constraint_.next(state, static_cast<uint8_t>(byte));
      if (reached != TextConstraint::kDead && constraint_.shortest_ending(reached) < left) break;
    }
    ONMAL_ASSERT(byte < 256);
    text += static_cast<char>(byte);
    state = reached;
  }
  std::vector<int32_t> ids;
  for (std::string_view rest = text; !rest.empty();) {
    ids.push_back(trie_->longest_match(rest));
    rest.remove_prefix(tokenizer_.piece(ids.back()).size());
  }
  return ids;
}

void TokenMask::require_room(int64_t tokens) {
  if (!constraint_.knows_endings() || constraint_.shortest_ending(state_) <= tokens) return;
  const auto needed = static_cast<int64_t>(plan_ending(state_).size());
  if (needed <= tokens) return;
  throw Error(ErrorCode::kInvalidArgument, "number of tokens",
              std::to_string(tokens) + " are too few for the shortest answer that is allowed, " +
                  std::to_string(needed),
              "allow more, or a shorter answer");
}

int32_t TokenMask::planned_token() {
  if (plan_.empty()) {
    plan_ = plan_ending(state_);
    std::reverse(plan_.begin(), plan_.end());
  }
  return plan_.empty() ? -1 : plan_.back();
}

std::span<const float> TokenMask::apply(std::span<const float> logits, int64_t tokens_left) {
  ONMAL_ASSERT(logits.size() == logits_.size());
  const int64_t behind_this = tokens_left - 1;
  const Allowed* tokens = &allowed(state_);
  Allowed in_time;
  if (constraint_.knows_endings() && tokens->furthest > behind_this) {
    // Too few for a byte each: the planned ending, if it is not under way already.
    const bool too_few = constraint_.shortest_ending(state_) > tokens_left;
    in_time = find_allowed(state_, behind_this, too_few ? planned_token() : -1);
    tokens = &in_time;
  }
  for (size_t word = 0; word < tokens->bits.size(); ++word) {
    const size_t first = word * 64;
    const size_t count = std::min<size_t>(64, logits_.size() - first);
    const uint64_t bits = tokens->bits[word];
    const float* const from = logits.data() + first;
    float* const to = logits_.data() + first;
    if (bits == 0) {
      std::fill_n(to, count, kForbidden);
    } else if (bits == ~uint64_t{0}) {
      std::copy_n(from, count, to);
    } else {
      for (size_t i = 0; i < count; ++i) to[i] = (bits >> i & 1) != 0 ? from[i] : kForbidden;
    }
  }
  return logits_;
}

void TokenMask::accept(int32_t id) {
  const bool planned = !plan_.empty() && plan_.back() == id;
  if (planned) {
    plan_.pop_back();
  } else {
    plan_.clear();
  }
  if (is_special(id)) return;
  const int32_t next = behind(state_, tokenizer_.piece(id));
  ONMAL_ASSERT(next != TextConstraint::kDead);
  state_ = next;
  if (!constraint_.is_crowded()) return;
  state_ = constraint_.keep_only(next);
  allowed_.clear();
}

bool TokenMask::is_complete() const {
  if (!constraint_.knows_endings() || !constraint_.may_end(state_)) return false;
  for (int byte = 0; byte < 256; ++byte) {
    if (constraint_.next(state_, static_cast<uint8_t>(byte)) != TextConstraint::kDead) return false;
  }
  return true;
}

}  // namespace onmal
