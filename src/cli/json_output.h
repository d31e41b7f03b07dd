#pragma once

#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/command_context.h"

namespace onmal {

// Keys stay in the order they were set in.
using Json = nlohmann::ordered_json;

// One document on one line (so that several make JSON lines), flushed. Bytes that are not UTF-8
// become U+FFFD.
inline void print_json(CommandContext& context, const Json& document) {
  context.out << document.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
  context.out.flush();
}

}  // namespace onmal
