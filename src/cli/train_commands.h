#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>

#include "cli/command_context.h"

namespace onmal {

// onmal train RECIPE.toml: pretraining and, with conversations in the recipe, chat tuning.
void add_train_commands(CLI::App& app, CommandContext& context);

// Runs a recipe from its newest checkpoint on (from the beginning with `fresh`), as the command
// does.
void run_recipe(CommandContext& context, const std::filesystem::path& recipe, bool fresh);

}  // namespace onmal
