#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// onmal logits -m M --tokens 1,2,3 [-o F]: float32 logits of every position.
void add_logits_command(CLI::App& app, CommandContext& context);

}  // namespace onmal
