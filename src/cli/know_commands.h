#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// know: each sub-command has a file of its own.
void add_know_commands(CLI::App& app, CommandContext& context);

}  // namespace onmal
