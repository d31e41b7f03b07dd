#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// onmal convert IN OUT and onmal quantize IN OUT: GGUF, Hugging Face folders, number formats.
void add_convert_commands(CLI::App& app, CommandContext& context);

}  // namespace onmal
