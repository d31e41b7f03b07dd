#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// onmal inspect M: the metadata and tensors of a model file.
void add_inspect_command(CLI::App& app, CommandContext& context);

}  // namespace onmal
