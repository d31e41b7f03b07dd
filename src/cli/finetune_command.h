#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// "finetune": the training loop on conversations, by flags instead of a recipe.
void add_finetune_command(CLI::App& app, CommandContext& context);
// prefer: the better of two answers (DPO).
void add_prefer_command(CLI::App& app, CommandContext& context);

}  // namespace onmal
