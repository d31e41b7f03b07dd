#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "tokenizer/chat_template.h"

namespace onmal {

enum class SourceFormat : uint8_t { kLines, kParagraphs, kJson, kJsonLines, kTsv, kCsv };

// Where documents come from. Files may be compressed (.gz, .xz).
struct Source {
  std::filesystem::path path;
  SourceFormat format = SourceFormat::kParagraphs;  // paragraphs: documents end at blank lines
  std::vector<std::string>
      fields;  // of JSON objects, or columns by the names in the first row; joined by newlines
  int64_t limit_bytes = 0;    // > 0: stop after so much text
  int64_t every = 1;          // keep one document of so many
  int64_t repeat = 1;         // times it goes into what is trained on
  std::string begins_before;  // with `date_field`: keep only documents dated before this
  std::string date_field;
  // Conversations: the fields of the question, an optional context added below it, and the answer.
  std::string question, context, answer;
};

// Reads every document of a source. Throws Error(kIo / kBadFile) naming file and line. Documents
// that are not UTF-8 or hold a NUL are errors too.
void read_documents(const Source& source, FunctionRef<void(std::string_view document)> body);

// Conversations of a source: question–answer pairs by the fields `question` and `answer`; JSON
// without them holds {"messages": [{"role", "content"}, …]} records.
void read_conversations(const Source& source,
                        FunctionRef<void(std::vector<ChatMessage>&& messages)> body);

// One record of a table, JSON list or JSON lines: the value of each field asked for, numbers and
// truth values as their text, lists joined by `list_separator`; empty where the record has none.
// `row` counts records from 1. Throws Error(kBadFile) naming a field that no record or the first
// row of a table does not have.
struct RecordRow {
  int64_t row;
  std::span<const std::optional<std::string>> values;
};
void read_rows(const Source& source, std::span<const std::string> fields,
               std::string_view list_separator, FunctionRef<void(const RecordRow& row)> body);

// "jsonl" and so on by a file's name, perhaps .gz or .xz behind it; .txt counts as tsv where
// `text_is_table`. Throws Error(kInvalidArgument) for a name that says nothing.
SourceFormat format_of_name(const std::filesystem::path& path, bool text_is_table = false);

// A corpus description in TOML: [[text]] and [[conversation]] tables with the fields above; paths
// relative to `data`. Throws Error(kInvalidArgument) naming the line of a key that is unknown or
// means nothing there.
struct Corpus {
  std::vector<Source> texts;
  std::vector<Source> conversations;
};
Corpus load_corpus(const std::filesystem::path& description, const std::filesystem::path& data);

}  // namespace onmal
