#include "cli/chat_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "cli/json_output.h"
#include "tokenizer/thinking.h"

namespace onmal {
namespace {

constexpr std::string_view kFence = "\"\"\"";
constexpr std::string_view kHelp =
    "  /clear       forget the conversation\n"
    "  /save FILE   write the conversation as JSON\n"
    "  /exit        leave (so does Ctrl-D)\n"
    "  Ctrl-C stops an answer; twice at the prompt leaves.\n"
    "  A line ending with \\ goes on in the next; \"\"\" begins and ends several lines.\n";

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

}  // namespace

ChatSession::ChatSession(CommandContext& context, const TalkingModel& talking, ThreadPool& pool,
                         const TalkOptions& options, ConversationOptions conversation,
                         bool hides_thinking)
    : context_(context),
      options_(options),
      generator_(talking.model, pool, talking.options),
      conversation_(*talking.model.tokenizer, std::move(conversation), talking.model.path.string()),
      input_(context.in),
      hides_thinking_(hides_thinking) {
  if (conversation_.end_of_message() >= 0) {
    options_.generate.stop_ids.push_back(conversation_.end_of_message());
  }
}

void ChatSession::run() {
  if (context_.in_is_terminal) notice("/help lists what can be done here");
  std::string text;
  while (!leaving_ && read_turn(text) == Turn::kText) {
    if (is_blank(text) || obey(text)) continue;
    answer(text);
  }
  if (context_.interrupts.terminating()) {
    throw Error(ErrorCode::kCancelled, "chat", "told to end");
  }
}

void ChatSession::notice(const std::string& text) { context_.err << text << "\n" << std::flush; }

bool ChatSession::read_line(std::string& line, const char* mark) {
  bool interrupted = false;
  while (true) {
    if (context_.in_is_terminal) context_.err << mark << std::flush;
    switch (input_.read_line(line, context_.interrupts.token())) {
      case InputReader::Status::kLine:
        return true;
      case InputReader::Status::kEnd:
        if (context_.in_is_terminal) context_.err << "\n";
        return false;
      case InputReader::Status::kStopped:
        context_.interrupts.rearm();
        if (interrupted || !context_.in_is_terminal || context_.interrupts.terminating()) {
          return false;
        }
        interrupted = true;
        notice("\n(Ctrl-C again to leave)");
    }
  }
}

ChatSession::Turn ChatSession::read_turn(std::string& text) {
  if (!read_line(text, "> ")) return Turn::kLeave;
  std::string line;
  if (text.compare(0, kFence.size(), kFence) == 0) {
    text.erase(0, kFence.size());
    while (!ends_with(text, kFence)) {
      if (!read_line(line, "… ")) return Turn::kLeave;
      if (!text.empty()) text += '\n';
      text += line;
    }
    text.resize(text.size() - kFence.size());
    if (ends_with(text, "\n")) text.pop_back();
    return Turn::kText;
  }
  while (ends_with(text, "\\")) {
    text.back() = '\n';
    if (!read_line(line, "… ")) return Turn::kLeave;
    text += line;
  }
  return Turn::kText;
}

bool ChatSession::obey(const std::string& text) {
  if (text[0] != '/') return false;
  const size_t space = text.find(' ');
  const std::string command = text.substr(0, space);
  if (command == "/exit" || command == "/quit") {
    leaving_ = true;
  } else if (command == "/clear") {
    conversation_.clear();
    notice("(forgotten)");
  } else if (command == "/help") {
    context_.err << kHelp << std::flush;
  } else if (command == "/save") {
    save(space == std::string::npos ? "" : text.substr(space + 1));
  } else {
    return false;  // a text may begin with a slash
  }
  return true;
}

void ChatSession::save(const std::string& path) {
  if (is_blank(path)) return notice("/save needs the name of a file");
  Json messages = Json::array();
  for (const ChatMessage& message : conversation_.messages()) {
    Json saved = {{"role", message.role}, {"content", message.content}};
    if (!message.more_json.empty()) saved.update(Json::parse(message.more_json));
    messages.push_back(std::move(saved));
  }
  try {
    write_file(
        path,
        Json{{"messages", messages}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    notice("saved to " + path);
  } catch (const Error& error) {
    notice(error.what());
  }
}

std::vector<int32_t> ChatSession::fitted_prompt(int& dropped) {
  const int64_t answer_room =
      std::min(options_.generate.max_tokens, std::max<int64_t>(generator_.context() / 4, 1));
  std::vector<int32_t> prompt = conversation_.prompt();
  dropped = 0;
  while (static_cast<int64_t>(prompt.size()) + answer_room > generator_.context() &&
         conversation_.drop_oldest_turn()) {
    ++dropped;
    prompt = conversation_.prompt();
  }
  if (dropped > 0) {
    notice(fmt::format("(the context of {} tokens is full: forgot the oldest {})",
                       generator_.context(),
                       dropped == 1 ? "turn" : fmt::format("{} turns", dropped)));
  }
  return prompt;
}

void ChatSession::answer(const std::string& text) {
  conversation_.add_user(text);
  context_.interrupts.rearm();
  std::string scratch;
  GenerateResult result;
  int dropped = 0;
  bool opened = false;
  const auto show = [&](std::string_view part) {
    if (!context_.json) context_.out << printable(context_, part, scratch) << std::flush;
  };
  try {
    const std::vector<int32_t> prompt = fitted_prompt(dropped);
    // Rendering once more tells; nobody asks where all is shown as it comes.
    opened = (hides_thinking_ || context_.json) && conversation_.opens_thinking();
    ThinkingFilter filter(opened);
    result = generator_.generate(
        prompt, options_.generate,
        [&](std::string_view part) { show(hides_thinking_ ? filter.add(part) : part); },
        context_.interrupts.token());
    if (hides_thinking_) show(filter.finish());
  } catch (const Error& error) {
    // A context too small or a template that refuses the text: the conversation can go on.
    const bool refused = error.code() == ErrorCode::kInvalidArgument;
    if (error.code() != ErrorCode::kResource && !refused) throw;
    conversation_.drop_last();
    if (refused && !context_.in_is_terminal) throw;
    if (context_.json) print_json(context_, {{"error", {{"message", error.what()}}}});
    return notice(std::string("onmal: ") + error.what());
  }
  report(result, dropped, opened);
  std::vector<int32_t> ids = result.ids;
  if (result.finish == FinishReason::kEndToken) ids.pop_back();
  conversation_.add_assistant(result.text, ids);
  context_.interrupts.rearm();
}

void ChatSession::report(const GenerateResult& result, int dropped, bool opened) {
  if (context_.json) {
    const auto split = split_thinking(result.text, opened);
    const bool cut = split && hides_thinking_;
    Json line = {{"text", cut ? std::string(split->answer) : result.text},
                 {"tokens", result.ids.size()},
                 {"finish_reason", finish_reason_name(result.finish)},
                 {"prompt_tokens", result.prompt_tokens},
                 {"cached_tokens", result.cached_tokens},
                 {"dropped_turns", dropped},
                 {"prefill_tokens_per_s", result.prefill_tokens_per_s},
                 {"decode_tokens_per_s", result.decode_tokens_per_s},
                 {"drafted_tokens", result.drafted_tokens},
                 {"accepted_tokens", result.accepted_tokens}};
    if (split) line["thinking"] = std::string(split->thinking);
    return print_json(context_, line);
  }
  context_.out << std::endl;
  if (result.finish == FinishReason::kCancelled) notice("(stopped)");
  if (result.finish == FinishReason::kMaxTokens) notice("(cut off after -n tokens)");
  if (result.finish == FinishReason::kContextFull) notice("(the context is full)");
}

}  // namespace onmal
