#pragma once

#include <string>

#include "cli/command_context.h"
#include "cli/input.h"
#include "cli/model_options.h"
#include "infer/conversation.h"

namespace onmal {

// One conversation: reads turns, answers them, obeys commands. Works the same on a terminal and in
// a pipe, where each line is a turn.
class ChatSession {
 public:
  ChatSession(CommandContext& context, const TalkingModel& talking, ThreadPool& pool,
              const TalkOptions& options, ConversationOptions conversation, bool hides_thinking);

  // Until the input ends, the user leaves, or the program is told to end.
  void run();

 private:
  enum class Turn { kText, kLeave };

  Turn read_turn(std::string& text);
  // One line from the input; false when the user leaves.
  bool read_line(std::string& line, const char* mark);
  // True when `text` was a command and the conversation goes on; sets leaving_ for /exit.
  bool obey(const std::string& text);
  void save(const std::string& path);
  void answer(const std::string& text);
  void report(const GenerateResult& result, int dropped, bool opened);
  // Drops old turns until the prompt leaves room for an answer.
  std::vector<int32_t> fitted_prompt(int& dropped);
  void notice(const std::string& text);

  CommandContext& context_;
  TalkOptions options_;
  Generator generator_;
  Conversation conversation_;
  InputReader input_;
  bool hides_thinking_;
  bool leaving_ = false;
};

}  // namespace onmal
