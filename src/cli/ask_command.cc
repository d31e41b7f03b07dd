#include <fmt/format.h>

#include <memory>
#include <ostream>

#include "answer/ask.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/ask_documents.h"
#include "cli/text_task.h"
#include "cli/text_task_commands.h"

namespace onmal {
namespace {

constexpr uint64_t kMostHistoryBytes = uint64_t{1} << 26;

struct AskCommandOptions {
  TextTaskOptions common;
  std::string question;
  std::string history;
  AskOptions how;
  AskDocumentsOptions documents;  // with --store
};

// What 'onmal chat' saves: {"messages": [{"role", "content"}, …]}, or the list alone.
void read_history(const std::string& path, AskOptions& how) {
  const Json document = Json::parse(read_file(path, kMostHistoryBytes), nullptr, false);
  const Json& messages =
      document.is_object() && document.contains("messages") ? document["messages"] : document;
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorCode::kBadFile, path, what,
                "give {\"messages\": [{\"role\", \"content\"}, ...]}, as /save of 'onmal chat' "
                "writes it");
  };
  if (!messages.is_array()) refuse("is no conversation");
  for (const Json& message : messages) {
    const bool right = message.is_object() && message.contains("role") &&
                       message["role"].is_string() && message.contains("content") &&
                       message["content"].is_string();
    if (!right) refuse("has a message without role or content");
    const auto role = message["role"].get<std::string>();
    if (role == "system") {
      if (how.system.empty()) how.system = message["content"].get<std::string>();
      continue;
    }
    how.history.push_back({role, message["content"].get<std::string>()});
  }
}

void run_ask(CommandContext& context, AskCommandOptions& options) {
  if (!options.question.empty()) {
    if (options.common.text || !options.common.file.empty())
      throw CLI::ValidationError("ask", "the question is given twice");
    options.common.text = options.question;
  }
  const std::string question = read_task_text(context, options.common);
  require_text(question, "ask");
  if (!options.documents.store.store.empty()) {
    if (options.common.talk.generate.max_tokens > 0)
      options.documents.how.max_tokens = options.common.talk.generate.max_tokens;
    return ask_documents(context, options.common, question, options.documents);
  }
  if (options.common.talk.model.empty())
    throw CLI::ValidationError("ask",
                               "--model is required, or --store to be answered from documents");
  if (!options.history.empty()) read_history(options.history, options.how);
  if (options.common.talk.generate.max_tokens > 0)
    options.how.max_tokens = options.common.talk.generate.max_tokens;
  ThreadPool pool(context.threads);
  const std::unique_ptr<TaskModel> model = open_task_model(context, pool, options.common);
  std::string scratch;
  const WrittenText answer = ask_model(
      *model, question, options.how,
      [&](std::string_view part) {
        if (!context.json) context.out << printable(context, part, scratch) << std::flush;
      },
      context.interrupts.token());
  if (context.json) {
    print_json(context, {{"result", answer.text},
                         {"tokens", answer.tokens},
                         {"prompt_tokens", answer.prompt_tokens},
                         {"finished", answer.finished},
                         {"model", model_json(model->name())}});
    return;
  }
  context.out << std::endl;
  context.err << fmt::format("{}: {} tokens{}\n", model_line(model->name()), answer.tokens,
                             answer.finished ? "" : ", cut off");
}

}  // namespace

void add_ask_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<AskCommandOptions>();
  CLI::App* command = app.add_subcommand(
      "ask", "Ask one question, of an instruct model or of documents, with citations");
  add_text_task_options(*command, options->common, false);
  AskDocumentsOptions& documents = options->documents;
  documents.store.store.clear();
  add_know_store_options(*command, documents.store, true);
  command->add_flag("--extractive", documents.how.extractive,
                    "Answer with sentences of the documents, though there is a model");
  command->add_option("--hits", documents.hits, "Passages that are looked at")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      ->add_option("--least-confidence", documents.how.least_confidence,
                   "Below it the answer is \"I don't know\"; 0: always answer")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  add_claim_options(*command, documents.claims);
  command->add_option("question", options->question, "The question (or --text, --file, a pipe)");
  command->add_option("--system", options->how.system, "What the model is told first");
  command
      ->add_option("--history", options->history,
                   "Earlier turns, a JSON file as /save of 'onmal chat' writes it")
      ->check(CLI::ExistingFile);
  command->callback([&context, options] { run_ask(context, *options); });
}

}  // namespace onmal
