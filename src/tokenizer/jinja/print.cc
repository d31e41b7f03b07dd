#include "tokenizer/jinja/print.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace onmal::jinja {
namespace {

void append_ascii(std::string_view text, Text& out) { out.append(text.begin(), text.end()); }

// "\x1b" and the like, with the mark of the character.
void append_escape(const char* format, char32_t character, Text& out) {
  char buffer[16];
  std::snprintf(buffer, sizeof(buffer), format, static_cast<unsigned>(code_of(character)));
  for (const char* c = buffer; *c != '\0'; ++c) {
    out += marked_like(static_cast<unsigned char>(*c), character);
  }
}

void append_quoted(TextView text, Text& out) {
  const bool single =
      std::any_of(text.begin(), text.end(), [](char32_t c) { return code_of(c) == U'\''; });
  const bool twice =
      std::any_of(text.begin(), text.end(), [](char32_t c) { return code_of(c) == U'"'; });
  const char32_t quote = single && !twice ? U'"' : U'\'';
  out += quote;
  for (const char32_t character : text) {
    const char32_t code = code_of(character);
    const char32_t letter = code == U'\n'   ? U'n'
                            : code == U'\r' ? U'r'
                            : code == U'\t' ? U't'
                                            : code;
    if (code == quote || code == U'\\' || letter != code) {
      out += marked_like(U'\\', character);
      out += marked_like(letter, character);
    } else if (is_printable(character)) {
      out += character;
    } else {
      append_escape(code < 0x100 ? "\\x%02x" : (code < 0x10000 ? "\\u%04x" : "\\U%08x"), character,
                    out);
    }
  }
  out += quote;
}

class Printer {
 public:
  explicit Printer(Interpreter& interpreter) : interpreter_(interpreter) {}

  Text text;

  void repr(const Value& value) {
    interpreter_.charge(1);
    interpreter_.check_size(text.size());
    if (value.is_text()) {
      append_quoted(*value.text(), text);
    } else if (const List* list = value.list_or_null();
               list != nullptr && list->kind != List::Kind::kLazy) {
      items(*list);
    } else if (const Dict* dict = value.dict_or_null()) {
      entries(*dict);
    } else {
      scalar(value);
    }
  }

  void scalar(const Value& value) {
    if (value.is_undefined()) {
      append_ascii("Undefined", text);
    } else if (value.is_none()) {
      append_ascii("None", text);
    } else if (value.is_bool()) {
      append_ascii(value.truth() ? "True" : "False", text);
    } else if (value.is_int()) {
      append_ascii(std::to_string(*value.whole()), text);
    } else if (value.is_float()) {
      append_ascii(float_text(*value.real()), text);
    } else {
      append_ascii(std::string("<").append(value.type_name()).append(">"), text);
    }
  }

 private:
  void items(const List& list) {
    const bool tuple = list.kind == List::Kind::kTuple;
    text += tuple ? U'(' : U'[';
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) append_ascii(", ", text);
      repr(list.items[i]);
    }
    if (tuple && list.items.size() == 1) text += U',';
    text += tuple ? U')' : U']';
  }

  void entries(const Dict& dict) {
    text += U'{';
    for (const auto& [key, value] : dict.items) {
      if (text.back() != U'{' || &key != &dict.items.front().first) append_ascii(", ", text);
      repr(key);
      append_ascii(": ", text);
      repr(value);
    }
    text += U'}';
  }

  Interpreter& interpreter_;
};

class JsonPrinter {
 public:
  JsonPrinter(Interpreter& interpreter, const JsonStyle& style)
      : interpreter_(interpreter), style_(style) {}

  Text text;

  void value(const Value& value, int64_t level) {
    interpreter_.charge(1);
    interpreter_.check_size(text.size());
    if (value.is_none()) {
      append_ascii("null", text);
    } else if (value.is_bool()) {
      append_ascii(value.truth() ? "true" : "false", text);
    } else if (value.is_int() || value.is_float()) {
      number(value);
    } else if (value.is_text()) {
      string(*value.text());
    } else if (const List* list = value.list_or_null();
               list != nullptr && list->kind != List::Kind::kLazy) {
      array(*list, level);
    } else if (const Dict* dict = value.dict_or_null()) {
      object(*dict, level);
    } else {
      interpreter_.need_defined(value);
      interpreter_.fail("a value of the type " + std::string(value.type_name()) + " has no JSON");
    }
  }

 private:
  void number(const Value& value) {
    const double real = *value.real();
    if (value.is_int()) {
      append_ascii(std::to_string(*value.whole()), text);
    } else if (std::isfinite(real)) {
      append_ascii(float_text(real), text);
    } else {
      append_ascii(std::isnan(real) ? "NaN" : (real > 0 ? "Infinity" : "-Infinity"), text);
    }
  }

  void string(TextView source) {
    constexpr std::string_view kSpecial = "\"\\\n\r\t\b\f";
    constexpr std::string_view kLetters = "\"\\nrtbf";
    text += U'"';
    for (const char32_t character : source) {
      const char32_t code = code_of(character);
      const size_t special = code < 0x80 && code != 0 ? kSpecial.find(static_cast<char>(code))
                                                      : std::string_view::npos;
      if (special != std::string_view::npos) {
        text += marked_like(U'\\', character);
        text += marked_like(static_cast<unsigned char>(kLetters[special]), character);
      } else if (code < 0x20 || (style_.ensure_ascii && code >= 0x7F && code < 0x10000)) {
        if (code == 0x7F)
          text += character;
        else
          append_escape("\\u%04x", character, text);
      } else if (style_.ensure_ascii && code >= 0x10000) {
        append_escape("\\u%04x", marked_like(0xD800 + ((code - 0x10000) >> 10), character), text);
        append_escape("\\u%04x", marked_like(0xDC00 + (code & 0x3FF), character), text);
      } else {
        text += character;
      }
    }
    text += U'"';
  }

  void new_line(int64_t level) {
    if (style_.indent < 0) return;
    text += U'\n';
    text.append(static_cast<size_t>(style_.indent * level), U' ');
  }

  void array(const List& list, int64_t level) {
    text += U'[';
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) text += style_.item_separator;
      new_line(level + 1);
      value(list.items[i], level + 1);
    }
    if (!list.items.empty()) new_line(level);
    text += U']';
  }

  void key(const Value& value_) {
    if (value_.is_text()) return string(*value_.text());
    if (!value_.is_none() && !value_.is_number())
      interpreter_.fail("a key of JSON must be a string or a number");
    text += U'"';
    value(value_, 0);
    text += U'"';
  }

  void object(const Dict& dict, int64_t level) {
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.items) entries.push_back(&entry);
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(), [&](const auto* a, const auto* b) {
        if (!a->first.is_text() || !b->first.is_text())
          interpreter_.fail("only keys that are strings can be sorted");
        return compare_text(*a->first.text(), *b->first.text()) < 0;
      });
    }
    text += U'{';
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) text += style_.item_separator;
      new_line(level + 1);
      key(entries[i]->first);
      text += style_.key_separator;
      value(entries[i]->second, level + 1);
    }
    if (!entries.empty()) new_line(level);
    text += U'}';
  }

  Interpreter& interpreter_;
  const JsonStyle& style_;
};

}  // namespace

std::string float_text(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  char buffer[64];
  const auto result =
      std::to_chars(buffer, buffer + sizeof(buffer), number, std::chars_format::scientific);
  std::string text(buffer, result.ptr);
  const size_t e = text.find('e');
  const int exponent = std::stoi(text.substr(e + 1));
  if (exponent < -4 || exponent >= 16) return text;  // both write two digits at least
  const auto fixed =
      std::to_chars(buffer, buffer + sizeof(buffer), number, std::chars_format::fixed);
  text.assign(buffer, fixed.ptr);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

Text to_repr(Interpreter& interpreter, const Value& value) {
  Printer printer(interpreter);
  printer.repr(value);
  return std::move(printer.text);
}

Text to_text(Interpreter& interpreter, const Value& value) {
  if (value.is_text()) return *value.text();
  if (value.is_undefined()) return {};
  return to_repr(interpreter, value);
}

Text to_json(Interpreter& interpreter, const Value& value, const JsonStyle& style) {
  JsonPrinter printer(interpreter, style);
  printer.value(value, 0);
  return std::move(printer.text);
}

}  // namespace onmal::jinja
