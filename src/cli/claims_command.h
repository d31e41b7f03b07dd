#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

void add_claims_command(CLI::App& app, CommandContext& context);

}  // namespace onmal
