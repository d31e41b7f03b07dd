#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "answer/grounded/abstain.h"
#include "answer/grounded/citations.h"
#include "answer/grounded/context.h"
#include "answer/grounded/extractive.h"
#include "answer/task_model.h"
#include "knowledge/analyzer.h"
#include "knowledge/passage.h"

namespace onmal {

struct GroundedOptions {
  ContextOptions context;           // budget_tokens 0: at most 4096; never more than there is room
  ExtractiveOptions sentences;      // of an answer without a model
  int64_t max_tokens = 512;         // of the model's answer
  bool extractive = false;          // no model, even where one is given: it is too weak
  bool constrain_citations = true;  // the decoder lets no citation through that does not exist
  double least_confidence = kLeastConfidence;  // 0: always answer
  std::string language = {};                   // "ko", "en"; "": the question's
  std::span<const ChatMessage> history = {};   // earlier turns, for the model
};

enum class AnswerMethod : uint8_t {
  kModel,       // written from the passages by the model
  kExtractive,  // sentences of the passages
  kAbstained,   // "I don't know"
  kDirect,      // nothing needed looking up: the model alone
};
std::string_view answer_method_name(AnswerMethod method);

struct GroundedTimes {  // in seconds
  double pack = 0;      // passages into the context
  double judge = 0;     // whether they hold the answer
  double read = 0;      // up to the model's first text: prompt and first token
  double write = 0;     // the rest of the answer, or the choice of sentences
  double check = 0;     // of its citations
};

struct GroundedAnswer {
  std::string text;  // with [id] where it cites
  std::vector<Citation> citations;
  double confidence = 0;  // that the passages hold the answer, 0 to 1
  bool abstained = false;
  AnswerMethod method = AnswerMethod::kExtractive;
  std::vector<ContextBlock> passages;  // what [1], [2], … are
  std::string language;
  int64_t prompt_tokens = 0;
  int64_t tokens = 0;
  bool finished = true;
  GroundedTimes times;
};

// Answers a question from passages (the best first) and from nothing else, with citations that were
// checked against them. With a model that reads instructions it writes, else the best sentences
// are the answer. `on_text` gets the answer's text as it comes; the result's may have citations
// added. A question in NFD is answered like one in NFC. Throws Error(kInvalidArgument) for a blank
// question; what the model throws.
GroundedAnswer answer_grounded(const Analyzer& analyzer, const std::string& question,
                               std::span<const Passage> passages, TaskModel* model,
                               const GroundedOptions& options,
                               FunctionRef<void(std::string_view)> on_text,
                               const std::stop_token& stop = {});

// For a question that needs no documents (see needs_lookup()): the model alone.
GroundedAnswer answer_directly(TaskModel& model, const std::string& question,
                               const GroundedOptions& options,
                               FunctionRef<void(std::string_view)> on_text,
                               const std::stop_token& stop = {});

// What the model is asked: rules as its instruction, then passages, question and a reminder as the
// text.
TaskPrompt grounded_prompt(const PackedContext& context, const std::string& question,
                           const GroundedOptions& options, std::string_view language);

}  // namespace onmal
