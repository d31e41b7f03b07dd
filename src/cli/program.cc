#include "cli/program.h"

#include <CLI/CLI.hpp>
#include <exception>
#include <new>
#include <ostream>
#include <string>

#include "base/error.h"
#include "cli/attend_command.h"
#include "cli/bench_command.h"
#include "cli/chat_command.h"
#include "cli/claims_command.h"
#include "cli/classify_command.h"
#include "cli/convert_commands.h"
#include "cli/corpus_commands.h"
#include "cli/embed_command.h"
#include "cli/evaluate_command.h"
#include "cli/finetune_command.h"
#include "cli/generate_command.h"
#include "cli/inspect_command.h"
#include "cli/json_output.h"
#include "cli/know_commands.h"
#include "cli/logits_command.h"
#include "cli/moderate_command.h"
#include "cli/perplexity_command.h"
#include "cli/pull_command.h"
#include "cli/quantize_command.h"
#include "cli/serve_command.h"
#include "cli/text_task_commands.h"
#include "cli/tokenizer_commands.h"
#include "cli/train_commands.h"
#include "cli/words_commands.h"

namespace onmal {
namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kBadUsage = 2;

void add_commands(CLI::App& app, CommandContext& context) {
  add_chat_command(app, context);
  add_generate_command(app, context);
  add_inspect_command(app, context);
  add_convert_commands(app, context);
  add_quantize_command(app, context);
  add_imatrix_command(app, context);
  add_logits_command(app, context);
  add_embed_command(app, context);
  add_attend_command(app, context);
  add_evaluate_command(app, context);
  add_perplexity_command(app, context);
  add_bench_command(app, context);
  add_pull_command(app, context);
  add_tokenizer_commands(app, context);
  add_train_commands(app, context);
  add_finetune_command(app, context);
  add_prefer_command(app, context);
  add_classify_command(app, context);
  add_claims_command(app, context);
  add_moderate_command(app, context);
  add_translate_command(app, context);
  add_correct_command(app, context);
  add_summarize_command(app, context);
  add_ask_command(app, context);
  add_words_commands(app, context);
  add_corpus_commands(app, context);
  add_know_commands(app, context);
  add_serve_command(app, context);
}

std::string_view code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kBadFile:
      return "bad_file";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kResource:
      return "resource";
    case ErrorCode::kNumeric:
      return "numeric";
    case ErrorCode::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

// An error is one line, whatever bytes its message quotes.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  return line;
}

int report(CommandContext& context, std::string_view code, std::string_view message, int status) {
  const std::string line = one_line(message);
  context.out.flush();
  context.err << "onmal: " << line << std::endl;
  if (context.json) print_json(context, {{"error", {{"code", code}, {"message", line}}}});
  return status;
}

bool asks_for_json(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--json") return true;
    if (std::string_view(argv[i]) == "--") return false;
  }
  return false;
}

int parse_and_run(CLI::App& app, int argc, const char* const* argv, CommandContext& context) {
  try {
    app.parse(argc, argv);
    return kDone;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error, context.out, context.err);  // --help
    std::string command = "onmal";
    for (const CLI::App* part : app.get_subcommands()) command += " " + part->get_name();
    context.json = context.json || asks_for_json(argc, argv);
    return report(context, "usage",
                  command + ": " + error.what() + "; see '" + command + " --help'", kBadUsage);
  }
}

}  // namespace

int run_program(int argc, const char* const* argv, CommandContext& context) {
  CLI::App app("Onmal: train, run and talk to language models on your own machine.", "onmal");
  app.fallthrough();  // --json and --threads may follow the command
  app.require_subcommand(1);
  app.set_version_flag("--version", "onmal " + std::string(kVersion));
  app.add_flag("--json", context.json, "Print results as JSON");
  app.add_option("-t,--threads", context.threads, "Threads to use; 0: one per core")
      ->check(CLI::Range(0, 4096));
  add_commands(app, context);
  int status = kDone;
  try {
    status = parse_and_run(app, argc, argv, context);
  } catch (const Error& error) {
    status = report(context, code_name(error.code()), error.what(), kFailed);
  } catch (const std::bad_alloc&) {
    status = report(context, code_name(ErrorCode::kResource),
                    "memory: not enough; use a smaller model, context or batch", kFailed);
  } catch (const std::exception& error) {
    status = report(context, "internal", std::string("internal error: ") + error.what(), kFailed);
  }
  context.out.flush();
  if (!context.out && status == kDone) {
    return report(context, "io", "standard output: could not be written", kFailed);
  }
  return status;
}

}  // namespace onmal
