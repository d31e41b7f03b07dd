#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// onmal train RECIPE.toml: pretraining and, with conversations in the recipe, chat tuning.
void add_train_commands(CLI::App& app, CommandContext& context);

}  // namespace onmal
