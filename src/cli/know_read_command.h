#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// know read FILE
void add_know_read_command(CLI::App& know, CommandContext& context);

}  // namespace onmal
