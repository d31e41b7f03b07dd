#include "infer/json/json_walker.h"

#include <algorithm>

namespace onmal::json {
namespace {

constexpr size_t kMaxStates = 20'000;  // then all but one are forgotten between tokens
constexpr size_t kMaxReadings = 256;   // of one text; further ones are not followed
constexpr int32_t kUnknown = -2;

int64_t capped_sum(int64_t a, int64_t b) { return std::min(a + b, kNoWay); }
// Without a byte, a comma or colon, that has been counted.
int64_t one_less(int64_t length) { return length >= kNoWay ? kNoWay : length - 1; }

uint64_t mix(uint64_t hash, int32_t value) {
  hash = (hash ^ static_cast<uint32_t>(value)) * 0x9E3779B97F4A7C15ULL;
  return hash ^ (hash >> 29);
}

// Phases. Of an array: a: items begun. Of an object: a: listed properties written or passed
// over, or the label of the property whose value comes; b: state of the names; c: pairs begun. Of
// a wrap: a: state of its fixed texts; c: calls begun.
enum ArrayPhase : int32_t { kArrayBegin, kArrayOpen, kArrayComma, kArrayValue };
enum ObjectPhase : int32_t {
  kObjectBegin,
  kObjectOpen,
  kObjectComma,
  kObjectName,
  kObjectColon,
  kObjectMember,  // behind the colon
  kObjectValue,   // behind a value
};
enum WrapPhase : int32_t { kWrapFree, kWrapBefore, kWrapValue, kWrapAfter, kWrapAgain };

bool may_be_listed(const ObjectNode& object, int32_t name) {
  const std::vector<NameWay>& ways = object.ways[static_cast<size_t>(name)];
  return std::any_of(ways.begin(), ways.end(), [&](const NameWay& way) {
    return way.label < static_cast<int32_t>(object.listed.size());
  });
}

bool is_blank(uint8_t byte) { return byte == ' ' || byte == '\n'; }

}  // namespace

size_t JsonWalker::StackKeyHash::operator()(const std::pair<Frame, int32_t>& key) const {
  const auto& [frame, parent] = key;
  uint64_t hash = 0;
  for (const int32_t value :
       {frame.node, frame.phase, frame.blanks, frame.a, frame.b, frame.c, parent})
    hash = mix(hash, value);
  return static_cast<size_t>(hash);
}

size_t JsonWalker::StacksHash::operator()(const Stacks& stacks) const {
  uint64_t hash = stacks.size();
  for (const int32_t stack : stacks) hash = mix(hash, stack);
  return static_cast<size_t>(hash);
}

JsonWalker::JsonWalker(std::shared_ptr<const Grammar> grammar) : grammar_(std::move(grammar)) {
  clear();
  Stacks first;
  for (const int32_t which : grammar_->value(grammar_->root).nodes) {
    if (node(which).shortest < kNoWay) put(first_frame(which), kDone, first);
  }
  start_ = state_of(std::move(first));
}

std::shared_ptr<const TextConstraint> JsonWalker::walker() const {
  return std::make_shared<JsonWalker>(grammar_);
}

void JsonWalker::clear() const {
  stack_ids_.clear();
  state_ids_.clear();
  stacks_.clear();
  states_.clear();
  rows_.clear();
  stacks_.push_back({{}, kDone, 0, 0});
}

bool JsonWalker::is_crowded() const { return states_.size() > kMaxStates; }

int32_t JsonWalker::keep_only(int32_t state) const {
  std::vector<std::vector<Frame>> kept;
  for (int32_t at : states_[static_cast<size_t>(state)].stacks) {
    kept.emplace_back();
    for (; at != kDone; at = stack(at).parent) kept.back().push_back(stack(at).frame);
  }
  clear();
  Stacks stacks;
  for (std::vector<Frame>& frames : kept) {
    int32_t at = kDone;
    for (; !frames.empty(); frames.pop_back()) at = stack_of(frames.back(), at);
    stacks.push_back(at);
  }
  return state_of(std::move(stacks));
}

int32_t JsonWalker::stack_of(const Frame& frame, int32_t parent) const {
  const auto [known, is_new] =
      stack_ids_.try_emplace({frame, parent}, static_cast<int32_t>(stacks_.size()));
  if (!is_new) return known->second;
  const Node::Kind kind = node(frame.node).kind;
  const bool nests = kind == Node::Kind::kArray || kind == Node::Kind::kObject;
  const int32_t depth = stack(parent).depth + (nests ? 1 : 0);
  const int64_t cost = capped_sum(rest(frame), stack(parent).cost);
  stacks_.push_back({frame, parent, depth, cost});
  return known->second;
}

int32_t JsonWalker::state_of(Stacks stacks) const {
  std::sort(stacks.begin(), stacks.end());
  stacks.erase(std::unique(stacks.begin(), stacks.end()), stacks.end());
  if (stacks.empty()) return kDead;
  if (stacks.size() > kMaxReadings) {
    std::stable_sort(stacks.begin(), stacks.end(),
                     [&](int32_t a, int32_t b) { return stack(a).cost < stack(b).cost; });
    stacks.resize(kMaxReadings);
    std::sort(stacks.begin(), stacks.end());
  }
  const auto [known, is_new] =
      state_ids_.try_emplace(std::move(stacks), static_cast<int32_t>(states_.size()));
  if (!is_new) return known->second;
  int64_t cost = kNoWay;
  for (const int32_t at : known->first) cost = std::min(cost, stack(at).cost);
  states_.push_back({known->first, cost});
  rows_.emplace_back();
  return known->second;
}

int32_t JsonWalker::next(int32_t state, uint8_t byte) const {
  const auto at = static_cast<size_t>(state);
  if (rows_[at] == nullptr) {
    rows_[at] = std::make_unique<std::array<int32_t, 256>>();
    rows_[at]->fill(kUnknown);
  }
  const int32_t known = (*rows_[at])[byte];
  if (known != kUnknown) return known;
  const int32_t reached = compute(state, byte);
  (*rows_[at])[byte] = reached;
  return reached;
}

int32_t JsonWalker::compute(int32_t state, uint8_t byte) const {
  Stacks out;
  const Stacks stacks = states_[static_cast<size_t>(state)].stacks;
  for (const int32_t at : stacks) {
    if (at != kDone) step(at, byte, out);
  }
  return state_of(std::move(out));
}

void JsonWalker::step(int32_t which, uint8_t byte, Stacks& out) const {
  const Stack from = stack(which);
  Stacks reached;
  advance(from.frame, from.parent, byte, reached);
  const bool tight = is_tight(from);
  for (const int32_t to : reached) {
    const int64_t cost = stack(to).cost;
    if (cost < kNoWay && (!tight || cost < from.cost)) out.push_back(to);
  }
}

bool JsonWalker::is_tight(const Stack& at) const {
  const JsonConstraintOptions& options = grammar_->options;
  const Frame& frame = at.frame;
  const Node& here = node(frame.node);
  if (at.depth > options.max_depth) return true;
  switch (here.kind) {
    case Node::Kind::kDfa:
      return frame.b >= options.max_string_characters;
    case Node::Kind::kText:
      return here.text.max_characters < 0 && frame.b >= options.max_string_characters;
    case Node::Kind::kArray:
      return here.array.max_items < 0 && frame.a >= options.max_items;
    case Node::Kind::kObject:
      return (here.object.max_properties < 0 && !here.object.others.empty() &&
              frame.c >= static_cast<int32_t>(here.object.listed.size()) + options.max_items) ||
             (frame.phase == kObjectName && frame.blanks >= options.max_key_bytes &&
              !may_be_listed(here.object, frame.b));
    case Node::Kind::kWrap:
      return false;
  }
  return false;
}

JsonWalker::Frame JsonWalker::first_frame(int32_t which) const {
  Frame frame{which, 0, 0, 0, 0, 0};
  const Node& here = node(which);
  if (here.kind == Node::Kind::kWrap && here.wrap.trigger.empty()) frame.phase = kWrapBefore;
  return frame;
}

void JsonWalker::put(const Frame& frame, int32_t parent, Stacks& out) const {
  out.push_back(stack_of(frame, parent));
}

void JsonWalker::advance(const Frame& frame, int32_t parent, uint8_t byte, Stacks& out) const {
  switch (node(frame.node).kind) {
    case Node::Kind::kDfa:
      return step_dfa(frame, parent, byte, out);
    case Node::Kind::kText:
      return step_text(frame, parent, byte, out);
    case Node::Kind::kArray:
      return step_array(frame, parent, byte, out);
    case Node::Kind::kObject:
      return step_object(frame, parent, byte, out);
    case Node::Kind::kWrap:
      return step_wrap(frame, parent, byte, out);
  }
}

// a: state; b: bytes read, where a text may be endless.
void JsonWalker::step_dfa(Frame frame, int32_t parent, uint8_t byte, Stacks& out) const {
  const Dfa& automaton = *node(frame.node).automaton;
  if (automaton.accepts(frame.a) && parent != kDone) step(parent, byte, out);
  frame.a = automaton.next(frame.a, byte);
  if (frame.a == Dfa::kDead) return;
  if (automaton.is_last(frame.a)) return finish(parent, out);
  if (automaton.is_endless()) ++frame.b;
  put(frame, parent, out);
}

// a: state; b: characters begun.
void JsonWalker::step_text(Frame frame, int32_t parent, uint8_t byte, Stacks& out) const {
  const Node& here = node(frame.node);
  const Dfa& automaton = *here.automaton;
  const TextNode& text = here.text;
  if (automaton.is_boundary(frame.a)) {
    if (byte == '"') {
      if (frame.b >= text.min_characters) finish(parent, out);
      return;
    }
    if (text.max_characters >= 0 && frame.b >= text.max_characters) return;
    ++frame.b;
  }
  frame.a = automaton.next(frame.a, byte);
  if (frame.a != Dfa::kDead) put(frame, parent, out);
}

bool JsonWalker::take_blank(Frame frame, int32_t parent, uint8_t byte, Stacks& out) const {
  if (!is_blank(byte)) return false;
  if (frame.blanks < grammar_->options.max_blanks) {
    ++frame.blanks;
    put(frame, parent, out);
  }
  return true;
}

void JsonWalker::begin_value(int32_t value, int32_t parent, uint8_t byte, Stacks& out) const {
  for (const int32_t which : grammar_->value(value).nodes) {
    if (node(which).shortest < kNoWay) advance(first_frame(which), parent, byte, out);
  }
}

void JsonWalker::step_array(Frame frame, int32_t parent, uint8_t byte, Stacks& out) const {
  const ArrayNode& array = node(frame.node).array;
  if (frame.phase == kArrayBegin) {
    if (byte != '[') return;
    frame.phase = kArrayOpen;
    return put(frame, parent, out);
  }
  if (take_blank(frame, parent, byte, out)) return;
  if (byte == ']') {
    if (frame.phase != kArrayComma && frame.a >= array.min_items) finish(parent, out);
    return;
  }
  const bool full = array.max_items >= 0 && frame.a >= array.max_items;
  if (full || grammar_->shortest(array.item(frame.a)) >= kNoWay) return;
  frame.blanks = 0;
  if (frame.phase == kArrayValue) {
    if (byte != ',') return;
    frame.phase = kArrayComma;
    return put(frame, parent, out);
  }
  const int32_t value = array.item(frame.a);
  frame.phase = kArrayValue;
  ++frame.a;
  begin_value(value, stack_of(frame, parent), byte, out);
}

void JsonWalker::step_object(Frame frame, int32_t parent, uint8_t byte, Stacks& out) const {
  const ObjectNode& object = node(frame.node).object;
  const auto listed = static_cast<int32_t>(object.listed.size());
  if (frame.phase == kObjectBegin) {
    if (byte != '{') return;
    frame.phase = kObjectOpen;
    return put(frame, parent, out);
  }
  if (frame.phase == kObjectName) return step_name(frame, parent, byte, out);
  if (frame.phase == kObjectColon) {
    if (byte != ':') return;
    frame.phase = kObjectMember;
    return put(frame, parent, out);
  }
  if (take_blank(frame, parent, byte, out)) return;
  frame.blanks = 0;
  if (frame.phase == kObjectMember) {
    const int32_t label = frame.a;
    const int32_t value = label < listed ? object.listed[static_cast<size_t>(label)].value
                                         : object.others[static_cast<size_t>(label - listed)];
    frame.phase = kObjectValue;
    frame.a = std::min(label + 1, listed);
    return begin_value(value, stack_of(frame, parent), byte, out);
  }
  const size_t cell = object.cell(frame.a, frame.c);
  if (byte == '}') {
    if (frame.phase != kObjectComma && object.ends[cell] == 1) finish(parent, out);
    return;
  }
  if (object.goes_on[cell] >= kNoWay) return;
  if (frame.phase == kObjectValue) {
    if (byte != ',') return;
    frame.phase = kObjectComma;
    return put(frame, parent, out);
  }
  if (byte != '"') return;
  frame.phase = kObjectName;
  frame.b = object.names->next(Dfa::kStart, byte);
  put(frame, parent, out);
}

void JsonWalker::step_name(Frame frame, int32_t parent, uint8_t byte, Stacks& out) const {
  const ObjectNode& object = node(frame.node).object;
  frame.b = object.names->next(frame.b, byte);
  if (frame.b == Dfa::kDead) return;
  frame.blanks = std::min(frame.blanks + 1, grammar_->options.max_key_bytes);
  const int32_t label = object.names->label(frame.b);
  if (label < 0) return put(frame, parent, out);
  if (!grammar_->may_write(object, label, frame.a, frame.c)) return;
  frame.phase = kObjectColon;
  frame.blanks = 0;
  frame.a = label;
  frame.b = 0;
  ++frame.c;
  put(frame, parent, out);
}

void JsonWalker::step_wrap(Frame frame, int32_t parent, uint8_t byte, Stacks& out) const {
  const WrapNode& wrap = node(frame.node).wrap;
  switch (frame.phase) {
    case kWrapFree:
      frame.a = wrap.free_text->next(frame.a, byte);
      if (frame.a == Dfa::kDead) return;
      if (wrap.free_text->label(frame.a) == 1) {
        if (frame.c >= wrap.max_calls) return;
        frame.phase = kWrapValue;
        frame.a = 0;
        ++frame.c;
      }
      return put(frame, parent, out);
    case kWrapBefore:
    case kWrapAgain: {
      const Dfa& text = frame.phase == kWrapBefore ? *wrap.before : *wrap.again;
      frame.a = text.next(frame.a, byte);
      if (frame.a == Dfa::kDead) return;
      if (text.accepts(frame.a)) {
        frame.phase = kWrapValue;
        frame.a = 0;
        ++frame.c;
      }
      return put(frame, parent, out);
    }
    case kWrapValue:
      frame.phase = kWrapAfter;
      return begin_value(wrap.value, stack_of(frame, parent), byte, out);
    default:
      break;
  }
  if (!wrap.after->accepts(frame.a)) {
    frame.a = wrap.after->next(frame.a, byte);
    if (frame.a != Dfa::kDead) put(frame, parent, out);
    return;
  }
  if (frame.c >= wrap.max_calls) return;
  frame.phase = wrap.trigger.empty() ? kWrapAgain : kWrapFree;
  frame.a = 0;
  step_wrap(frame, parent, byte, out);
}

int64_t JsonWalker::rest(const Frame& frame) const {
  const Node& here = node(frame.node);
  switch (here.kind) {
    case Node::Kind::kDfa:
      return here.automaton->distance(frame.a);
    case Node::Kind::kText:
      return here.shortest >= kNoWay ? kNoWay
                                     : here.automaton->distance(frame.a) +
                                           std::max<int64_t>(here.text.min_characters - frame.b, 0);
    case Node::Kind::kArray:
      return rest_of_array(frame, here.array);
    case Node::Kind::kObject:
      return rest_of_object(frame, here.object);
    case Node::Kind::kWrap:
      return rest_of_wrap(frame, here.wrap);
  }
  return kNoWay;
}

int64_t JsonWalker::rest_of_array(const Frame& frame, const ArrayNode& array) const {
  switch (frame.phase) {
    case kArrayBegin:
      return node(frame.node).shortest;
    case kArrayOpen:
      return array.min_items > 0 ? one_less(grammar_->array_end(array, 0))
                                 : grammar_->array_end(array, 0);
    case kArrayComma:
      return capped_sum(grammar_->shortest(array.item(frame.a)),
                        grammar_->array_end(array, frame.a + 1));
    default:
      return grammar_->array_end(array, frame.a);
  }
}

int64_t JsonWalker::rest_of_object(const Frame& frame, const ObjectNode& object) const {
  const auto listed = static_cast<int32_t>(object.listed.size());
  switch (frame.phase) {
    case kObjectBegin:
      return node(frame.node).shortest;
    case kObjectOpen: {
      const size_t cell = object.cell(0, 0);
      const int64_t closes = object.ends[cell] == 1 ? 1 : kNoWay;
      return std::min(closes, one_less(object.goes_on[cell]));
    }
    case kObjectComma:
      return one_less(object.goes_on[object.cell(frame.a, frame.c)]);
    case kObjectName: {
      int64_t best = kNoWay;
      for (const NameWay& way : object.ways[static_cast<size_t>(frame.b)]) {
        if (way.bytes >= best || !grammar_->may_write(object, way.label, frame.a, frame.c))
          continue;
        best = std::min(best, way.bytes + grammar_->behind_name(object, way.label, frame.c));
      }
      return best;
    }
    case kObjectColon:
      return grammar_->behind_name(object, frame.a, frame.c - 1);
    case kObjectMember:
      return one_less(grammar_->behind_name(object, frame.a, frame.c - 1));
    default:
      return object.ends[object.cell(std::min(frame.a, listed), frame.c)];
  }
}

int64_t JsonWalker::rest_of_wrap(const Frame& frame, const WrapNode& wrap) const {
  const int64_t value = grammar_->shortest(wrap.value);
  const int64_t after = wrap.after->distance(Dfa::kStart);
  switch (frame.phase) {
    case kWrapFree:
      return 0;
    case kWrapBefore:
      return capped_sum(wrap.before->distance(frame.a), value + after);
    case kWrapAgain:
      return capped_sum(wrap.again->distance(frame.a), value + after);
    case kWrapValue:
      return capped_sum(value, after);
    default:
      return wrap.after->distance(frame.a);
  }
}

TextConstraint::Inside JsonWalker::inside_of(const Stack& at) const {
  const JsonConstraintOptions& options = grammar_->options;
  const Frame& frame = at.frame;
  const Node& here = node(frame.node);
  if (is_tight(at)) return {};
  if (here.kind == Node::Kind::kText && frame.a != Dfa::kStart) {
    const int64_t most = here.text.max_characters;
    return {frame.a, (most >= 0 ? most : options.max_string_characters) - frame.b};
  }
  if (here.kind != Node::Kind::kObject || frame.phase != kObjectName) return {};
  const int32_t name = here.object.free_names[static_cast<size_t>(frame.b)];
  if (name < 0) return {};
  return {grammar_->free_text->states() + name, options.max_key_bytes - frame.blanks};
}

TextConstraint::Inside JsonWalker::inside(int32_t state) const {
  Inside found;
  for (const int32_t which : states_[static_cast<size_t>(state)].stacks) {
    const Inside one = which == kDone ? Inside{} : inside_of(stack(which));
    if (one.state == kDead || (found.state != kDead && found.state != one.state)) return {};
    found = {one.state, std::max(found.room, one.room)};
  }
  return found;
}

// States of free text, then those of names.
int32_t JsonWalker::next_inside(int32_t inside, uint8_t byte) const {
  const int32_t first_name = grammar_->free_text->states();
  const bool is_name = inside >= first_name;
  const Dfa& text = is_name ? *grammar_->any_name : *grammar_->free_text;
  const int32_t from = is_name ? inside - first_name : inside;
  if (byte == '"' && text.is_boundary(from)) return kLeaves;
  const int32_t reached = text.next(from, byte);
  return reached == Dfa::kDead || !is_name ? reached : reached + first_name;
}

std::shared_ptr<const TextConstraint> make_walker(std::shared_ptr<const Grammar> grammar) {
  return std::make_shared<JsonWalker>(std::move(grammar));
}

}  // namespace onmal::json
