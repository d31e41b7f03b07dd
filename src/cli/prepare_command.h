#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// `onmal corpus prepare`: sources to clean training shards and a report.
void add_prepare_command(CLI::App& corpus, CommandContext& context);

}  // namespace onmal
