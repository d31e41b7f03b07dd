#include "cli/chat_command.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "cli/chat_session.h"
#include "cli/json_output.h"
#include "cli/terminal_mode.h"

namespace onmal {
namespace {

struct ChatOptions {
  ChatOptions() { talk.generate.max_tokens = 512; }

  TalkOptions talk;
  std::string system;
  std::string template_file;
  std::vector<std::string> variables;  // NAME=VALUE
  std::string tools_file;
  std::string thinking = "show";
};

// {"NAME": VALUE, …}: values that are JSON as such, others as text.
std::string variables_json(const std::vector<std::string>& variables) {
  if (variables.empty()) return "";
  Json object = Json::object();
  for (const std::string& variable : variables) {
    const size_t equals = variable.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw CLI::ValidationError("--set", "'" + variable + "' is not NAME=VALUE");
    }
    const std::string value = variable.substr(equals + 1);
    const Json parsed = Json::parse(value, nullptr, false);
    object[variable.substr(0, equals)] = parsed.is_discarded() ? Json(value) : parsed;
  }
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ConversationOptions conversation_options(const ChatOptions& options, const LanguageModel& model) {
  constexpr uint64_t kMostTemplateBytes = uint64_t{1} << 20;
  ConversationOptions result;
  result.chat_template = options.template_file.empty()
                             ? model.chat_template
                             : read_file(options.template_file, kMostTemplateBytes);
  result.bos_token = model.bos_token;
  result.eos_token = model.eos_token;
  result.system = options.system;
  result.variables_json = variables_json(options.variables);
  if (!options.tools_file.empty())
    result.tools_json = read_file(options.tools_file, kMostTemplateBytes);
  return result;
}

}  // namespace

void add_chat_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<ChatOptions>();
  CLI::App* command = app.add_subcommand("chat", "Talk with a model");
  add_talk_options(*command, options->talk);
  add_json_schema_option(*command, options->talk);
  command->add_option("-s,--system", options->system, "What the model is told first");
  command->add_option("--template", options->template_file,
                      "A Jinja file instead of the model's own chat template");
  command
      ->add_option("--set", options->variables,
                   "NAME=VALUE for the template, e.g. enable_thinking=false (several times)")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command->add_option("--tools", options->tools_file,
                      "A JSON file: an array of function descriptions for the template");
  command
      ->add_option(
          "--thinking", options->thinking,
          "Of a model that thinks in <think>…</think>: show it, or hide all but the answer")
      ->check(CLI::IsMember({"show", "hide"}))
      ->capture_default_str();
  command->callback([&context, options] {
    read_json_schema(options->talk);
    const TalkingModel talking = load_for_talking(context, options->talk);
    ConversationOptions conversation = conversation_options(*options, talking.model);
    options->talk.generate.sampler.seed = choose_seed(options->talk.seed);
    ThreadPool pool(context.threads);
    const Utf8TerminalMode mode(context.in);
    ChatSession(context, talking, pool, options->talk, std::move(conversation),
                options->thinking == "hide")
        .run();
  });
}

}  // namespace onmal
