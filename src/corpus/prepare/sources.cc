#include "corpus/prepare/sources.h"

#include <toml++/toml.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_source(const fs::path& where, const toml::source_region& region,
                                const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, where.string() + ":" + std::to_string(region.begin.line),
              what);
}

bool has_format(const fs::path& path) {
  try {
    input_format_of(path);
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Fills `files`: a folder's own and those of its folders, by name; hidden ones are left out.
void find_files(PrepareSource& source, const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    source.files = {path};
    source.file_names = {source.name};
    return;
  }
  std::vector<fs::path> found;
  const auto skip = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator it(path, skip, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().filename().string().starts_with(".")) {
      it.disable_recursion_pending();
    } else if (it->is_regular_file(error) && (source.format || has_format(it->path()))) {
      found.push_back(it->path().lexically_relative(path));
    }
  }
  std::sort(found.begin(), found.end());
  if (found.empty()) {  // which is told as a fault
    source.files = {path};
    source.file_names = {source.name};
  }
  for (const fs::path& file : found) {
    source.files.push_back(path / file);
    source.file_names.push_back((fs::path(source.name) / file).string());
  }
}

class EntryReader {
 public:
  EntryReader(const fs::path& where, const toml::table& table) : where_(where), table_(table) {}

  PrepareSource read(const fs::path& data) {
    for (const auto& [key, node] : table_) take(std::string(key.str()), node);
    if (source_.name.empty()) refuse_source(where_, table_.source(), "a source needs a path");
    if (!source_.format && !fs::is_directory(data / source_.name) && !has_format(source_.name))
      refuse_source(where_, table_.source(), "a source whose name tells no format needs one");
    find_files(source_, data / source_.name);
    return std::move(source_);
  }

 private:
  void take(const std::string& key, const toml::node& node) {
    if (key == "path") {
      source_.name = text(node);
    } else if (key == "format") {
      source_.format = input_format_named(text(node));
      if (!source_.format) {
        refuse_source(
            where_, node.source(),
            "unknown format '" + text(node) +
                "'; known ones: text, lines, paragraphs, json, jsonl, tsv, csv, html, warc");
      }
    } else if (key == "fields" && node.is_array()) {
      source_.input.fields.clear();
      for (const toml::node& field : *node.as_array()) source_.input.fields.push_back(text(field));
    } else if (key == "date_field") {
      source_.input.date_field = text(node);
    } else if (key == "begins_before") {
      source_.input.begins_before = text(node);
    } else if (key == "limit_bytes") {
      source_.limit_bytes = whole(node);
    } else if (key == "every") {
      source_.every = whole(node);
    } else if (key == "least_characters") {
      source_.least_characters = whole(node);
    } else if (key == "repeat") {
      source_.weight = static_cast<double>(whole(node));
    } else if (key == "weight") {
      source_.weight = node.value_or(0.0);
      if (!(source_.weight > 0 && source_.weight <= 1000))
        refuse_source(where_, node.source(), "must be a number above 0, at most 1000");
    } else if (key == "judge") {
      source_.judge = truth(node);
    } else if (key == "samples") {
      source_.samples = truth(node);
    } else {
      refuse_source(where_, node.source(),
                    "unknown key '" + key +
                        "'; known ones: path, format, fields, limit_bytes, every, repeat, weight, "
                        "date_field, begins_before, judge, samples, least_characters");
    }
  }

  std::string text(const toml::node& node) const {
    if (!node.is_string()) refuse_source(where_, node.source(), "must be a text");
    return node.value_or(std::string());
  }
  bool truth(const toml::node& node) const {
    if (!node.is_boolean()) refuse_source(where_, node.source(), "must be true or false");
    return node.value_or(false);
  }
  uint64_t whole(const toml::node& node) const {
    const int64_t value = node.is_integer() ? node.value_or(int64_t{0}) : 0;
    if (value < 1) refuse_source(where_, node.source(), "must be a whole number above 0");
    return static_cast<uint64_t>(value);
  }

  const fs::path& where_;
  const toml::table& table_;
  PrepareSource source_;
};

}  // namespace

std::vector<PrepareSource> load_prepare_sources(const fs::path& description, const fs::path& data) {
  toml::table document;
  try {
    document = toml::parse(read_file(description, uint64_t{1} << 20), description.string());
  } catch (const toml::parse_error& error) {
    refuse_source(description, error.source(), std::string(error.description()));
  }
  std::vector<PrepareSource> sources;
  for (const auto& [key, node] : document) {
    if ((key != "text" && key != "conversation") || !node.is_array_of_tables()) {
      refuse_source(
          description, node.source(),
          "unknown entry '" + std::string(key.str()) + "'; use [[text]] or [[conversation]]");
    }
    if (key == "conversation") continue;
    for (const toml::node& entry : *node.as_array())
      sources.push_back(EntryReader(description, *entry.as_table()).read(data));
  }
  return sources;
}

std::vector<PrepareSource> prepare_sources_of(const std::vector<fs::path>& paths) {
  std::vector<PrepareSource> sources;
  for (const fs::path& path : paths) {
    PrepareSource source;
    source.name =
        path.filename().empty() ? path.parent_path().filename().string() : path.filename().string();
    if (!fs::is_directory(path) && !has_format(path)) input_format_of(path);  // says what to do
    find_files(source, path);
    sources.push_back(std::move(source));
  }
  return sources;
}

}  // namespace onmal
