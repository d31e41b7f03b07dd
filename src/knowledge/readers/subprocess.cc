#include "knowledge/readers/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/error.h"

extern char** environ;

namespace onmal {
namespace {

constexpr size_t kMostMessages = 65536;

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorCode::kIo, "running a program", what + ": " + std::strerror(errno));
}

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  void set(int number) { number_ = number; }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

struct Pipe {
  Pipe() {
    std::array<int, 2> ends;
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("no pipe");
    read.set(ends[0]);
    write.set(ends[1]);
  }
  Descriptor read;
  Descriptor write;
};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

File file_with(std::string_view input) {
  File file(std::tmpfile());
  if (file == nullptr) fail("no temporary file");
  const bool written = std::fwrite(input.data(), 1, input.size(), file.get()) == input.size() &&
                       std::fflush(file.get()) == 0;
  if (!written || ::lseek(fileno(file.get()), 0, SEEK_SET) != 0) fail("the temporary file");
  return file;
}

// Kills and waits, whatever happens in between.
class Child {
 public:
  explicit Child(pid_t id) : id_(id) {}
  ~Child() {
    if (id_ > 0) {
      ::kill(id_, SIGKILL);
      wait();
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  void kill() { ::kill(id_, SIGKILL); }
  int wait() {
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    id_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t id_;
};

pid_t spawn(const std::vector<std::string>& arguments, int in, int out, int err) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_adddup2(&actions, err, 2);
  std::vector<char*> words;
  for (const std::string& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  pid_t id = -1;
  const int result = ::posix_spawnp(&id, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  errno = result;
  return result == 0 ? id : -1;
}

// Appends what can be read; closes the descriptor at the end.
void take(Descriptor& from, std::string& to, uint64_t limit, bool* too_long) {
  std::array<char, 65536> buffer;
  const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
  if (got < 0 && errno == EINTR) return;
  if (got <= 0) return from.close();
  const auto room = static_cast<size_t>(limit - to.size());
  to.append(buffer.data(), std::min(room, static_cast<size_t>(got)));
  if (static_cast<size_t>(got) > room && too_long != nullptr) *too_long = true;
}

}  // namespace

ProgramResult run_program_with_input(const std::vector<std::string>& arguments,
                                     std::string_view input, const ProgramLimits& limits) {
  ProgramResult result;
  const File file = file_with(input);
  Pipe out;
  Pipe err;
  const pid_t id = spawn(arguments, fileno(file.get()), out.write.get(), err.write.get());
  if (id < 0) {
    if (errno != ENOENT) fail(arguments[0]);
    result.found = false;
    return result;
  }
  Child child(id);
  out.write.close();
  err.write.close();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(limits.seconds);
  while (out.read.get() >= 0 || err.read.get() >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    result.timed_out = left.count() <= 0;
    if (result.timed_out || result.too_long) {
      child.kill();
      break;
    }
    std::array<pollfd, 2> waits = {pollfd{out.read.get(), POLLIN, 0},
                                   pollfd{err.read.get(), POLLIN, 0}};
    if (::poll(waits.data(), waits.size(),
               static_cast<int>(std::min<int64_t>(left.count(), 60000))) < 0 &&
        errno != EINTR)
      fail("waiting");
    if (waits[0].revents != 0) take(out.read, result.output, limits.output_bytes, &result.too_long);
    if (waits[1].revents != 0) take(err.read, result.messages, kMostMessages, nullptr);
  }
  result.status = child.wait();
  return result;
}

}  // namespace onmal
