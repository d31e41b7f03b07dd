#include "cli/chat_command.h"

#include <memory>
#include <string>

#include "cli/chat_session.h"
#include "cli/terminal_mode.h"

namespace onmal {
namespace {

struct ChatOptions {
  ChatOptions() { talk.generate.max_tokens = 512; }

  TalkOptions talk;
  std::string system;
};

}  // namespace

void add_chat_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<ChatOptions>();
  CLI::App* command = app.add_subcommand("chat", "Talk with a model");
  add_talk_options(*command, options->talk);
  command->add_option("-s,--system", options->system, "What the model is told first");
  command->callback([&context, options] {
    const TalkingModel talking = load_for_talking(context, options->talk);
    options->talk.generate.sampler.seed = choose_seed(options->talk.seed);
    ThreadPool pool(context.threads);
    const Utf8TerminalMode mode(context.in);
    ChatSession(context, talking, pool, options->talk, options->system).run();
  });
}

}  // namespace onmal
