#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// onmal chat -m M: a conversation on the terminal, or one turn a line from a pipe.
void add_chat_command(CLI::App& app, CommandContext& context);

}  // namespace onmal
