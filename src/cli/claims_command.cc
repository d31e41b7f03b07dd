#include "cli/claims_command.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "cli/claims_output.h"
#include "cli/input.h"
#include "knowledge/analyzer.h"

namespace onmal {
namespace {

constexpr uint64_t kMostTextBytes = uint64_t{64} << 20;

struct ClaimsOptions {
  std::string answer;
  std::string file;
  std::vector<std::string> evidence;
  ClaimCheckOptions check;
};

std::string read_answer(CommandContext& context, const ClaimsOptions& options) {
  if (!options.answer.empty() && !options.file.empty())
    throw CLI::ValidationError("claims", "the answer is given twice");
  if (!options.answer.empty()) return options.answer;
  if (!options.file.empty()) return read_file(options.file, kMostTextBytes);
  if (context.in_is_terminal)
    throw CLI::ValidationError("claims", "give an answer, --file or a pipe");
  return InputReader(context.in).read_all(context.interrupts.token(), kMostTextBytes);
}

void check(CommandContext& context, const ClaimsOptions& options) {
  const ClaimAction action = claim_action_of(options.check.action, "--claims");
  if (action == ClaimAction::kOff)
    throw CLI::ValidationError("claims", "--claims off leaves nothing to do");
  const std::string answer = read_answer(context, options);
  if (answer.find_first_not_of(" \t\r\n") == std::string::npos)
    throw Error(ErrorCode::kInvalidArgument, "claims", "the answer is empty");
  std::vector<ContextBlock> blocks;
  for (const std::string& path : options.evidence) {
    for (ContextBlock& block : blocks_of_text(read_file(path, kMostTextBytes), path)) {
      block.id = static_cast<int64_t>(blocks.size()) + 1;
      blocks.push_back(std::move(block));
    }
  }
  const Analyzer analyzer;
  const Evidence evidence(blocks, analyzer);
  ThreadPool pool(context.threads);
  const std::unique_ptr<EntailmentModel> model = open_entailment(options.check, pool);
  const ClaimReport report =
      check_claims(evidence, answer, model.get(), {}, context.interrupts.token());
  const bool contradicted = is_contradicted(report);
  if (context.json) {
    print_json(context, {{"claims", claims_json(report)},
                         {"supported", report.count(ClaimVerdict::kSupported)},
                         {"contradicted", report.count(ClaimVerdict::kContradicted)},
                         {"not_found", report.count(ClaimVerdict::kNotFound)},
                         {"sentences", report.sentences},
                         {"unread_bytes", report.unread_bytes},
                         {"action", contradicted ? claim_action_name(action) : "allow"}});
  } else {
    print_claims(context, report);
    context.err << fmt::format(
        "{} of {} sentences claim something: {} supported, {} contradicted, "
        "{} not found\n",
        report.claims.size(), report.sentences, report.count(ClaimVerdict::kSupported),
        report.count(ClaimVerdict::kContradicted), report.count(ClaimVerdict::kNotFound));
  }
  if (contradicted && action != ClaimAction::kMark)
    context.err << "warning: the evidence contradicts the answer\n";
}

}  // namespace

void add_claims_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<ClaimsOptions>();
  CLI::App* command = app.add_subcommand(
      "claims", "Check what an answer claims against texts: supported, contradicted, not found");
  command->add_option("answer", options->answer, "The answer (or --file, a pipe)");
  command->add_option("-f,--file", options->file, "A file with the answer")
      ->check(CLI::ExistingFile);
  command
      ->add_option("--evidence", options->evidence,
                   "A text that is held to be true; may be given several times")
      ->required()
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false)
      ->check(CLI::ExistingFile);
  add_claim_options(*command, options->check);
  command->callback([&context, options] { check(context, *options); });
}

}  // namespace onmal
