#pragma once

#include <iosfwd>
#include <mutex>
#include <stop_token>
#include <string_view>

// Every command is one file cli/<name>_command.{h,cc} (or a small family in <name>_commands) with
//   void add_<name>_command(CLI::App& app, CommandContext& context);
// which adds a subcommand to `app`, keeps its options in a std::shared_ptr of a struct of its own,
// and sets a callback that does the work. A callback returns when done (exit status 0), throws
// Error (status 1) or CLI::ValidationError for options that contradict each other (status 2).
// Results go to context.out (one JSON document with context.json), everything else to context.err.
namespace onmal {

inline constexpr std::string_view kVersion = "0.1.0";

// Ctrl-C and SIGTERM as stop tokens. The program's signal watcher calls raise(); commands take
// token() and, when one interrupt ends only a part of their work (an answer in a chat), rearm().
class Interrupts {
 public:
  std::stop_token token() const {
    const std::lock_guard lock(mutex_);
    return source_.get_token();
  }

  // Tokens taken from now on wait for the next interrupt; a termination stays.
  void rearm() {
    const std::lock_guard lock(mutex_);
    if (!terminating_) source_ = std::stop_source();
  }

  // False when an interrupt was pending already: the user insists.
  bool raise(bool terminate) {
    std::stop_source source;
    {
      const std::lock_guard lock(mutex_);
      terminating_ = terminating_ || terminate;
      source = source_;
    }
    return source.request_stop();
  }

  // True after SIGTERM: leave, whatever the command would do after Ctrl-C.
  bool terminating() const {
    const std::lock_guard lock(mutex_);
    return terminating_;
  }

 private:
  mutable std::mutex mutex_;
  std::stop_source source_;
  bool terminating_ = false;
};

// What a command gets from the program around it.
struct CommandContext {
  CommandContext(std::ostream& results, std::ostream& messages) : out(results), err(messages) {}

  std::ostream& out;  // results only
  std::ostream& err;  // progress, notices, errors
  int in = 0;         // file descriptor of the input; see cli/input.h
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;

  bool json = false;  // --json
  int threads = 0;    // --threads: what ThreadPool takes, 0 for one per core

  Interrupts interrupts;
};

}  // namespace onmal
