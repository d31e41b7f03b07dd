#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "infer/json/dfa.h"
#include "infer/json/json_constraint.h"

namespace onmal::json {

// A way from a state of an object's names to the end of one of them.
struct NameWay {
  int32_t label;
  int64_t bytes;  // to the closing quote, that included
};

struct ObjectNode {
  struct Property {
    int32_t value;      // of Grammar::values
    int64_t key_bytes;  // with quotes
    bool required;
  };
  std::vector<Property> listed;  // in the order they are written
  // Values of other names, by the patterns that a name meets; labels from listed.size() on.
  std::vector<int32_t> others;
  // Names with quotes; an end's label is the place in `listed`, or behind it in `others`.
  std::shared_ptr<const Dfa> names;
  std::vector<std::vector<NameWay>> ways;  // by state of `names`
  // By state of `names`: the one of Grammar::any_name, where no listed name and no pattern is met
  // any more; else -1.
  std::vector<int32_t> free_names;
  // Of names that are not listed only the first counts here: others might repeat it.
  int64_t min_properties = 0;
  int64_t max_properties = -1;

  // [listed.size() + 1, counts]: fewest bytes to the end of the object behind a value, when
  // the first `next` of the listed have been written or passed over and `count` were written; and
  // the same where a comma must come.
  std::vector<int64_t> ends, goes_on;
  int64_t counts = 1;
  size_t cell(int64_t next, int64_t count) const {
    const int64_t column = count < counts ? count : counts - 1;
    return static_cast<size_t>(next * counts + column);
  }
};

struct ArrayNode {
  std::vector<int32_t> first;  // values of the items at these places
  int32_t rest = -1;           // of those behind
  int64_t min_items = 0;
  int64_t max_items = -1;
  std::vector<int64_t> lead;  // [first.size() + 1]: bytes of the items from a place to min_items,
                              // each with its comma
  int32_t item(int64_t place) const {
    return place < static_cast<int64_t>(first.size()) ? first[static_cast<size_t>(place)] : rest;
  }
};

struct TextNode {  // a string with nothing asked but its length
  int64_t min_characters = 0;
  int64_t max_characters = -1;
};

struct WrapNode {  // values between fixed texts, perhaps several, perhaps with free text between
  std::shared_ptr<const Dfa> before, again, after;  // texts; `again`: before a further one
  int32_t value = -1;
  int64_t max_calls = 1;
  std::string trigger;                   // free text may come until this; empty: none
  std::shared_ptr<const Dfa> free_text;  // over the trigger: label 0 everywhere but behind it, 1
};

struct Node {
  enum class Kind : uint8_t { kDfa, kText, kArray, kObject, kWrap };
  Kind kind = Kind::kDfa;
  std::shared_ptr<const Dfa> automaton;  // kDfa, kText
  TextNode text;
  ArrayNode array;
  ObjectNode object;
  WrapNode wrap;
  int64_t shortest = kNoWay;  // bytes of its shortest text
};

struct Value {
  std::vector<int32_t> nodes;  // alternatives
  int64_t shortest = kNoWay;
};

// A schema, ready to be walked: immutable.
struct Grammar {
  JsonConstraintOptions options;
  std::vector<Node> nodes;
  std::vector<Value> values;
  std::shared_ptr<const Dfa> free_text;
  std::shared_ptr<const Dfa> any_name;  // strings that escape only what they must
  int32_t root = 0;                     // of values

  const Value& value(int32_t which) const { return values[static_cast<size_t>(which)]; }
  int64_t shortest(int32_t which) const { return value(which).shortest; }
  // What may stand behind a listed property: the last of `listed` that may come next, past which a
  // required one would be left out.
  static int64_t last_listed(const ObjectNode& object, int64_t next);
  // Whether the property of a label may be written next.
  bool may_write(const ObjectNode& object, int32_t label, int64_t next, int64_t count) const;
  // Fewest bytes behind the name of a property: the colon, its value, the rest of the object.
  int64_t behind_name(const ObjectNode& object, int32_t label, int64_t count) const;
  // Of the items that an array with `count` items needs yet, and its end, as behind a value.
  int64_t array_end(const ArrayNode& array, int64_t count) const;
};

// Fills in shortest and the tables of the nodes: the least fixed point.
void measure(Grammar& grammar);

std::shared_ptr<Grammar> compile_schema(std::string_view schema_json,
                                        const JsonConstraintOptions& options);
// A walker's view of a grammar.
std::shared_ptr<const TextConstraint> make_walker(std::shared_ptr<const Grammar> grammar);

}  // namespace onmal::json
