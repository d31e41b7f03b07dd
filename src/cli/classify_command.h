#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// classify: labels of texts, by a model that was tuned for them.
void add_classify_command(CLI::App& app, CommandContext& context);

}  // namespace onmal
