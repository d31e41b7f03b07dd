#include <algorithm>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "infer/json/grammar.h"
#include "infer/json/regex.h"
#include "infer/json/schema_shape.h"
#include "infer/json/string_forms.h"

namespace onmal::json {
namespace {

constexpr size_t kMaxSchemaBytes = size_t{1} << 20;
constexpr int kMaxSchemaDepth = 100;
constexpr size_t kMaxValues = 10'000;
constexpr size_t kMaxNodes = 50'000;
constexpr size_t kMaxOtherKinds = 32;  // of names, by the patterns they meet
constexpr int64_t kMaxTableCells = 2'000'000;
constexpr int32_t kMaxNameStates = 100'000;

Json parse_schema(std::string_view text) {
  if (text.size() > kMaxSchemaBytes)
    throw Error(ErrorCode::kUnsupported, "schema", "has more than 1 MiB");
  bool too_deep = false;
  const auto watch = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxSchemaDepth;
    return !too_deep;
  };
  try {
    Json document = Json::parse(text, watch);
    if (too_deep) throw Error(ErrorCode::kUnsupported, "schema", "is nested more than 100 deep");
    return document;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kInvalidArgument, "schema", std::string("is not JSON: ") + error.what());
  }
}

class Compiler {
 public:
  Compiler(const Json& document, const JsonConstraintOptions& options)
      : document_(document), reader_(document), grammar_(std::make_shared<Grammar>()) {
    grammar_->options = options;
    grammar_->free_text = std::make_shared<Dfa>(make_free_text());
    grammar_->any_name = std::make_shared<Dfa>(compile_string_pattern("", "names"));
  }

  std::shared_ptr<Grammar> compile() {
    grammar_->root = value_of({&document_});
    while (!open_.empty()) {
      const auto [which, schemas] = open_.front();
      open_.pop_front();
      std::vector<int32_t> nodes;
      for (const Shape& shape : reader_.shapes(schemas)) add_nodes(shape, place(schemas), nodes);
      grammar_->values[static_cast<size_t>(which)].nodes = std::move(nodes);
    }
    measure(*grammar_);
    if (grammar_->shortest(grammar_->root) >= kNoWay) {
      throw Error(ErrorCode::kInvalidArgument, "schema", "no value satisfies it",
                  "look for limits that contradict each other");
    }
    return grammar_;
  }

 private:
  std::string place(const Schemas& schemas) const {
    return "schema " + (schemas.empty() ? "#" : reader_.pointer(*schemas[0]));
  }

  // The value of a set of schemas, compiled later; the same set has one, so that recursion ends.
  int32_t value_of(Schemas schemas) {
    Schemas once;
    for (const Json* schema : schemas) {
      if (std::find(once.begin(), once.end(), schema) == once.end()) once.push_back(schema);
    }
    schemas = std::move(once);
    const auto [known, is_new] =
        known_.emplace(schemas, static_cast<int32_t>(grammar_->values.size()));
    if (!is_new) return known->second;
    if (known_.size() > kMaxValues) {
      throw Error(ErrorCode::kUnsupported, place(schemas),
                  "the schema multiplies out to more than 10000 parts",
                  "use fewer allOf within recursion");
    }
    grammar_->values.emplace_back();
    open_.emplace_back(known->second, std::move(schemas));
    return known->second;
  }

  Node& add(Node::Kind kind, std::vector<int32_t>& nodes) {
    if (grammar_->nodes.size() >= kMaxNodes)
      throw Error(ErrorCode::kUnsupported, "schema", "has too many parts");
    nodes.push_back(static_cast<int32_t>(grammar_->nodes.size()));
    grammar_->nodes.emplace_back();
    grammar_->nodes.back().kind = kind;
    return grammar_->nodes.back();
  }
  void add_automaton(Dfa automaton, std::vector<int32_t>& nodes) {
    if (automaton.is_empty()) return;
    add(Node::Kind::kDfa, nodes).automaton = std::make_shared<Dfa>(std::move(automaton));
  }

  void add_nodes(const Shape& shape, const std::string& where, std::vector<int32_t>& nodes) {
    if (shape.values) return add_values(shape, where, nodes);
    std::vector<std::string> words;
    if ((shape.types & kNull) != 0) words.emplace_back("null");
    if ((shape.types & kBoolean) != 0) words.insert(words.end(), {"true", "false"});
    if (!words.empty()) add_automaton(make_literals(words, false, where), nodes);
    if ((shape.types & kNumber) != 0) add_number(shape, where, nodes);
    if ((shape.types & kString) != 0) add_string(shape, where, nodes);
    if ((shape.types & kArray) != 0) add_array(shape, nodes);
    if ((shape.types & kObject) != 0) add_object(shape, where, nodes);
  }

  void add_values(const Shape& shape, const std::string& where, std::vector<int32_t>& nodes) {
    std::vector<std::string> texts;
    for (const Json* value : *shape.values) {
      if (reader_.accepts(shape, *value)) texts.push_back(value->dump());
    }
    if (!texts.empty()) add_automaton(make_literals(texts, false, where), nodes);
  }

  void add_number(const Shape& shape, const std::string& where, std::vector<int32_t>& nodes) {
    NumberLimits limits = shape.number;
    limits.max_digits = grammar_->options.max_digits;
    limits.whole_only = shape.whole_only || limits.whole_only;
    if (!limits.low && !limits.high && !limits.whole_only) {
      if (free_number_ == nullptr)
        free_number_ = std::make_shared<Dfa>(make_free_number(limits.max_digits));
      add(Node::Kind::kDfa, nodes).automaton = free_number_;
      return;
    }
    add_automaton(make_number_range(limits, where), nodes);
  }

  void add_string(const Shape& shape, const std::string& where, std::vector<int32_t>& nodes) {
    std::vector<const Dfa*> asked;
    for (const auto& pattern : shape.patterns) asked.push_back(pattern.get());
    for (const auto& format : shape.formats) asked.push_back(format.get());
    const bool any_length = shape.min_characters == 0 && shape.max_characters < 0;
    if (asked.size() == 1 && any_length) {
      const auto& only = shape.patterns.empty() ? shape.formats[0] : shape.patterns[0];
      if (!only->is_empty()) add(Node::Kind::kDfa, nodes).automaton = only;
      return;
    }
    if (!asked.empty()) {
      add_automaton(intersect(asked, shape.min_characters, shape.max_characters, where), nodes);
      return;
    }
    Node& node = add(Node::Kind::kText, nodes);
    node.automaton = grammar_->free_text;
    node.text = {shape.min_characters, shape.max_characters};
  }

  void add_array(const Shape& shape, std::vector<int32_t>& nodes) {
    ArrayNode array;
    array.min_items = shape.min_items;
    array.max_items = shape.max_items;
    size_t listed = 0;
    for (const ArrayRule& rule : shape.arrays) listed = std::max(listed, rule.first.size());
    for (size_t i = 0; i < listed; ++i)
      array.first.push_back(value_of(SchemaReader::item_schemas(shape, i)));
    array.rest = value_of(SchemaReader::item_schemas(shape, listed));
    add(Node::Kind::kArray, nodes).array = std::move(array);
  }

  void add_object(const Shape& shape, const std::string& where, std::vector<int32_t>& nodes) {
    ObjectNode object;
    object.min_properties = shape.min_properties;
    object.max_properties = shape.max_properties;
    const std::vector<std::string> names = SchemaReader::listed_names(shape);
    std::vector<std::string> keys;
    for (const std::string& name : names) {
      keys.push_back(quoted_text(name));
      const bool required =
          std::find(shape.required.begin(), shape.required.end(), name) != shape.required.end();
      object.listed.push_back({value_of(SchemaReader::property_schemas(shape, name)),
                               static_cast<int64_t>(keys.back().size()), required});
    }
    const bool limited = object.max_properties >= 0;
    const auto listed = static_cast<int64_t>(names.size());
    const int64_t columns =
        std::max(limited ? object.max_properties : 0, object.min_properties) + 1;
    if (columns > kMaxTableCells / (listed + 1)) {
      throw Error(ErrorCode::kUnsupported, where,
                  "minProperties or maxProperties is too large for so many properties");
    }
    add_names(shape, keys, where, object);
    if (!object.others.empty() && object.min_properties > listed + 1) {
      throw Error(ErrorCode::kUnsupported, where + "/minProperties",
                  "cannot be honoured exactly: names that the schema does not list might repeat",
                  "list the properties, or ask for one more at most than are listed");
    }
    add(Node::Kind::kObject, nodes).object = std::move(object);
  }

  // What all rules say about a name of no property, by which of their patterns it meets.
  static Schemas other_schemas(const Shape& shape, const std::vector<bool>& met) {
    Schemas all;
    size_t which = 0;
    for (const ObjectRule& rule : shape.objects) {
      bool any = false;
      for (const auto& [pattern, schema] : rule.patterns) {
        if (met[which++]) {
          all.push_back(schema);
          any = true;
        }
      }
      if (!any && rule.additional != nullptr) all.push_back(rule.additional);
    }
    return all;
  }

  static bool forbids(const Schemas& schemas) {
    return std::any_of(schemas.begin(), schemas.end(), [](const Json* schema) {
      return schema->is_boolean() && !schema->get<bool>();
    });
  }

  void add_names(const Shape& shape, const std::vector<std::string>& keys, const std::string& where,
                 ObjectNode& object) {
    const Dfa listed = make_literals(keys, true, where);
    std::vector<const Dfa*> patterns;
    for (const ObjectRule& rule : shape.objects) {
      for (const auto& [pattern, schema] : rule.patterns) patterns.push_back(pattern.get());
    }
    const bool only_listed = patterns.empty() && forbids(other_schemas(shape, {}));
    const Dfa& any_name = *grammar_->any_name;
    // At each place: the listed names, any name, then the patterns.
    const auto step = [&](const Position& at, uint8_t byte, Position& reached) {
      reached.push_back(at[0] < 0 ? Dfa::kDead : listed.next(at[0], byte));
      reached.push_back(only_listed ? Dfa::kDead : any_name.next(at[1], byte));
      for (size_t i = 0; i < patterns.size(); ++i) {
        const int32_t from = at[2 + i];
        reached.push_back(from < 0 ? Dfa::kDead : patterns[i]->next(from, byte));
      }
      return reached[0] >= 0 || reached[1] >= 0;
    };
    std::map<std::vector<bool>, int32_t> kinds;
    const auto mark = [&](const Position& at) {  // once for each state, in their order
      object.free_names.push_back(at[0] < 0 && patterns.empty() ? at[1] : -1);
      if (at[0] >= 0 && listed.accepts(at[0])) return PositionMark{listed.label(at[0]), false};
      const bool boundary = at[1] >= 0 && any_name.is_boundary(at[1]);
      if (at[1] < 0 || !any_name.accepts(at[1])) return PositionMark{-1, boundary};
      std::vector<bool> met;
      for (size_t i = 0; i < patterns.size(); ++i)
        met.push_back(at[2 + i] >= 0 && patterns[i]->accepts(at[2 + i]));
      const Schemas schemas = other_schemas(shape, met);
      if (forbids(schemas)) return PositionMark{-1, boundary};
      const auto fresh = static_cast<int32_t>(keys.size() + object.others.size());
      const auto [kind, is_new] = kinds.emplace(std::move(met), fresh);
      if (is_new) object.others.push_back(value_of(schemas));
      if (object.others.size() > kMaxOtherKinds) {
        throw Error(ErrorCode::kUnsupported, where,
                    "patternProperties overlap in more than 32 ways");
      }
      return PositionMark{kind->second, boundary};
    };
    std::vector<const Dfa*> parts = patterns;
    parts.push_back(&listed);
    parts.push_back(&any_name);
    object.names = std::make_shared<Dfa>(
        joint_classes(parts), DfaPlan{Position(2 + patterns.size(), 0), step, mark, kMaxNameStates},
        where);
    find_ways(object);
  }

  // Backwards from the ends of each label.
  static void find_ways(ObjectNode& object) {
    const Dfa& names = *object.names;
    const auto count = static_cast<size_t>(names.states());
    std::vector<std::vector<int32_t>> sources(count);
    for (int32_t state = 0; state < names.states(); ++state) {
      for (int32_t c = 0; c < names.classes().count(); ++c) {
        const int32_t to = names.next(state, names.classes().representative(c));
        if (to == Dfa::kDead) continue;
        std::vector<int32_t>& from = sources[static_cast<size_t>(to)];
        if (from.empty() || from.back() != state) from.push_back(state);
      }
    }
    object.ways.assign(count, {});
    std::deque<std::pair<int32_t, NameWay>> queue;
    for (int32_t state = 0; state < names.states(); ++state) {
      if (names.accepts(state)) queue.push_back({state, {names.label(state), 0}});
    }
    for (; !queue.empty(); queue.pop_front()) {
      const auto [state, way] = queue.front();
      std::vector<NameWay>& known = object.ways[static_cast<size_t>(state)];
      if (std::any_of(known.begin(), known.end(),
                      [&](const NameWay& other) { return other.label == way.label; }))
        continue;
      known.push_back(way);
      for (const int32_t source : sources[static_cast<size_t>(state)])
        queue.push_back({source, {way.label, way.bytes + 1}});
    }
  }

  const Json& document_;
  SchemaReader reader_;
  std::shared_ptr<Grammar> grammar_;
  std::map<Schemas, int32_t> known_;
  std::deque<std::pair<int32_t, Schemas>> open_;
  std::shared_ptr<const Dfa> free_number_;
};

}  // namespace

std::shared_ptr<Grammar> compile_schema(std::string_view schema_json,
                                        const JsonConstraintOptions& options) {
  if (options.max_blanks < 0 || options.max_blanks > 100 || options.max_string_characters < 0 ||
      options.max_items < 0 || options.max_key_bytes < 0 || options.max_key_bytes > 4096 ||
      options.max_depth < 1 || options.max_digits < 1 || options.max_digits > 300) {
    throw Error(ErrorCode::kInvalidArgument, "limits of constrained JSON",
                "are out of range (blanks 0 to 100, key bytes 0 to 4096, digits 1 to 300)");
  }
  const Json document = parse_schema(schema_json);
  return Compiler(document, options).compile();
}

}  // namespace onmal::json
