#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

void add_serve_command(CLI::App& app, CommandContext& context);

}  // namespace onmal
