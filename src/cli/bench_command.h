#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// onmal bench: prefill and decode speed of a model, or of random weights of a given shape.
void add_bench_command(CLI::App& app, CommandContext& context);

}  // namespace onmal
