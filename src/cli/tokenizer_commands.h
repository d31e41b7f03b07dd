#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_context.h"

namespace onmal {

// onmal tokenize / detokenize (M is a model, a tokenizer.json or a folder with one), onmal
// tokenizer train, onmal pack (text to token shards).
void add_tokenizer_commands(CLI::App& app, CommandContext& context);

}  // namespace onmal
