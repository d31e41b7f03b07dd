#include "cli/inspect_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/json_output.h"
#include "formats/gguf_parts.h"
#include "formats/hf_folder.h"

namespace onmal {
namespace {

constexpr size_t kShownItems = 4;     // of an array, for people
constexpr size_t kShownLetters = 60;  // of a string, for people
constexpr size_t kListedItems = 64;   // of an array, in JSON without --all

struct InspectOptions {
  std::string model;
  bool all = false;
};

struct ModelContents {
  std::string format;
  std::string path;
  Metadata metadata;
  std::vector<TensorEntry> tensors;
};

ModelContents read_contents(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  if (!fs::exists(path)) {
    throw Error(ErrorCode::kIo, path.string(), "no such file or folder",
                "give a .gguf or .safetensors file, or a folder that holds a model");
  }
  if (fs::is_directory(path)) {
    if (!fs::exists(path / "config.json")) return read_contents(find_gguf(path));
    const HfFolder folder = open_hf_folder(path);
    ModelContents contents{"hugging_face", path.string(), folder.config, {}};
    for (const SafetensorsFile& shard : folder.weights.shards()) {
      contents.tensors.insert(contents.tensors.end(), shard.entries().begin(),
                              shard.entries().end());
    }
    return contents;
  }
  if (path.extension() == ".safetensors") {
    const SafetensorsFile file(path);
    return {"safetensors",
            path.string(),
            file.metadata(),
            {file.entries().begin(), file.entries().end()}};
  }
  const GgufParts file(path);
  return {fmt::format("gguf v{}", file.version()),
          file.path().string(),
          file.metadata(),
          {file.entries().begin(), file.entries().end()}};
}

int64_t parameters_of(const TensorEntry& entry) {
  int64_t count = 1;
  for (const int64_t dim : entry.dims) count *= dim;
  return count;
}

Json to_json(const MetadataValue& value, bool all) {
  return std::visit(
      [&](const auto& held) -> Json {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (requires { held.begin(); } && !std::is_same_v<Held, std::string>) {
          if (!all && held.size() > kListedItems) return {{"array_length", held.size()}};
          Json list = Json::array();
          for (const auto& item : held) list.push_back(typename Held::value_type(item));
          return list;
        } else {
          return held;
        }
      },
      value);
}

// Control characters as spaces and at most `limit` bytes, cut between characters.
std::string shortened(const std::string& text, size_t limit) {
  std::string shown = text.substr(0, limit);
  while (shown.size() < text.size() && !shown.empty() &&
         (static_cast<unsigned char>(text[shown.size()]) & 0xC0U) == 0x80U) {
    shown.pop_back();
  }
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return shown.size() < text.size() ? shown + "…" : shown;
}

std::string to_text(const MetadataValue& value, bool all) {
  return std::visit(
      [&](const auto& held) -> std::string {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::string>) {
          return all ? held : shortened(held, kShownLetters);
        } else if constexpr (requires { held.begin(); }) {
          const size_t shown = all ? held.size() : std::min(held.size(), kShownItems);
          std::string list;
          for (size_t i = 0; i < shown; ++i) {
            const typename Held::value_type item = held[i];
            list += (i > 0 ? ", " : "") + to_text(MetadataValue(item), all);
          }
          return fmt::format("[{}{}] ({} items)", list, shown < held.size() ? ", …" : "",
                             held.size());
        } else {
          return fmt::format("{}", held);
        }
      },
      value);
}

void print_for_people(CommandContext& context, const ModelContents& contents, bool all) {
  context.out << contents.path << ": " << contents.format << "\n\nmetadata\n";
  for (const auto& [key, value] : contents.metadata.items()) {
    context.out << fmt::format("  {:<44} {}\n", key, to_text(value, all));
  }
  context.out << "\ntensors\n";
  std::map<std::string, int64_t> by_type;
  int64_t parameters = 0;
  for (const TensorEntry& entry : contents.tensors) {
    std::string shape;
    for (const int64_t dim : entry.dims)
      shape += (shape.empty() ? "" : " x ") + fmt::format("{}", dim);
    context.out << fmt::format("  {:<48} {:<6} {}\n", shortened(entry.name, 200), entry.type_name,
                               shape);
    by_type[entry.type_name] += parameters_of(entry);
    parameters += parameters_of(entry);
  }
  context.out << fmt::format("\n{} tensors, {} parameters", contents.tensors.size(), parameters);
  for (const auto& [type, count] : by_type) context.out << fmt::format(", {} {}", count, type);
  context.out << "\n";
}

void print_as_json(CommandContext& context, const ModelContents& contents, bool all) {
  Json metadata = Json::object();
  for (const auto& [key, value] : contents.metadata.items()) metadata[key] = to_json(value, all);
  Json tensors = Json::array();
  int64_t parameters = 0;
  for (const TensorEntry& entry : contents.tensors) {
    tensors.push_back({{"name", entry.name},
                       {"type", entry.type_name},
                       {"shape", entry.dims},
                       {"bytes", entry.bytes}});
    parameters += parameters_of(entry);
  }
  print_json(context, {{"path", contents.path},
                       {"format", contents.format},
                       {"parameters", parameters},
                       {"metadata", metadata},
                       {"tensors", tensors}});
}

}  // namespace

void add_inspect_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<InspectOptions>();
  CLI::App* command = app.add_subcommand("inspect", "Show what is in a model file");
  command->add_option("model,-m,--model", options->model, "Model file or folder")->required();
  command->add_flag("--all", options->all, "Show long values whole");
  command->callback([&context, options] {
    const ModelContents contents = read_contents(options->model);
    if (context.json) {
      print_as_json(context, contents, options->all);
    } else {
      print_for_people(context, contents, options->all);
    }
  });
}

}  // namespace onmal
