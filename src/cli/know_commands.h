#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// know: each sub-command has a file of its own.
void add_know_commands(CLI::App& app, CommandContext& context);

void add_know_add_command(CLI::App& know, CommandContext& context);
void add_know_search_command(CLI::App& know, CommandContext& context);
void add_know_list_commands(CLI::App& know, CommandContext& context);  // list, remove

}  // namespace onmal
