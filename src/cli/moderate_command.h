#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// moderate, and the two that make what it judges by: moderate-train, moderate-calibrate.
void add_moderate_command(CLI::App& app, CommandContext& context);
void add_moderate_train_commands(CLI::App& app, CommandContext& context);

}  // namespace onmal
