#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "corpus/input/raw_documents.h"

namespace onmal {

// Where documents come from, and how much of them is wanted.
struct PrepareSource {
  std::string name;  // as the description gives it, relative to its folder
  std::vector<std::filesystem::path>
      files;                            // one, or those of a folder in the order of their names
  std::vector<std::string> file_names;  // the same, as reports name them
  std::optional<InputFormat> format;    // else by each file's name
  InputOptions input;                   // but for its format
  uint64_t limit_bytes = 0;             // > 0: stop after so much text
  uint64_t every = 1;                   // take one document of so many
  double weight = 1;    // times a document goes into the training shards; of 0.3, three of ten
  bool judge = true;    // whether quality rules apply, and repeated paragraphs go
  bool samples = true;  // whether its text may stand in the report
  size_t least_characters = 0;  // > 0: in the place of the language's own limit
};

// The [[text]] entries of a corpus description; [[conversation]] entries are left to training.
// Those of corpus/source.h, and more: format may be text, html and warc, too; `path` may be a
// folder; `weight` (instead of `repeat`), `judge`, `samples`, `least_characters`. Throws
// Error(kInvalidArgument) naming the line; a file that is missing is no error yet.
std::vector<PrepareSource> load_prepare_sources(const std::filesystem::path& description,
                                                const std::filesystem::path& data);

// Files and folders, each a source of its own, formats by their names; in a folder, files whose
// name tells none are left out. Texts of JSON and tables under the name "text".
std::vector<PrepareSource> prepare_sources_of(const std::vector<std::filesystem::path>& paths);

}  // namespace onmal
