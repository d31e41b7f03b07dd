#include "infer/json/grammar.h"

#include <algorithm>

namespace onmal::json {
namespace {

int64_t sum(int64_t a, int64_t b) { return std::min(a + b, kNoWay); }

int64_t listed_count(const ObjectNode& object) {
  return static_cast<int64_t>(object.listed.size());
}

// The tables of an object from the lengths of its values, from the last property to the first.
void measure_object(const Grammar& grammar, ObjectNode& object) {
  const int64_t listed = listed_count(object);
  const bool limited = object.max_properties >= 0;
  object.counts = std::max(limited ? object.max_properties : 0, object.min_properties) + 1;
  const auto size = static_cast<size_t>((listed + 1) * object.counts);
  object.ends.assign(size, kNoWay);
  object.goes_on.assign(size, kNoWay);
  int64_t other = kNoWay;  // the shortest pair with a name of its own
  for (const NameWay& way : object.ways[0]) {
    if (way.label < listed) continue;
    const int32_t value = object.others[static_cast<size_t>(way.label - listed)];
    other = std::min(other, sum(way.bytes + 1, grammar.shortest(value)));
  }
  for (int64_t next = listed; next >= 0; --next) {
    for (int64_t count = object.counts - 1; count >= 0; --count) {
      const size_t here = object.cell(next, count);
      const bool full = limited && count >= object.max_properties;
      int64_t& goes_on = object.goes_on[here];
      if (next == listed) {
        // Without a limit the last column stands for all counts from there on.
        const bool loops = object.cell(next, count + 1) == here;
        const int64_t behind = loops ? 1 : object.ends[object.cell(next, count + 1)];
        if (!full && count + 1 >= object.min_properties) goes_on = sum(1 + other, behind);
        object.ends[here] = std::min(count >= object.min_properties ? 1 : kNoWay, goes_on);
        continue;
      }
      const ObjectNode::Property& property = object.listed[static_cast<size_t>(next)];
      if (!full) {
        const int64_t pair = sum(property.key_bytes + 2, grammar.shortest(property.value));
        goes_on = sum(pair, object.ends[object.cell(next + 1, count + 1)]);
      }
      if (!property.required) {
        goes_on = std::min(goes_on, object.goes_on[object.cell(next + 1, count)]);
        const bool may_close = object.ends[object.cell(next + 1, count)] == 1;
        object.ends[here] = may_close ? 1 : goes_on;
      } else {
        object.ends[here] = goes_on;
      }
    }
  }
}

int64_t measure_array(const Grammar& grammar, ArrayNode& array) {
  const auto listed = static_cast<int64_t>(array.first.size());
  array.lead.assign(array.first.size() + 1, 0);
  const int64_t behind = std::max<int64_t>(array.min_items - listed, 0);
  if (behind > 0) {
    const int64_t item = array.rest < 0 ? kNoWay : grammar.shortest(array.rest) + 1;
    array.lead.back() = item >= kNoWay / behind ? kNoWay : item * behind;
  }
  for (int64_t place = listed - 1; place >= 0; --place) {
    const auto at = static_cast<size_t>(place);
    if (place < array.min_items)
      array.lead[at] = sum(array.lead[at + 1], 1 + grammar.shortest(array.first[at]));
  }
  if (array.max_items >= 0 && array.max_items < array.min_items) return kNoWay;
  return sum(2 - (array.min_items > 0 ? 1 : 0), array.lead[0]);
}

int64_t measure_node(const Grammar& grammar, Node& node) {
  switch (node.kind) {
    case Node::Kind::kDfa:
      return node.automaton->distance(Dfa::kStart);
    case Node::Kind::kText: {
      const TextNode& text = node.text;
      const bool none = text.max_characters >= 0 && text.max_characters < text.min_characters;
      return none ? kNoWay : 2 + text.min_characters;
    }
    case Node::Kind::kArray:
      return measure_array(grammar, node.array);
    case Node::Kind::kObject: {
      measure_object(grammar, node.object);
      const ObjectNode& object = node.object;
      const int64_t closes = object.ends[0] == 1 ? 2 : kNoWay;
      return std::min(closes, object.goes_on[0]);  // the first pair has no comma
    }
    case Node::Kind::kWrap: {
      const int64_t call = sum(grammar.shortest(node.wrap.value),
                               node.wrap.before->distance(0) + node.wrap.after->distance(0));
      return node.wrap.trigger.empty() || call >= kNoWay ? call : 0;
    }
  }
  return kNoWay;
}

}  // namespace

int64_t Grammar::last_listed(const ObjectNode& object, int64_t next) {
  const int64_t listed = listed_count(object);
  while (next < listed && !object.listed[static_cast<size_t>(next)].required) ++next;
  return next;
}

bool Grammar::may_write(const ObjectNode& object, int32_t label, int64_t next,
                        int64_t count) const {
  if (object.max_properties >= 0 && count >= object.max_properties) return false;
  if (label < listed_count(object) && label < next) return false;
  if (label > last_listed(object, next) && last_listed(object, next) < listed_count(object))
    return false;
  return behind_name(object, label, count) < kNoWay;
}

int64_t Grammar::behind_name(const ObjectNode& object, int32_t label, int64_t count) const {
  const int64_t listed = listed_count(object);
  const bool is_listed = label < listed;
  const int32_t value = is_listed ? object.listed[static_cast<size_t>(label)].value
                                  : object.others[static_cast<size_t>(label - listed)];
  if (!is_listed && count + 1 < object.min_properties) return kNoWay;
  const int64_t next = is_listed ? label + 1 : listed;
  return sum(1 + shortest(value), object.ends[object.cell(next, count + 1)]);
}

int64_t Grammar::array_end(const ArrayNode& array, int64_t count) const {
  const auto listed = static_cast<int64_t>(array.first.size());
  if (count >= array.min_items) return 1;
  if (count <= listed) return sum(1, array.lead[static_cast<size_t>(count)]);
  const int64_t item = shortest(array.rest) + 1;
  const int64_t left = array.min_items - count;
  return item >= kNoWay / left ? kNoWay : 1 + item * left;
}

void measure(Grammar& grammar) {
  for (bool changed = true; changed;) {
    changed = false;
    for (Value& value : grammar.values) {
      for (const int32_t which : value.nodes) {
        Node& node = grammar.nodes[static_cast<size_t>(which)];
        node.shortest = std::min(node.shortest, measure_node(grammar, node));
        if (node.shortest >= value.shortest) continue;
        value.shortest = node.shortest;
        changed = true;
      }
    }
  }
}

}  // namespace onmal::json
