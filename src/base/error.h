#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace onmal {

// What kind of thing went wrong; decides exit codes at the edge, never control flow inside the
// library.
enum class ErrorCode {
  kInvalidArgument,  // the caller asked for something that makes no sense
  kBadFile,          // bytes from outside are not what their format says
  kIo,               // the operating system refused (missing file, full disk, permissions)
  kUnsupported,      // well-formed, but not something this program can do
  kResource,         // too little memory or too long a context
  kNumeric,          // NaN or infinity where a number was needed
  kCancelled,        // the user stopped it
};

// An expected failure. `what()` reads "<where>: <what>; <what to do>".
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& where, const std::string& what,
        const std::string& hint = "")
      : std::runtime_error(where + ": " + what + (hint.empty() ? "" : "; " + hint)), code_(code) {}

  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

// For our own mistakes only, never for user input: prints the broken promise and aborts.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace onmal

#define ONMAL_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) : ::onmal::assertion_failed(#expression, __FILE__, __LINE__))
