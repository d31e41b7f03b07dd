#include "corpus/prepare/run_identity.h"

#include <nlohmann/json.hpp>
#include <system_error>

#include "corpus/shard.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;
using OrderedJson = nlohmann::ordered_json;

constexpr int kVersion = 1;  // another one where the same sources would give other shards

OrderedJson file_identity(const fs::path& path) {
  std::error_code error;
  const uint64_t bytes = fs::file_size(path, error);
  if (error) return nullptr;
  return {bytes, fs::last_write_time(path, error).time_since_epoch().count()};
}

OrderedJson source_identity(const PrepareSource& source) {
  OrderedJson files = OrderedJson::array();
  for (size_t i = 0; i < source.files.size(); ++i)
    files.push_back({source.file_names[i], file_identity(source.files[i])});
  return {{"files", files},
          {"format", source.format ? input_format_name(*source.format) : ""},
          {"fields", source.input.fields},
          {"date", {source.input.date_field, source.input.begins_before}},
          {"limit_bytes", source.limit_bytes},
          {"every", source.every},
          {"weight", source.weight},
          {"judge", source.judge},
          {"samples", source.samples},
          {"least_characters", source.least_characters}};
}

}  // namespace

std::string run_identity(const PrepareOptions& options) {
  OrderedJson sources = OrderedJson::array();
  for (const PrepareSource& source : options.sources) sources.push_back(source_identity(source));
  OrderedJson evaluation = OrderedJson::array();
  for (const fs::path& path : options.evaluation)
    evaluation.push_back({path.filename().string(), file_identity(path)});
  OrderedJson languages = OrderedJson::array();
  for (const Language language : options.languages) languages.push_back(language_name(language));
  const OrderedJson identity = {
      {"version", kVersion},
      {"sources", sources},
      {"evaluation", evaluation},
      {"languages", languages},
      {"tokenizer", options.tokenizer == nullptr ? 0 : tokenizer_fingerprint(*options.tokenizer)},
      {"content_check", options.content_check ? options.content_check_name : ""},
      {"heldout_permille", options.heldout_permille},
      {"part_bytes", options.part_bytes},
      {"most_document_bytes", options.most_document_bytes},
      {"near_threshold", options.near_threshold},
      {"most_paragraph_documents", options.most_paragraph_documents},
      {"samples_per_rule", options.samples}};
  return identity.dump(1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

}  // namespace onmal
