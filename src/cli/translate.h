#pragma once

#include <optional>
#include <string>

#include "cli/model_options.h"

namespace onmal {

// True when the file holds an encoder–decoder: then translate() and not a Generator writes.
bool is_encoder_decoder(const std::string& model);

// Writes an encoder–decoder's output for `text` to context.out. `beams`: none for the file's own
// choice.
void translate(CommandContext& context, const TalkOptions& options, const std::string& text,
               std::optional<int64_t> beams);

}  // namespace onmal
