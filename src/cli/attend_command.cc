#include "cli/attend_command.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "cli/input.h"
#include "cli/json_output.h"
#include "cli/model_options.h"
#include "infer/attention_view.h"
#include "models/model_file.h"
#include "models/text_encoder.h"

namespace onmal {
namespace {

struct AttendOptions {
  std::string model;
  std::string text;
  std::optional<int64_t> layer;
  std::optional<int64_t> head;
  std::string output;
  AttentionUnits units = AttentionUnits::kToken;
};

std::vector<AttentionToken> tokens_of(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  std::vector<AttentionToken> tokens;
  for (const int32_t id : ids)
    tokens.push_back({std::string(tokenizer.piece(id)), tokenizer.is_special(id)});
  return tokens;
}

std::vector<AttentionMap> run(CommandContext& context, const AttendOptions& options,
                              const TextEncoder& encoder, const std::vector<int32_t>& ids) {
  if (static_cast<int64_t>(ids.size()) > encoder.max_tokens()) {
    throw Error(ErrorCode::kResource, "text",
                fmt::format("{} tokens exceed the model's {}", ids.size(), encoder.max_tokens()),
                "shorten it");
  }
  ThreadPool pool(context.threads);
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  AttentionCollector collector(options.layer, options.head);
  Exec exec{&pool, &memory, &backend};
  exec.attention_observer = &collector;
  encoder.hidden_states(exec, ids);
  if (collector.maps().empty()) {
    throw Error(ErrorCode::kInvalidArgument, options.model,
                fmt::format("has {} layers with attention, counted from 0", collector.layers()));
  }
  return collector.maps();
}

Json weights_json(const AttentionMap& map) {
  Json heads = Json::array();
  for (size_t head = 0; head < map.heads.size(); ++head) {
    Json rows = Json::array();
    for (int64_t query = 0; query < map.queries; ++query) {
      const float* row =
          map.weights.data() + (static_cast<int64_t>(head) * map.queries + query) * map.keys;
      rows.push_back(std::vector<float>(row, row + map.keys));
    }
    heads.push_back({{"head", map.heads[head]}, {"matrix", rows}});
  }
  return {{"layer", map.layer}, {"heads", heads}};
}

// Of each head, what each unit looks at most.
void print_strongest(CommandContext& context, const std::vector<AttentionMap>& maps,
                     const std::vector<std::string>& labels) {
  std::string scratch;
  for (const AttentionMap& map : maps) {
    for (size_t head = 0; head < map.heads.size(); ++head) {
      context.out << fmt::format("layer {}, head {}\n", map.layer, map.heads[head]);
      for (int64_t query = 0; query < map.queries; ++query) {
        int64_t best = 0;
        for (int64_t key = 1; key < map.keys; ++key) {
          if (map.at(head, query, key) > map.at(head, query, best)) best = key;
        }
        const std::string line =
            fmt::format("  {} → {}  {:.3f}", labels[static_cast<size_t>(query)],
                        labels[static_cast<size_t>(best)], map.at(head, query, best));
        context.out << printable(context, line, scratch) << "\n";
      }
    }
  }
}

void attend(CommandContext& context, const AttendOptions& options) {
  const TextEncoder encoder(options.model);
  require_tokenizer(encoder.tokenizer(), encoder.tokenizer_problem(), options.model);
  const std::vector<int32_t> ids = encoder.tokenizer()->encode(options.text, {.add_special = true});
  if (ids.empty()) throw Error(ErrorCode::kInvalidArgument, "text", "is empty: it has no tokens");
  std::vector<AttentionMap> maps = run(context, options, encoder, ids);
  const UnitMap units = map_units(tokens_of(*encoder.tokenizer(), ids), options.units);
  if (options.units != AttentionUnits::kToken) {
    for (AttentionMap& map : maps) map = group_attention(map, units);
  }
  if (!options.output.empty()) {
    const bool single = maps.size() == 1 && maps[0].heads.size() == 1;
    write_file(options.output, single ? draw_head(maps[0], 0, units.labels) : draw_heads(maps));
  }
  if (context.json) {
    Json weights = Json::array();
    for (const AttentionMap& map : maps) weights.push_back(weights_json(map));
    print_json(context, {{"tokens", units.labels}, {"weights", weights}});
  } else if (options.output.empty()) {
    print_strongest(context, maps, units.labels);
  } else {
    context.err << options.output << ": written\n";
  }
}

}  // namespace

void add_attend_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<AttendOptions>();
  CLI::App* command =
      app.add_subcommand("attend", "Show what every word of a text attends to, by layer and head");
  add_model_option(*command, options->model);
  command->add_option("-p,--prompt", options->text, "The text")->required();
  command->add_option("--layer", options->layer, "Only this layer, from 0")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 20));
  command->add_option("--head", options->head, "Only this head, from 0")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 20));
  const std::map<std::string, AttentionUnits> units = {{"token", AttentionUnits::kToken},
                                                       {"syllable", AttentionUnits::kSyllable},
                                                       {"word", AttentionUnits::kWord}};
  command->add_option("--group", options->units, "Put tokens together")
      ->transform(
          CLI::CheckedTransformer(units, CLI::ignore_case).description("{token,syllable,word}"));
  command->add_option("-o,--output", options->output,
                      "Draw an SVG: one head as lines and matrix, several as small matrices");
  command->callback([&context, options] { attend(context, *options); });
}

}  // namespace onmal
