#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

struct ProgramLimits {
  uint64_t output_bytes = uint64_t{256} << 20;
  int64_t seconds = 120;
};

struct ProgramResult {
  bool found = true;  // false: no such program
  int status = 0;     // exit status; 128 + signal when one ended it
  bool timed_out = false;
  bool too_long = false;  // more output than the limit
  std::string output;
  std::string messages;  // the first 64 KB of standard error
};

// Runs a program of the PATH without a shell, `input` as a seekable standard input. Beyond a limit
// it is killed. Throws Error(kIo) when the system refuses.
ProgramResult run_program_with_input(const std::vector<std::string>& arguments,
                                     std::string_view input, const ProgramLimits& limits);

}  // namespace onmal
