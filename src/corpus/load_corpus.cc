#include <toml++/toml.h>

#include <algorithm>
#include <span>
#include <string_view>

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

// A key that the reader of such an entry would not heed is refused, not passed over.
void check_key(const std::filesystem::path& where, std::string_view entry, std::string_view key,
               const toml::source_region& region) {
  static constexpr std::string_view kBoth[] = {"path", "format", "limit_bytes", "every", "repeat"};
  static constexpr std::string_view kText[] = {"fields", "date_field", "begins_before"};
  static constexpr std::string_view kConversation[] = {"question", "context", "answer"};
  const std::span<const std::string_view> own =
      entry == "text" ? std::span<const std::string_view>(kText) : kConversation;
  if (std::ranges::find(kBoth, key) != std::end(kBoth) || std::ranges::find(own, key) != own.end())
    return;
  std::string known;
  for (const std::span<const std::string_view> names :
       {std::span<const std::string_view>(kBoth), own}) {
    for (const std::string_view name : names) {
      if (!known.empty()) known += ", ";
      known += name;
    }
  }
  refuse(where, region,
         "unknown key '" + std::string(key) + "' of [[" + std::string(entry) +
             "]]; known ones: " + known);
}

Source read_source(const std::filesystem::path& where, std::string_view entry,
                   const toml::table& table, const std::filesystem::path& data) {
  Source source;
  for (const auto& [key, node] : table) {
    const std::string_view name = key.str();
    const std::string text = node.value_or(std::string());
    check_key(where, entry, name, node.source());
    if (name == "path") {
      source.path = data / text;
    } else if (name == "format") {
      source.format = format_of(where, node);
    } else if (name == "fields") {
      if (!node.is_array()) refuse(where, node.source(), "must be a list of names");
      for (const toml::node& field : *node.as_array())
        source.fields.push_back(field.value_or(std::string()));
    } else if (name == "limit_bytes") {
      source.limit_bytes = positive(where, node);
    } else if (name == "every") {
      source.every = positive(where, node);
    } else if (name == "repeat") {
      source.repeat = positive(where, node);
    } else {
      (name == "date_field"      ? source.date_field
       : name == "begins_before" ? source.begins_before
       : name == "question"      ? source.question
       : name == "context"       ? source.context
                                 : source.answer) = text;
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
          .push_back(read_source(description, key.str(), *entry.as_table(), data));
    }
  }
  return corpus;
}

}  // namespace onmal
