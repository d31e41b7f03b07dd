#include "answer/task_model.h"

#include <algorithm>
#include <iterator>

#include "autograd/exec.h"
#include "base/ascii.h"
#include "base/error.h"
#include "infer/beam_search.h"
#include "infer/conversation.h"
#include "models/model_file.h"
#include "ops/backend.h"
#include "tensor/allocators.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr int64_t kUsualAnswer = 1024;  // tokens

class InstructModel : public TaskModel {
 public:
  InstructModel(LanguageModel model, ThreadPool& pool, InstructOptions options)
      : model_(std::move(model)),
        options_(std::move(options)),
        blank_(require_tokenizer(model_.tokenizer.get(), model_.tokenizer_problem, model_.path),
               conversation_options(), model_.path.string()),
        generator_(model_, pool, options_.generator),
        name_{model_title(model_.path), model_.path.string(),
              options_.bare ? "tuned decoder" : "instruct"} {}

  const ModelName& name() const override { return name_; }
  bool is_instructed() const override { return !options_.bare; }
  bool has_piece(std::string_view piece) const override {
    return model_.tokenizer->find(piece) >= 0;
  }
  int64_t count_tokens(std::string_view text) const override {
    return static_cast<int64_t>(model_.tokenizer->encode(text).size());
  }
  int64_t room(const TaskPrompt& prompt) const override {
    TaskPrompt empty = prompt;
    empty.text = "";
    return generator_.context() - static_cast<int64_t>(ids_of(empty).size());
  }

  WrittenText write(const TaskPrompt& prompt, FunctionRef<void(std::string_view)> on_text,
                    const std::stop_token& stop) override {
    GenerateOptions how;
    how.sampler = options_.sampler;
    how.stop_texts = options_.stop_texts;
    how.constraint = prompt.constraint;
    how.max_tokens = prompt.max_tokens > 0 ? prompt.max_tokens : kUsualAnswer;
    if (blank_.end_of_message() >= 0) how.stop_ids.push_back(blank_.end_of_message());
    const GenerateResult result = generator_.generate(ids_of(prompt), how, on_text, stop);
    if (result.finish == FinishReason::kCancelled)
      throw Error(ErrorCode::kCancelled, name_.name, "stopped");
    const bool finished = result.finish == FinishReason::kEndToken ||
                          result.finish == FinishReason::kStopText ||
                          result.finish == FinishReason::kComplete;
    return {std::string(trim_ascii(result.text)), result.prompt_tokens,
            static_cast<int64_t>(result.ids.size()), finished};
  }

 private:
  ConversationOptions conversation_options() const {
    ConversationOptions how;
    how.chat_template =
        options_.chat_template.empty() ? model_.chat_template : options_.chat_template;
    how.bos_token = model_.bos_token;
    how.eos_token = model_.eos_token;
    return how;
  }

  std::vector<int32_t> ids_of(const TaskPrompt& prompt) const {
    Conversation talk = blank_;
    talk.add_system(prompt.system);
    for (const ChatMessage& message : prompt.history) {
      if (message.role == "assistant") {
        talk.add_assistant(message.content, {});
      } else {
        talk.add_user(message.content);
      }
    }
    std::string text;
    if (is_instructed() && !prompt.instruction.empty()) text = prompt.instruction + "\n\n";
    if (!is_instructed()) text = prompt.prefix;
    talk.add_user(text + prompt.text);
    return talk.prompt();
  }

  LanguageModel model_;
  InstructOptions options_;
  Conversation blank_;  // copied for each prompt; its template is read once
  Generator generator_;
  ModelName name_;
};

class PairModel : public TaskModel {
 public:
  PairModel(EncoderDecoderModel model, ThreadPool& pool, const PairOptions& options)
      : model_(std::move(model)),
        pool_(pool),
        options_(options),
        name_{model_title(model_.path), model_.path.string(), "encoder-decoder"} {
    require_tokenizer(model_.tokenizer.tokenizer.get(), model_.tokenizer.problem, model_.path);
  }

  const ModelName& name() const override { return name_; }
  bool is_instructed() const override { return false; }
  bool has_piece(std::string_view piece) const override { return tokenizer().find(piece) >= 0; }
  int64_t count_tokens(std::string_view text) const override {
    return static_cast<int64_t>(tokenizer().encode(text).size());
  }
  // Source and output have a context each; their sum is what texts are cut by.
  int64_t room(const TaskPrompt& prompt) const override {
    const auto taken = static_cast<int64_t>(source_ids(prompt.prefix).size());
    const EncoderDecoderConfig& config = model_.network->config();
    const int64_t least = std::min(config.encoder.max_positions, config.decoder.max_positions);
    return 2 * std::max<int64_t>(std::min(least, kMostSource) - taken - 1, 0);
  }

  WrittenText write(const TaskPrompt& prompt, FunctionRef<void(std::string_view)> on_text,
                    const std::stop_token& stop) override {
    const EncoderDecoderConfig& config = model_.network->config();
    const std::vector<int32_t> source = source_ids(prompt.prefix + prompt.text);
    const int64_t most = config.encoder.max_positions;
    if (static_cast<int64_t>(source.size()) > most) {
      throw Error(ErrorCode::kResource, name_.name,
                  "the text has " + std::to_string(source.size()) + " tokens, " +
                      std::to_string(static_cast<int64_t>(source.size()) - most) +
                      " more than the model reads",
                  "give less at a time");
    }
    const int64_t wanted = prompt.max_tokens > 0 ? prompt.max_tokens : config.max_tokens;
    const BeamOptions how{options_.beams.value_or(config.beams),
                          options_.length_penalty.value_or(config.length_penalty),
                          std::min(wanted, config.decoder.max_positions - 1)};
    Exec exec{&pool_, &memory_, &backend_};
    exec.matmul_precision = options_.matmul;
    const BeamResult result = beam_search(exec, *model_.network, source, how, stop);
    std::vector<int32_t> shown;
    std::copy_if(result.ids.begin(), result.ids.end(), std::back_inserter(shown),
                 [&](int32_t id) { return !tokenizer().is_special(id); });
    const std::string decoded = tokenizer().decode(shown);
    const std::string text(trim_ascii(decoded));
    on_text(text);
    return {text, static_cast<int64_t>(source.size()), static_cast<int64_t>(result.ids.size()),
            result.ended};
  }

 private:
  static constexpr int64_t kMostSource = 512;  // T5's positions have no end, its memory has

  const Tokenizer& tokenizer() const { return *model_.tokenizer.tokenizer; }
  // Prefixes may hold special tokens; they and the text come from the caller, who may forge
  // nothing by them: an encoder-decoder has no turns.
  std::vector<int32_t> source_ids(const std::string& text) const {
    std::vector<int32_t> ids =
        tokenizer().encode(text, {.add_special = true, .parse_special = true});
    // Sources end with the end token, whether or not the tokenizer puts one.
    const int32_t end = tokenizer().end_id();
    if (end >= 0 && (ids.empty() || ids.back() != end)) ids.push_back(end);
    return ids;
  }

  EncoderDecoderModel model_;
  ThreadPool& pool_;
  PairOptions options_;
  ModelName name_;
  Backend backend_ = make_cpu_backend();
  CachingAllocator memory_;
};

}  // namespace

std::unique_ptr<TaskModel> make_instruct_model(LanguageModel model, ThreadPool& pool,
                                               InstructOptions options) {
  return std::make_unique<InstructModel>(std::move(model), pool, std::move(options));
}

std::unique_ptr<TaskModel> make_pair_model(EncoderDecoderModel model, ThreadPool& pool,
                                           const PairOptions& options) {
  return std::make_unique<PairModel>(std::move(model), pool, options);
}

void require_writer(const std::filesystem::path& path) {
  const ModelFile file = open_model_file(path);
  const std::string hint = "give an instruct model or an encoder-decoder";
  if (file.kind() == ModelKind::kEncoder) {
    throw Error(ErrorCode::kUnsupported, path.string(),
                "is an encoder ('" + file.architecture() + "'): it reads texts and writes none",
                hint);
  }
  const Metadata& metadata = file.metadata();
  if (file.folder == nullptr || !metadata.contains("architectures")) return;
  for (const std::string& name : metadata.get_strings("architectures")) {
    if (name.ends_with("ForSequenceClassification") || name.ends_with("ForTokenClassification"))
      throw Error(ErrorCode::kUnsupported, path.string(),
                  "is a classifier (" + name + "): it labels texts and writes none", hint);
  }
}

std::string model_title(const std::filesystem::path& path) {
  std::filesystem::path named = path.has_filename() ? path : path.parent_path();
  // "out/correct/model" is called by the folder above too.
  const std::string last = named.filename().string();
  if (last != "model" && last != "adapter") return last;
  const std::string above = named.parent_path().filename().string();
  return above.empty() ? last : above + "/" + last;
}

void require_text(std::string_view text, const std::string& task) {
  if (const size_t at = find_invalid_utf8(text); at != std::string_view::npos) {
    throw Error(ErrorCode::kInvalidArgument, task,
                "byte " + std::to_string(at + 1) + " of the text is not UTF-8",
                "convert the text to UTF-8 (iconv -f cp949 -t utf-8)");
  }
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    if (!is_white_space(c.code)) return;
    i += c.length;
  }
  throw Error(ErrorCode::kInvalidArgument, task, "the text is empty",
              "give one by --text, --file or a pipe");
}

}  // namespace onmal
