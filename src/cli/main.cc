#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <iostream>
#include <thread>

#include "cli/command_context.h"
#include "cli/program.h"

namespace {

// SIGINT and SIGTERM are blocked in every thread and awaited by one, so that no code runs inside a
// signal handler. Made before any other thread, which then inherits the mask.
class SignalWatcher {
 public:
  explicit SignalWatcher(onmal::Interrupts& interrupts) : interrupts_(interrupts) {
    sigemptyset(&signals_);
    for (const int signal : {SIGINT, SIGTERM}) {
      struct sigaction action {};
      sigaction(signal, nullptr, &action);
      // Whoever started us may want a signal ignored (nohup, a shell's background job).
      if (action.sa_handler != SIG_IGN) sigaddset(&signals_, signal);
    }
    sigaddset(&signals_, SIGUSR2);  // ends the watcher
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    thread_ = std::thread([this] { watch(); });
  }

  ~SignalWatcher() {
    finished_.store(true);
    pthread_kill(thread_.native_handle(), SIGUSR2);
    thread_.join();
  }

  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  void watch() {
    int signal = 0;
    while (sigwait(&signals_, &signal) == 0) {
      if (finished_.load()) return;
      if (signal == SIGUSR2) continue;
      if (!interrupts_.raise(signal == SIGTERM)) die_of(signal);
    }
  }

  // A second signal while the first is still being obeyed: end at once, as by default.
  void die_of(int signal) {
    ::signal(signal, SIG_DFL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, signal);
    pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    ::raise(signal);
  }

  onmal::Interrupts& interrupts_;
  sigset_t signals_{};
  std::atomic<bool> finished_{false};
  std::thread thread_;
};

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);  // a closed pipe is a write error, seen at the end
  ::signal(SIGXFSZ, SIG_IGN);  // so is a file that may not grow
  std::ios::sync_with_stdio(false);
  onmal::CommandContext context{std::cout, std::cerr};
  context.in = STDIN_FILENO;
  context.in_is_terminal = isatty(STDIN_FILENO) == 1;
  context.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  context.err_is_terminal = isatty(STDERR_FILENO) == 1;
  const SignalWatcher watcher(context.interrupts);
  return onmal::run_program(argc, argv, context);
}
