#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "infer/text_constraint.h"

namespace onmal {

struct JsonConstraintOptions {
  // Spaces or line ends in one place: behind { [ , : and behind a value. 0: compact.
  int32_t max_blanks = 1;
  // Soft limits of what a schema leaves open, so that a weak model comes to an end: once reached,
  // only the shortest way to a valid end is left.
  int32_t max_string_characters = 4096;
  int32_t max_items = 1024;    // of arrays without maxItems, of objects with names of their own
  int32_t max_key_bytes = 64;  // of names that the schema does not list
  int32_t max_depth = 64;      // of arrays and objects within each other
  int32_t max_digits = 15;     // of numbers, so that no double rounds them over a limit
};

// Answers that are JSON values of a JSON Schema (draft 2020-12), byte by byte. Every answer that
// may end is valid; in every state an end can be reached, shortest_ending() bytes away.
//
// Honoured: type, enum, const, nullable; properties, required, additionalProperties,
// patternProperties, minProperties, maxProperties; items, prefixItems, minItems, maxItems;
// minLength, maxLength (characters), pattern (ECMA 262 without lookaround, \b and back
// references), format (date, time, date-time, duration, email, hostname, ipv4, ipv6, uri, uuid:
// common forms of them); minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf (whole
// numbers); allOf, anyOf, oneOf (branches that provably exclude each other), $ref into the
// document, recursion, true and false. Annotations (title, description, default, …) change nothing.
//
// What is written is valid, but not every valid text may come: properties stand in the order of
// the schema, names of their own behind them (these might repeat, as JSON lets them); whole numbers
// without fraction or exponent; strings with a pattern, format or enum escape only what must be
// escaped. Strings are valid UTF-8.
//
// Throws Error(kUnsupported) that names keyword and JSON pointer for whatever it cannot honour
// exactly, nothing is ignored; Error(kInvalidArgument) for what is no schema, or one that no value
// satisfies. The constraint may be shared between threads by TokenMask, which takes a walker of
// its own; next() and its kin themselves belong to one thread.
std::shared_ptr<const TextConstraint> make_json_constraint(
    std::string_view schema_json, const JsonConstraintOptions& options = {});

// Any JSON object; any JSON value.
std::shared_ptr<const TextConstraint> any_json_object(const JsonConstraintOptions& options = {});
std::shared_ptr<const TextConstraint> any_json(const JsonConstraintOptions& options = {});

}  // namespace onmal
