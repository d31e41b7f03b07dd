#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// corpus noise
void add_corpus_commands(CLI::App& app, CommandContext& context);

}  // namespace onmal
