#!/usr/bin/env python3
"""Constrained JSON, keyword by keyword, on all short texts, beside jsonschema.

usage: json_schema_test.py JSON_SCHEMA_DUMP

Every text over a small alphabet up to a length goes through the automaton of a schema. What it accepts must be JSON
that jsonschema finds valid; and of the valid ones, those in the form that is promised (properties in order, no blanks,
whole numbers plain) must all be accepted. Skipped (77) without jsonschema.
"""
import itertools
import json
import random
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("skipped: no jsonschema")
    sys.exit(77)

# (schema, pieces that texts are put together from, most pieces)
CASES = [
    ({"type": "integer", "minimum": -2, "maximum": 12}, ["-", "0", "1", "2", "3", ".", "e"], 4),
    ({"type": "integer", "exclusiveMinimum": 9, "multipleOf": 3}, ["-", "0", "1", "2", "5", "9", "."], 4),
    ({"type": "number", "minimum": -0.25, "exclusiveMaximum": 1.5}, ["-", "0", "1", "2", "5", "."], 5),
    ({"type": "string", "minLength": 1, "maxLength": 2}, ['"', "a", "한", "\\n", "\\", "u", "0"], 5),
    ({"type": "string", "pattern": "^(a|한b)*$"}, ['"', "a", "b", "한", "\\"], 7),
    ({"type": "string", "pattern": "ab?$", "maxLength": 3}, ['"', "a", "b", "\\"], 7),
    ({"enum": [1, "a", None, [1, "a"], {"a": 1}]}, ["1", '"a"', "null", "[", "]", "{", "}", ":", ","], 5),
    ({"const": {"a": [1]}}, ["1", '"a":', "[", "]", "{", "}", ","], 6),
    ({"type": ["boolean", "null", "array"], "maxItems": 1}, ["true", "false", "null", "[", "]", ","], 5),
    ({"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2}, ["[", "]", "1", ",", "null"], 6),
    ({"type": "array", "prefixItems": [{"type": "null"}], "items": {"type": "integer"}}, ["[", "]", "1", ",", "null"], 6),
    ({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "null"}}, "required": ["b"],
      "additionalProperties": False}, ["{", "}", '"a":1', '"b":', '"a":', "null", ","], 6),
    ({"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "null"}},
     ["{", "}", '"a":1', '"c":', "1", "null", ","], 6),
    ({"type": "object", "patternProperties": {"^a": {"type": "integer"}, "b$": {"type": "null"}},
      "additionalProperties": False}, ["{", "}", '"a":', '"b":', '"ab":', "1", "null", ","], 5),
    ({"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "minProperties": 2, "maxProperties": 2,
      "additionalProperties": False}, ["{", "}", '"a":1', '"b":1', '"c":[]', '"b":', ","], 6),
    ({"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1}, ["{", "}", '"a":1', '"b":', "1", ","], 6),
    ({"anyOf": [{"type": "integer", "maximum": 1}, {"type": "array", "items": {"$ref": "#"}}]}, ["1", "2", "[", "]", ","], 6),
    ({"allOf": [{"properties": {"a": {"minimum": 2}}, "required": ["a"]},
                {"properties": {"a": {"type": "integer", "maximum": 3}}}], "type": "object"},
     ["{", "}", '"a":', '"b":', "1", "2", "3", "4", ","], 5),
    ({"oneOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]},
                {"properties": {"a": {"const": 2}}, "required": ["a"]}], "type": "object"},
     ["{", "}", '"a":', '"b":', "1", "2", "3", ","], 5),
    ({"type": "object", "properties": {"a": {"$ref": "#"}}, "additionalProperties": False}, ["{", "}", '"a":', "1"], 8),
]


def names_in_order(schema, value):
    """Whether listed properties come first, in the order of the schema; for branches, whatever order they give."""
    listed = list(schema.get("properties", {}))
    for branch in schema.get("allOf", []) + schema.get("oneOf", []):
        listed += [name for name in branch.get("properties", {}) if name not in listed]
    places = [listed.index(name) if name in listed else len(listed) for name in value]
    return places == sorted(places)


def promised(schema, text):
    """Whether a valid text is in the form that must be accepted."""
    pairs_seen = []

    def pairs(items):
        names = [name for name, _ in items]
        pairs_seen.append(len(set(names)) == len(names) and names_in_order(schema, names))
        return dict(items)
    value = json.loads(text, object_pairs_hook=pairs)
    if not all(pairs_seen):
        return False
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if schema.get("type") == "integer":
            return text == str(int(value)) and "e" not in text
        return not (value == 0 and text.startswith("-")) and "e" not in text
    if isinstance(value, str) and "pattern" in schema:
        return text == json.dumps(value, ensure_ascii=False)
    return True


def strict_loads(text):
    def refuse(constant):
        raise ValueError(constant)
    return json.loads(text, parse_constant=refuse)


def is_json(text):
    try:
        strict_loads(text)
        return True
    except ValueError:
        return False


def expect(schema, validator, text, accepted):
    try:
        value = strict_loads(text)
        text.encode()
        valid = validator.is_valid(value) and not any(0xD800 <= ord(c) <= 0xDFFF for c in json.dumps(value, ensure_ascii=False))
    except ValueError:
        valid = False
    if accepted and not valid:
        return f"accepts {text!r}"
    if valid and not accepted and promised(schema, text):
        return f"does not accept {text!r}"
    return None


def main():
    failures = 0
    total = 0
    tasks = []
    for schema, pieces, most in CASES:
        texts = ["".join(parts) for count in range(most + 1) for parts in itertools.product(pieces, repeat=count)]
        texts = list(dict.fromkeys(texts))
        rare = [text for text in texts if is_json(text)]  # most texts are not, and few of those do
        rest = random.Random(1).sample(texts, min(len(texts), 30_000))
        tasks.append({"schema": schema, "texts": rare + rest, "options": {"max_blanks": 0, "max_string_characters": 100}})
    lines = "".join(json.dumps(task) + "\n" for task in tasks)
    done = subprocess.run([sys.argv[1], "accept"], input=lines, capture_output=True, text=True, check=True)
    for task, line in zip(tasks, done.stdout.splitlines(), strict=True):
        answer = json.loads(line)
        if "error" in answer:
            print(f"FAILED: {task['schema']}: {answer['error']}")
            failures += 1
            continue
        validator = jsonschema.Draft202012Validator(task["schema"])
        accepted_any = False
        for text, accepted in zip(task["texts"], answer["accepted"], strict=True):
            total += 1
            accepted_any |= accepted
            wrong = expect(task["schema"], validator, text, accepted)
            if wrong:
                failures += 1
                if failures <= 20:
                    print(f"FAILED: {task['schema']} {wrong}")
        if not accepted_any:
            failures += 1
            print(f"FAILED: {task['schema']} accepts nothing")
    print(f"json schema keywords: {total} texts, {failures} failures")
    sys.exit(1 if failures else 0)


main()
