#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/json_output.h"
#include "cli/know_commands.h"
#include "cli/know_store_options.h"

namespace onmal {
namespace {

struct KnowListOptions {
  KnowStoreOptions store;
  std::vector<std::string> sources;  // of 'remove'
};

Json document_json(const StoredDocument& document) {
  return {{"source", document.source},  {"collection", document.collection},
          {"title", document.title},    {"format", document.format},
          {"labels", document.labels},  {"bytes", document.bytes},
          {"passages", document.chunks}};
}

void list(CommandContext& context, const KnowListOptions& options) {
  const std::unique_ptr<KnowledgeStore> store = open_store(options.store, true);
  const std::vector<StoredDocument> documents = store->documents(access_of(options.store));
  const StoreStatus status = store->status();
  if (context.json) {
    Json rows = Json::array();
    for (const StoredDocument& document : documents) rows.push_back(document_json(document));
    return print_json(context, {{"documents", std::move(rows)},
                                {"passages", status.chunks},
                                {"vectors", status.vectors},
                                {"embedder", status.embedder}});
  }
  for (const StoredDocument& document : documents) {
    std::string labels;
    for (const std::string& label : document.labels) labels += " [" + label + "]";
    context.out << fmt::format("{}  {}  {} passages  {}{}\n", document.collection, document.format,
                               document.chunks, document.source, labels);
  }
  context.err << fmt::format("{} documents; the store holds {} passages, {} with vectors\n",
                             documents.size(), status.chunks, status.vectors);
}

// A document by its source, or all those below a folder.
void remove(CommandContext& context, const KnowListOptions& options) {
  const std::unique_ptr<KnowledgeStore> store = open_store(options.store, true);
  const std::vector<StoredDocument> documents = store->documents(access_of(options.store));
  StoreBatch batch;
  for (const std::string& name : options.sources) {
    const std::string path = std::filesystem::absolute(name).lexically_normal().string();
    const std::string folder = path.ends_with('/') ? path : path + "/";
    const size_t before = batch.remove.size();
    for (const StoredDocument& document : documents) {
      if (document.source == name || document.source == path || document.source.starts_with(folder))
        batch.remove.push_back(document.id);
    }
    if (batch.remove.size() == before) {
      throw Error(ErrorCode::kInvalidArgument, name, "is no document of the store",
                  "'onmal know list' shows those there are; nothing was removed");
    }
  }
  store->apply(batch);
  if (context.json) return print_json(context, {{"removed", batch.remove.size()}});
  context.out << fmt::format("{} documents removed\n", batch.remove.size());
}

}  // namespace

void add_know_list_commands(CLI::App& know, CommandContext& context) {
  const auto listed = std::make_shared<KnowListOptions>();
  CLI::App* command = know.add_subcommand("list", "Show the documents of a store");
  add_know_store_options(*command, listed->store, true);
  command->callback([&context, listed] { list(context, *listed); });

  const auto removed = std::make_shared<KnowListOptions>();
  command = know.add_subcommand("remove", "Take documents out of a store");
  command->add_option("sources", removed->sources, "Their paths, or a folder's")->required();
  add_know_store_options(*command, removed->store, true);
  command->callback([&context, removed] { remove(context, *removed); });
}

}  // namespace onmal
