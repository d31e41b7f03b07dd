#pragma once

#include <termios.h>

namespace onmal {

// Tells a terminal, as long as it lives, that characters are UTF-8, so that its own line editing
// rubs out a whole syllable and not one byte of it. Does nothing on anything but a terminal.
class Utf8TerminalMode {
 public:
  explicit Utf8TerminalMode(int descriptor) : descriptor_(descriptor) {
    if (tcgetattr(descriptor, &before_) != 0 || (before_.c_iflag & IUTF8) != 0) return;
    termios changed = before_;
    changed.c_iflag |= IUTF8;
    changed_ = tcsetattr(descriptor, TCSADRAIN, &changed) == 0;
  }
  ~Utf8TerminalMode() {
    if (changed_) tcsetattr(descriptor_, TCSADRAIN, &before_);
  }
  Utf8TerminalMode(const Utf8TerminalMode&) = delete;
  Utf8TerminalMode& operator=(const Utf8TerminalMode&) = delete;

 private:
  int descriptor_;
  termios before_{};
  bool changed_ = false;
};

}  // namespace onmal
