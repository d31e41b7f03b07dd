#include "corpus/source.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "corpus/decompress.h"
#include "text/utf8.h"

namespace onmal {
namespace {

using Json = nlohmann::json;
using Lookup = std::function<std::optional<std::string>(const std::string& field)>;
using RecordBody = FunctionRef<void(const Lookup& record)>;

[[noreturn]] void refuse(const Source& source, const std::string& what,
                         const std::string& hint = "") {
  throw Error(ErrorCode::kBadFile, source.path.string(), what, hint);
}

void check_text(const Source& source, std::string_view text) {
  const size_t invalid = find_invalid_utf8(text);
  if (invalid != std::string_view::npos) {
    refuse(source, "not UTF-8 at byte " + std::to_string(invalid),
           "convert the file, for example with iconv");
  }
  const size_t nul = text.find('\0');
  if (nul != std::string_view::npos)
    refuse(source, "a NUL byte at " + std::to_string(nul) + ": this is not text");
}

std::string_view next_line(std::string_view& rest) {
  const size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(rest.size(), end + 1));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// Numbers, truth values and lists as texts; none for what is no text.
std::optional<std::string> text_of(const Json& value, std::string_view list_separator) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  if (!value.is_array()) return std::nullopt;
  std::string joined;
  for (const Json& item : value) {
    const std::optional<std::string> text = text_of(item, list_separator);
    if (!text || item.is_array()) return std::nullopt;
    if (&item != &value.front()) joined += list_separator;
    joined += *text;
  }
  return joined;
}

// Texts alone, or with a separator whatever text_of makes one.
Lookup object_lookup(const Json& object, const std::string_view* list_separator = nullptr) {
  return [&object, list_separator](const std::string& field) -> std::optional<std::string> {
    if (!object.is_object()) return std::nullopt;
    const auto found = object.find(field);
    if (found == object.end()) return std::nullopt;
    if (list_separator != nullptr) return text_of(*found, *list_separator);
    return found->is_string() ? std::optional(found->get<std::string>()) : std::nullopt;
  };
}

Json parse_json(const Source& source, std::string_view text, size_t line) {
  constexpr int kMostDepth = 32;
  const Json::parser_callback_t limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kMostDepth) refuse(source, "JSON nested too deep at line " + std::to_string(line));
    return true;
  };
  try {
    return Json::parse(text, limit_depth);
  } catch (const Json::exception& error) {
    refuse(source, "line " + std::to_string(line) + " is not JSON: " + error.what());
  }
}

// One row of comma-separated values; fields may be quoted, hold doubled quotes and span lines.
std::vector<std::string> next_csv_row(const Source& source, std::string_view& rest) {
  std::vector<std::string> row(1);
  bool quoted = false;
  while (!rest.empty()) {
    const char c = rest[0];
    rest.remove_prefix(1);
    if (quoted) {
      if (c != '"') {
        row.back() += c;
      } else if (!rest.empty() && rest[0] == '"') {
        row.back() += '"';
        rest.remove_prefix(1);
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      row.emplace_back();
    } else if (c == '\n') {
      return row;
    } else if (c != '\r') {
      row.back() += c;
    }
  }
  if (quoted) refuse(source, "a quoted field is never closed");
  return row;
}

std::vector<std::string> next_tsv_row(std::string_view& rest) {
  std::string_view line = next_line(rest);
  std::vector<std::string> row;
  for (;;) {
    const size_t tab = line.find('\t');
    row.emplace_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return row;
    line.remove_prefix(tab + 1);
  }
}

void read_table(const Source& source, std::string_view rest, RecordBody body) {
  const auto next_row = [&] {
    return source.format == SourceFormat::kCsv ? next_csv_row(source, rest) : next_tsv_row(rest);
  };
  const std::vector<std::string> header = next_row();
  std::vector<std::string> row;
  const Lookup lookup = [&](const std::string& field) -> std::optional<std::string> {
    const auto found = std::find(header.begin(), header.end(), field);
    if (found == header.end()) refuse(source, "no column '" + field + "' in the first row");
    const auto column = static_cast<size_t>(found - header.begin());
    if (column >= row.size()) return std::nullopt;
    return row[column];
  };
  while (!rest.empty()) {
    row = next_row();
    body(lookup);
  }
}

void read_records(const Source& source, const std::string& text, RecordBody body,
                  const std::string_view* list_separator = nullptr) {
  if (source.format == SourceFormat::kJson) {
    const Json document = parse_json(source, text, 1);
    if (!document.is_array()) refuse(source, "is not a list of objects");
    for (const Json& object : document) body(object_lookup(object, list_separator));
    return;
  }
  if (source.format != SourceFormat::kJsonLines) return read_table(source, text, body);
  std::string_view rest = text;
  for (size_t line = 1; !rest.empty(); ++line) {
    const std::string_view one = next_line(rest);
    if (one.empty()) continue;
    const Json object = parse_json(source, one, line);
    body(object_lookup(object, list_separator));
  }
}

bool too_late(const Source& source, const Lookup& record) {
  if (source.date_field.empty() || source.begins_before.empty()) return false;
  const std::optional<std::string> date = record(source.date_field);
  return !date || *date >= source.begins_before;
}

void read_plain(const Source& source, std::string_view rest,
                FunctionRef<void(std::string_view)> body) {
  if (source.format == SourceFormat::kLines) {
    while (!rest.empty()) body(next_line(rest));
    return;
  }
  const char* begin = rest.data();
  while (!rest.empty()) {
    const char* line_begin = rest.data();
    if (!next_line(rest).empty()) continue;
    body({begin, static_cast<size_t>(line_begin - begin)});
    begin = rest.data();
  }
  body({begin, static_cast<size_t>(rest.data() - begin)});
}

}  // namespace

void read_documents(const Source& source, FunctionRef<void(std::string_view document)> body) {
  const std::string text = read_unpacked(source.path);
  check_text(source, text);
  int64_t seen = 0;
  int64_t bytes = 0;
  const auto offer = [&](std::string_view document) {
    while (!document.empty() && (document.back() == '\n' || document.back() == ' '))
      document.remove_suffix(1);
    if (document.empty() || (source.limit_bytes > 0 && bytes >= source.limit_bytes)) return;
    if (seen++ % source.every != 0) return;
    bytes += static_cast<int64_t>(document.size());
    body(document);
  };
  if (source.format == SourceFormat::kLines || source.format == SourceFormat::kParagraphs) {
    return read_plain(source, text, offer);
  }
  read_records(source, text, [&](const Lookup& record) {
    if (too_late(source, record)) return;
    std::string document;
    for (const std::string& field : source.fields) {
      const std::optional<std::string> value = record(field);
      if (!value || value->empty()) continue;
      if (!document.empty()) document += '\n';
      document += *value;
    }
    offer(document);
  });
}

void read_rows(const Source& source, std::span<const std::string> fields,
               std::string_view list_separator, FunctionRef<void(const RecordRow& row)> body) {
  if (source.format == SourceFormat::kLines || source.format == SourceFormat::kParagraphs)
    refuse(source, "plain text has no fields", "give json, jsonl, tsv or csv");
  const std::string text = read_unpacked(source.path);
  check_text(source, text);
  std::vector<std::optional<std::string>> values(fields.size());
  std::vector<bool> found(fields.size(), false);
  int64_t row = 0;
  const auto offer = [&](const Lookup& record) {
    for (size_t i = 0; i < fields.size(); ++i) {
      values[i] = record(fields[i]);
      found[i] = found[i] || values[i].has_value();
    }
    body({++row, values});
  };
  read_records(source, text, offer, &list_separator);
  for (size_t i = 0; i < fields.size() && row > 0; ++i) {
    if (!found[i]) refuse(source, "no record has a field '" + fields[i] + "'", "check the names");
  }
}

SourceFormat format_of_name(const std::filesystem::path& path, bool text_is_table) {
  std::filesystem::path name = path.filename();
  if (name.extension() == ".gz" || name.extension() == ".xz") name = name.stem();
  const std::string extension = name.extension().string();
  if (extension == ".jsonl") return SourceFormat::kJsonLines;
  if (extension == ".json") return SourceFormat::kJson;
  if (extension == ".csv") return SourceFormat::kCsv;
  if (extension == ".tsv" || (text_is_table && extension == ".txt")) return SourceFormat::kTsv;
  throw Error(ErrorCode::kInvalidArgument, path.string(), "its name tells no format of tables",
              "give .jsonl, .json, .csv or .tsv (perhaps .gz or .xz)");
}

namespace {

// {"messages": [{"role": …, "content": …}, …]}; a conversation without an answer would teach
// nothing and is an error.
std::vector<ChatMessage> messages_of(const Source& source, const Json& record, size_t number) {
  const auto fail = [&](const std::string& what) {
    refuse(source, "conversation " + std::to_string(number) + " " + what,
           "each needs \"messages\": a list of {\"role\", \"content\"}; or name the fields of "
           "question and answer");
  };
  if (!record.is_object() || !record.contains("messages") || !record["messages"].is_array())
    fail("has no list \"messages\"");
  std::vector<ChatMessage> messages;
  bool answered = false;
  for (const Json& message : record["messages"]) {
    const Lookup field = object_lookup(message);
    const std::optional<std::string> role = field("role");
    const std::optional<std::string> content = field("content");
    if (!role || !content) fail("has a message without role or content");
    if (*role != "system" && *role != "user" && *role != "assistant")
      fail("has a message of the role '" + *role + "' (known: system, user, assistant)");
    answered = answered || *role == "assistant";
    messages.push_back({*role, *content});
  }
  if (!answered) fail("has no answer: no message of the role 'assistant'");
  return messages;
}

void read_message_lists(const Source& source, const std::string& text,
                        FunctionRef<void(std::vector<ChatMessage>&& messages)> body) {
  size_t number = 0;
  const auto offer = [&](const Json& record) {
    std::vector<ChatMessage> messages = messages_of(source, record, ++number);
    const bool wanted = (number - 1) % static_cast<size_t>(source.every) == 0;
    if (!messages.empty() && wanted) body(std::move(messages));
  };
  if (source.format == SourceFormat::kJson) {
    const Json document = parse_json(source, text, 1);
    if (!document.is_array()) refuse(source, "is not a list of objects");
    for (const Json& record : document) offer(record);
    return;
  }
  std::string_view rest = text;
  for (size_t line = 1; !rest.empty(); ++line) {
    const std::string_view one = next_line(rest);
    if (!one.empty()) offer(parse_json(source, one, line));
  }
}

}  // namespace

void read_conversations(const Source& source,
                        FunctionRef<void(std::vector<ChatMessage>&& messages)> body) {
  const std::string text = read_unpacked(source.path);
  check_text(source, text);
  int64_t bytes = 0;
  const auto offer = [&](std::vector<ChatMessage>&& messages) {
    if (source.limit_bytes > 0 && bytes >= source.limit_bytes) return;
    for (const ChatMessage& message : messages)
      bytes += static_cast<int64_t>(message.content.size());
    body(std::move(messages));
  };
  if (source.question.empty() && source.answer.empty() &&
      (source.format == SourceFormat::kJson || source.format == SourceFormat::kJsonLines)) {
    return read_message_lists(source, text, offer);
  }
  int64_t seen = 0;
  read_records(source, text, [&](const Lookup& record) {
    const std::optional<std::string> question = record(source.question);
    const std::optional<std::string> answer = record(source.answer);
    if (!question || !answer || question->empty() || answer->empty() || seen++ % source.every != 0)
      return;
    const std::optional<std::string> context =
        source.context.empty() ? std::nullopt : record(source.context);
    std::string asked = *question;
    if (context && !context->empty()) asked += "\n\n" + *context;
    offer({{"user", asked}, {"assistant", *answer}});
  });
}

}  // namespace onmal
