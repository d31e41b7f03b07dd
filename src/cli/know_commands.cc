#include "cli/know_commands.h"

#include "cli/know_read_command.h"

namespace onmal {

void add_know_commands(CLI::App& app, CommandContext& context) {
  CLI::App* know = app.add_subcommand("know", "Documents as a source of knowledge");
  know->require_subcommand(1);
  add_know_add_command(*know, context);
  add_know_search_command(*know, context);
  add_know_list_commands(*know, context);
  add_know_read_command(*know, context);
}

}  // namespace onmal
