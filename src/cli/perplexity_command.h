#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// onmal perplexity -m M --file F: how well a model foretells a text.
void add_perplexity_command(CLI::App& app, CommandContext& context);

}  // namespace onmal
