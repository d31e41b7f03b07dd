#include "infer/answer_end.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace onmal {

int64_t text_vocabulary(const LanguageModel& model) {
  return std::min(model.decoder->config().vocab_size, model.tokenizer->vocab_size());
}

bool ends_answer(const LanguageModel& model, const GenerateOptions& options, int32_t id) {
  const auto contains = [id](const std::vector<int32_t>& ids) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  if (contains(options.stop_ids)) return true;
  if (options.ignore_end) return false;
  return contains(model.end_ids) || (model.end_ids.empty() && id == model.tokenizer->end_id());
}

std::vector<int32_t> end_ids(const LanguageModel& model, const GenerateOptions& options) {
  std::vector<int32_t> ends = options.stop_ids;
  ends.insert(ends.end(), model.end_ids.begin(), model.end_ids.end());
  ends.push_back(model.tokenizer->end_id());
  return ends;
}

int64_t context_of(const LanguageModel& model, const GeneratorOptions& options) {
  if (options.context < 0 || options.prefill_chunk < 1) {
    throw Error(ErrorCode::kInvalidArgument, "context", "must be 0 (the model's own) or more");
  }
  const int64_t most = model.decoder->config().max_positions;
  return options.context == 0 ? most : std::min(options.context, most);
}

void require_fits(int64_t tokens, int64_t context) {
  if (tokens <= context) return;
  throw Error(ErrorCode::kResource, "context",
              std::to_string(tokens) + " tokens do not fit into the context of " +
                  std::to_string(context) + " (" + std::to_string(tokens - context) + " too many)",
              "shorten the input or, where the model allows it, ask for a longer context");
}

double tokens_per_second(int64_t tokens, double seconds) {
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0.0;
}

bool is_cut(FinishReason reason) {
  return reason == FinishReason::kMaxTokens || reason == FinishReason::kContextFull ||
         reason == FinishReason::kCancelled;
}

}  // namespace onmal
