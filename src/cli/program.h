#pragma once

#include "cli/command_context.h"

namespace onmal {

// The whole program but for signals and standard streams: parses the arguments, runs one command,
// prints what went wrong. Returns the exit status: 0 done, 1 failed, 2 bad usage.
int run_program(int argc, const char* const* argv, CommandContext& context);

}  // namespace onmal
