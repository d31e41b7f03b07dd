#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

void add_translate_command(CLI::App& app, CommandContext& context);
void add_correct_command(CLI::App& app, CommandContext& context);
void add_summarize_command(CLI::App& app, CommandContext& context);
void add_ask_command(CLI::App& app, CommandContext& context);

}  // namespace onmal
