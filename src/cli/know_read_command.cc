#include "cli/know_read_command.h"

#include <array>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "cli/json_output.h"
#include "knowledge/document.h"
#include "text/utf8.h"

namespace onmal {
namespace {

std::string_view kind_name(BlockKind kind) {
  constexpr std::array<std::string_view, 6> kNames = {"paragraph", "heading", "list_item",
                                                      "table_row", "code",    "quote"};
  return kNames[static_cast<size_t>(kind)];
}

Json document_json(const Document& document) {
  Json blocks = Json::array();
  for (const Block& block : document.blocks) {
    Json row = {{"kind", kind_name(block.kind)}};
    if (block.kind == BlockKind::kHeading) row["level"] = block.level;
    if (!document.pages.empty()) row["page"] = page_of(document, block.begin);
    row["begin"] = block.begin;
    row["end"] = block.end;
    row["text"] = document.text.substr(block.begin, block.end - block.begin);
    blocks.push_back(std::move(row));
  }
  return {{"path", document.path.string()}, {"format", document.format},
          {"title", document.title},        {"characters", count_characters(document.text)},
          {"pages", document.pages.size()}, {"blocks", std::move(blocks)},
          {"warnings", document.warnings}};
}

void read(CommandContext& context, const std::string& file) {
  const Document document = read_document(file);
  if (context.json) return print_json(context, document_json(document));
  context.out << document.text << (document.text.empty() ? "" : "\n");
  for (const std::string& warning : document.warnings) context.err << warning << '\n';
}

}  // namespace

void add_know_read_command(CLI::App& know, CommandContext& context) {
  const auto file = std::make_shared<std::string>();
  CLI::App* command = know.add_subcommand(
      "read",
      "Show what is read of a document (text, Markdown, HTML, PDF, DOCX, HWPX, HWP, CSV, mail)");
  command->add_option("file", *file, "The document")->required();
  command->callback([&context, file] { read(context, *file); });
}

}  // namespace onmal
