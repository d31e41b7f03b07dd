#include "cli/words_commands.h"

namespace onmal {

void add_words_map_command(CLI::App&, CommandContext&) {}

}  // namespace onmal
