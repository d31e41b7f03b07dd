#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// onmal generate -m M -p TEXT: continues a text.
void add_generate_command(CLI::App& app, CommandContext& context);

}  // namespace onmal
