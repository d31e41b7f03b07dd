#include "cli/tokenizer_commands.h"

#include <fmt/format.h>

#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "base/timer.h"
#include "cli/input.h"
#include "cli/json_output.h"
#include "cli/model_tokenizer.h"
#include "corpus/pack.h"
#include "corpus/source.h"
#include "text/hangul.h"
#include "text/utf8.h"
#include "tokenizer/bpe_trainer.h"
#include "tokenizer/tokenizer_json.h"

namespace onmal {
namespace {

struct TokenizeOptions {
  std::string model, file;
  std::optional<std::string> text;
  bool special = false;
  bool around = false;
};

std::string text_to_tokenize(CommandContext& context, const TokenizeOptions& options) {
  if (!options.file.empty()) return read_file(options.file);
  if (options.text) return *options.text;
  if (context.in_is_terminal)
    throw CLI::ValidationError("tokenize",
                               "give a text with --text, with --file or through a pipe");
  return InputReader(context.in).read_all(context.interrupts.token());
}

void tokenize(CommandContext& context, const TokenizeOptions& options) {
  const std::shared_ptr<const Tokenizer> tokenizer = load_any_tokenizer(options.model);
  const std::string text = text_to_tokenize(context, options);
  EncodeOptions encode;
  encode.parse_special = options.special;
  encode.add_special = options.around;
  const std::vector<int32_t> ids = tokenizer->encode(text, encode);
  if (context.json) {
    Json pieces = Json::array();
    for (const int32_t id : ids) pieces.push_back(std::string(tokenizer->piece(id)));
    print_json(context, {{"ids", ids},
                         {"pieces", pieces},
                         {"tokens", ids.size()},
                         {"bytes", text.size()},
                         {"characters", count_characters(text)},
                         {"hangul_syllables", count_hangul_syllables(text)}});
    return;
  }
  for (const int32_t id : ids)
    context.out << fmt::format("{:>7}  {}\n", id,
                               Json(std::string(tokenizer->piece(id)))
                                   .dump(-1, ' ', false, Json::error_handler_t::replace));
  context.err << fmt::format("{} tokens, {} bytes, {} characters\n", ids.size(), text.size(),
                             count_characters(text));
}

void add_tokenize(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<TokenizeOptions>();
  CLI::App* command = app.add_subcommand("tokenize", "Turn text into token ids");
  command
      ->add_option("-m,--model", options->model, "Model, tokenizer.json, tokenizer.model or folder")
      ->required();
  CLI::Option* text =
      command->add_option("--text", options->text, "The text; without it, standard input");
  command->add_option("--file", options->file, "A file with the text")->excludes(text);
  command->add_flag("--special", options->special,
                    "Read <|im_end|> and the like as special tokens");
  command->add_flag("--add-special", options->around,
                    "Put the tokens around the text that the model wants there");
  command->callback([&context, options] { tokenize(context, *options); });
}

struct DetokenizeOptions {
  std::string model;
  std::vector<int32_t> ids;
};

void add_detokenize(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<DetokenizeOptions>();
  CLI::App* command = app.add_subcommand("detokenize", "Turn token ids into text");
  command
      ->add_option("-m,--model", options->model, "Model, tokenizer.json, tokenizer.model or folder")
      ->required();
  command->add_option("--ids,--tokens", options->ids, "1,2,3")->required()->delimiter(',');
  command->callback([&context, options] {
    const std::string text = load_any_tokenizer(options->model)->decode(options->ids);
    if (context.json) {
      print_json(context,
                 {{"text", text}, {"bytes", text.size()}, {"characters", count_characters(text)}});
    } else {
      context.out << text << '\n';
    }
  });
}

struct TokenizerTrainOptions {
  std::vector<std::string> inputs;
  std::string corpus, data = ".", output;
  std::vector<std::string> special_tokens;
  int sentinels = 0;
  BpeTrainOptions bpe;
};

void feed_everything(ThreadPool& pool, const TokenizerTrainOptions& options, BpeTrainer& trainer) {
  for (const std::string& input : options.inputs) trainer.feed(pool, read_file(input), input);
  if (options.corpus.empty()) return;
  for (const Source& source : load_corpus(options.corpus, options.data).texts) {
    std::string text;
    read_documents(source, [&](std::string_view document) { text.append(document).append("\n"); });
    trainer.feed(pool, text, source.path.string());
  }
}

void train(CommandContext& context, const TokenizerTrainOptions& options) {
  if (options.inputs.empty() && options.corpus.empty()) {
    throw CLI::ValidationError("tokenizer train", "give --input files or a --corpus description");
  }
  const Timer timer;
  ThreadPool pool(context.threads);
  BpeTrainOptions bpe = options.bpe;
  bpe.special_tokens.insert(bpe.special_tokens.end(), options.special_tokens.begin(),
                            options.special_tokens.end());
  for (int i = 0; i < options.sentinels; ++i)
    bpe.special_tokens.push_back(fmt::format("<extra_id_{}>", i));
  BpeTrainer trainer(bpe);
  feed_everything(pool, options, trainer);
  const double read_seconds = timer.seconds();
  const BpeDefinition definition =
      trainer.train(context.interrupts.token(), [&](const BpeTrainProgress& progress) {
        if (!context.err_is_terminal) return;
        const double elapsed = timer.seconds() - read_seconds;
        const double left = elapsed *
                            static_cast<double>(progress.merges_wanted - progress.merges_done) /
                            static_cast<double>(progress.merges_done);
        context.err << fmt::format("\rmerges {}/{}  {:.0f} s left ", progress.merges_done,
                                   progress.merges_wanted, left);
      });
  if (context.err_is_terminal) context.err << '\n';
  write_file(options.output, write_tokenizer_json(definition));
  const Json result = {{"vocab_size", definition.pieces.size()},
                       {"seconds", timer.seconds()},
                       {"bytes", trainer.bytes()},
                       {"output", options.output}};
  if (context.json) {
    print_json(context, result);
  } else {
    context.out << fmt::format("{}: {} tokens from {:.1f} MB in {:.1f} s\n", options.output,
                               definition.pieces.size(), static_cast<double>(trainer.bytes()) / 1e6,
                               timer.seconds());
  }
}

void add_tokenizer_train(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<TokenizerTrainOptions>();
  // Measured in docs/LOG.md: fair to Korean without taking too much from English.
  options->bpe.hangul_share = 0.8;
  options->bpe.pretokenizer = "superbpe";
  CLI::App* family = app.add_subcommand("tokenizer", "Make tokenizers");
  family->require_subcommand(1);
  CLI::App* command =
      family->add_subcommand("train", "Learn a byte-level BPE vocabulary (tokenizer.json)");
  command->add_option("--input", options->inputs, "Text files, UTF-8");
  command->add_option("--corpus", options->corpus, "Corpus description (TOML)");
  command->add_option("--data", options->data, "Folder that the description's paths start from");
  command->add_option("--vocab-size", options->bpe.vocab_size, "Tokens in all")
      ->capture_default_str();
  command
      ->add_option("--pretokenizer", options->bpe.pretokenizer,
                   "superbpe, llama-bpe, qwen2 or gpt-2")
      ->capture_default_str();
  command
      ->add_option("--hangul-share", options->bpe.hangul_share,
                   "Weigh words with Hangul to this share of all bytes (0: as counted)")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  command
      ->add_option("--special-token", options->special_tokens,
                   "One more special token, \"[MASK]\" for instance (may be given several times)")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command
      ->add_option("--sentinels", options->sentinels,
                   "Special tokens <extra_id_0> … for cut-out spans")
      ->check(CLI::Range(0, 1000));
  command->add_option("-o,--output", options->output, "tokenizer.json to write")->required();
  command->callback([&context, options] { train(context, *options); });
}

struct PackCommandOptions {
  std::string tokenizer, corpus, data = ".", output;
  int heldout_permille = 10;
};

void add_pack(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<PackCommandOptions>();
  CLI::App* command =
      app.add_subcommand("pack", "Turn a corpus into token shards: train.tok and heldout.tok");
  command->add_option("-t,--tokenizer", options->tokenizer, "tokenizer.json")->required();
  command->add_option("--corpus", options->corpus, "Corpus description (TOML)")->required();
  command->add_option("--data", options->data, "Folder that the description's paths start from");
  command
      ->add_option("--heldout-permille", options->heldout_permille,
                   "Documents in a thousand kept out of training")
      ->check(CLI::Range(0, 500))
      ->capture_default_str();
  command->add_option("-o,--output", options->output, "Folder for the shards")->required();
  command->callback([&context, options] {
    const auto tokenizer = load_tokenizer_json(options->tokenizer);
    const PackReport report =
        pack_corpus(load_corpus(options->corpus, options->data), *tokenizer,
                    options->heldout_permille, options->output, context.interrupts.token());
    if (context.json) {
      const auto part = [](const ShardInfo& info) {
        return Json{
            {"tokens", info.tokens}, {"documents", info.documents}, {"bytes", info.text_bytes}};
      };
      print_json(context, {{"train", part(report.train)}, {"heldout", part(report.heldout)}});
      return;
    }
    for (const auto& [name, info] :
         {std::pair("train", report.train), std::pair("heldout", report.heldout)}) {
      context.out << fmt::format("{}: {} tokens, {} documents, {:.1f} MB\n", name, info.tokens,
                                 info.documents, static_cast<double>(info.text_bytes) / 1e6);
    }
  });
}

}  // namespace

void add_tokenizer_commands(CLI::App& app, CommandContext& context) {
  add_tokenize(app, context);
  add_detokenize(app, context);
  add_tokenizer_train(app, context);
  add_pack(app, context);
}

}  // namespace onmal
