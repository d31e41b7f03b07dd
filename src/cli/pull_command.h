#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// Adds `pull hf:ORG/REPO[@REVISION][/FILE]`.
void add_pull_command(CLI::App& app, CommandContext& context);

}  // namespace onmal
