#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/function_ref.h"
#include "base/thread_pool.h"
#include "infer/generator.h"
#include "models/encoder_decoder_model.h"
#include "tokenizer/chat_template.h"

namespace onmal {

// What a task wants written. A model takes of it what it understands: an instruct model all, a
// model tuned for the task the text alone, behind the prefix.
struct TaskPrompt {
  std::string instruction = {};  // what to do with the text
  std::string text;
  std::string prefix = {};  // what a tuned model wants before the text ("<2en> ")
  std::string system = {};
  std::span<const ChatMessage> history = {};  // earlier turns of a conversation
  int64_t max_tokens = 0;                     // of the answer; 0: the model's own choice
  // What the answer may look like; null: anything. An encoder-decoder does not heed it.
  const TextConstraint* constraint = nullptr;
};

struct WrittenText {
  std::string text;
  int64_t prompt_tokens = 0;
  int64_t tokens = 0;
  bool finished = true;  // by an end token, not by a limit
};

// Which model answers.
struct ModelName {
  std::string name;  // the file's own, else that of the file or folder
  std::string path;
  std::string kind;  // "instruct", "tuned decoder", "encoder-decoder", "edit tagger"
};

// A model that writes texts, whatever it is made of. Not thread-safe.
class TaskModel {
 public:
  virtual ~TaskModel() = default;

  virtual const ModelName& name() const = 0;
  // True where `instruction` is read.
  virtual bool is_instructed() const = 0;
  // Tokens that a text takes.
  virtual int64_t count_tokens(std::string_view text) const = 0;
  // Tokens of context for text and answer together, beside what the prompt takes with an empty
  // text.
  virtual int64_t room(const TaskPrompt& prompt) const = 0;
  // True where the vocabulary has exactly this piece.
  virtual bool has_piece(std::string_view piece) const = 0;
  // `on_text` gets the text as it is written where the model can. Throws Error(kResource) saying by
  // how many tokens a prompt is too long, Error(kCancelled) on a stop request.
  virtual WrittenText write(const TaskPrompt& prompt, FunctionRef<void(std::string_view)> on_text,
                            const std::stop_token& stop) = 0;
  WrittenText write(const TaskPrompt& prompt, const std::stop_token& stop = {}) {
    return write(
        prompt, [](std::string_view) {}, stop);
  }
};

struct InstructOptions {
  GeneratorOptions generator;
  SamplerOptions sampler;  // temperature 0 for tasks with one right answer
  std::vector<std::string> stop_texts = {};
  bool bare = false;               // tuned for the task: its messages are the texts alone
  std::string chat_template = {};  // instead of the model's own
};

// A decoder through its chat template. The pool must outlive it. Throws Error(kUnsupported) for a
// model without a template or tokenizer.
std::unique_ptr<TaskModel> make_instruct_model(LanguageModel model, ThreadPool& pool,
                                               InstructOptions options);

struct PairOptions {
  std::optional<int64_t> beams;          // none: the file's own
  std::optional<double> length_penalty;  // none: the file's own
  MatmulPrecision matmul = MatmulPrecision::kInt8;
};

// An encoder–decoder through beam search.
std::unique_ptr<TaskModel> make_pair_model(EncoderDecoderModel model, ThreadPool& pool,
                                           const PairOptions& options);

// Throws Error(kUnsupported), saying what to use instead, where `path` holds a model that writes no
// text: an encoder, or one with a head that classifies.
void require_writer(const std::filesystem::path& path);

// The name in the file's metadata, else the file's or folder's.
std::string model_title(const std::filesystem::path& path);

// Throws Error(kInvalidArgument) naming `task`: a text that is blank, or bytes that are not UTF-8,
// with the place of the first one.
void require_text(std::string_view text, const std::string& task);

}  // namespace onmal
