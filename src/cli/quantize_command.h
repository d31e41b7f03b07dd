#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// quantize IN OUT: a model in fewer bits; imatrix: what to weigh its errors with.
void add_quantize_command(CLI::App& app, CommandContext& context);
void add_imatrix_command(CLI::App& app, CommandContext& context);

}  // namespace onmal
