#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// words train / nearest / analogy / map
void add_words_commands(CLI::App& app, CommandContext& context);
// The parts of the family that have files of their own.
void add_words_train_command(CLI::App& words, CommandContext& context);
void add_words_map_command(CLI::App& words, CommandContext& context);

}  // namespace onmal
