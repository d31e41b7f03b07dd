#include "cli/translate.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <ostream>

#include "base/error.h"
#include "base/timer.h"
#include "cli/json_output.h"
#include "infer/beam_search.h"
#include "models/model_file.h"

namespace onmal {

bool is_encoder_decoder(const std::string& model) {
  return open_model_file(model).kind() == ModelKind::kEncoderDecoder;
}

void translate(CommandContext& context, const TalkOptions& options, const std::string& text,
               std::optional<int64_t> beams) {
  const EncoderDecoderModel model = load_encoder_decoder(options.model);
  const Tokenizer& tokenizer =
      require_tokenizer(model.tokenizer.tokenizer.get(), model.tokenizer.problem, options.model);
  const EncoderDecoderConfig& config = model.network->config();
  const std::vector<int32_t> source = tokenizer.encode(text, {.add_special = true});
  ThreadPool pool(context.threads);
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  Exec exec{&pool, &memory, &backend};
  exec.matmul_precision = options.matmul;
  const BeamOptions how{beams.value_or(config.beams), config.length_penalty,
                        options.generate.max_tokens};
  const Timer timer;
  const BeamResult result =
      beam_search(exec, *model.network, source, how, context.interrupts.token());
  const double seconds = timer.seconds();
  std::vector<int32_t> shown;
  std::copy_if(result.ids.begin(), result.ids.end(), std::back_inserter(shown),
               [&](int32_t id) { return !tokenizer.is_special(id); });
  const std::string output = tokenizer.decode(shown);
  const double rate = static_cast<double>(result.ids.size()) / seconds;
  const char* finish = result.ended ? "end_token" : "max_tokens";
  if (context.json) {
    print_json(context, {{"text", output},
                         {"tokens", result.ids.size()},
                         {"ids", result.ids},
                         {"finish_reason", finish},
                         {"prompt_tokens", source.size()},
                         {"score", result.score},
                         {"beams", how.beams},
                         {"decode_tokens_per_s", rate}});
    return;
  }
  std::string scratch;
  context.out << printable(context, output, scratch) << std::endl;
  context.err << fmt::format("{} source tokens, {} tokens at {:.1f}/s, {} beams, {}\n",
                             source.size(), result.ids.size(), rate, how.beams, finish);
}

}  // namespace onmal
