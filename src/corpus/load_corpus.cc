#include <toml++/toml.h>

#include "base/error.h"
#include "base/file.h"
#include "corpus/source.h"

namespace onmal {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& where, const toml::source_region& region,
                         const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, where.string() + ":" + std::to_string(region.begin.line),
              what);
}

SourceFormat format_of(const std::filesystem::path& where, const toml::node& node) {
  const std::string name = node.value_or(std::string());
  if (name == "lines") return SourceFormat::kLines;
  if (name == "paragraphs") return SourceFormat::kParagraphs;
  if (name == "json") return SourceFormat::kJson;
  if (name == "jsonl") return SourceFormat::kJsonLines;
  if (name == "tsv") return SourceFormat::kTsv;
  if (name == "csv") return SourceFormat::kCsv;
  refuse(where, node.source(),
         "unknown format '" + name + "'; known ones: lines, paragraphs, json, jsonl, tsv, csv");
}

int64_t positive(const std::filesystem::path& where, const toml::node& node) {
  const int64_t value = node.value_or(int64_t{0});
  if (value < 1) refuse(where, node.source(), "must be a whole number above 0");
  return value;
}

Source read_source(const std::filesystem::path& where, const toml::table& table,
                   const std::filesystem::path& data) {
  Source source;
  for (const auto& [key, node] : table) {
    const std::string_view name = key.str();
    const std::string text = node.value_or(std::string());
    if (name == "path") {
      source.path = data / text;
    } else if (name == "format") {
      source.format = format_of(where, node);
    } else if (name == "fields" && node.is_array()) {
      for (const toml::node& field : *node.as_array())
        source.fields.push_back(field.value_or(std::string()));
    } else if (name == "limit_bytes") {
      source.limit_bytes = positive(where, node);
    } else if (name == "every") {
      source.every = positive(where, node);
    } else if (name == "repeat") {
      source.repeat = positive(where, node);
    } else if (name == "date_field") {
      source.date_field = text;
    } else if (name == "begins_before") {
      source.begins_before = text;
    } else if (name == "question") {
      source.question = text;
    } else if (name == "context") {
      source.context = text;
    } else if (name == "answer") {
      source.answer = text;
    } else {
      refuse(where, node.source(),
             "unknown key '" + std::string(name) +
                 "'; known ones: path, format, fields, limit_bytes, every, repeat, date_field, "
                 "begins_before, "
                 "question, context, answer");
    }
  }
  if (source.path.empty()) refuse(where, table.source(), "a source needs a path");
  return source;
}

}  // namespace

Corpus load_corpus(const std::filesystem::path& description, const std::filesystem::path& data) {
  toml::table document;
  try {
    document = toml::parse(read_file(description, uint64_t{1} << 20), description.string());
  } catch (const toml::parse_error& error) {
    refuse(description, error.source(), std::string(error.description()));
  }
  Corpus corpus;
  for (const auto& [key, node] : document) {
    if ((key != "text" && key != "conversation") || !node.is_array_of_tables()) {
      refuse(description, node.source(),
             "unknown entry '" + std::string(key.str()) + "'; use [[text]] or [[conversation]]");
    }
    for (const toml::node& entry : *node.as_array()) {
      (key == "text" ? corpus.texts : corpus.conversations)
          .push_back(read_source(description, *entry.as_table(), data));
    }
  }
  return corpus;
}

}  // namespace onmal
