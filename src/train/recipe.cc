#include "train/recipe.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "models/architecture.h"
#include "train/fresh_model.h"

namespace onmal {
namespace {

// Reads one value into the recipe; throws through `Reader::refuse`.
struct Reader {
  std::filesystem::path path;
  std::filesystem::path folder;

  [[noreturn]] void refuse(const toml::node& node, const std::string& what,
                           const std::string& hint = "") const {
    throw Error(ErrorCode::kInvalidArgument,
                path.string() + ":" + std::to_string(node.source().begin.line), what, hint);
  }
  int64_t integer(const toml::node& node, int64_t least, int64_t most = int64_t{1} << 60) const {
    const auto value = node.value_exact<int64_t>();
    if (!value) refuse(node, "must be a whole number");
    if (*value < least || *value > most) {
      refuse(node, std::to_string(*value) + " is out of range: " + std::to_string(least) + " to " +
                       std::to_string(most));
    }
    return *value;
  }
  double number(const toml::node& node, double least, double most) const {
    if (!node.is_number()) refuse(node, "must be a number");
    const double value = node.value_or(0.0);
    if (!(value >= least && value <= most)) refuse(node, "is out of range");
    return value;
  }
  bool boolean(const toml::node& node) const {
    if (!node.is_boolean()) refuse(node, "must be true or false");
    return node.value_or(false);
  }
  std::string text(const toml::node& node) const {
    if (!node.is_string()) refuse(node, "must be a text in quotes");
    return node.value_or(std::string());
  }
  std::filesystem::path file(const toml::node& node) const { return folder / text(node); }
  template <typename Value>
  Value choice(const toml::node& node, const std::map<std::string, Value>& choices) const {
    const auto found = choices.find(text(node));
    if (found != choices.end()) return found->second;
    std::string known;
    for (const auto& [name, value] : choices) known += (known.empty() ? "" : ", ") + name;
    refuse(node, "unknown value '" + text(node) + "'", "known ones: " + known);
  }
};

using Setter = std::function<void(const Reader&, const toml::node&)>;
using Section = std::map<std::string, Setter>;

size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

template <typename Value>
std::string nearest(const std::map<std::string, Value>& known, const std::string& name) {
  const auto best = std::min_element(known.begin(), known.end(), [&](const auto& a, const auto& b) {
    return edit_distance(a.first, name) < edit_distance(b.first, name);
  });
  return best->first;
}

Section model_section(Recipe& recipe) {
  DecoderConfig& m = recipe.model;
  const auto size = [](int64_t& target) -> Setter {
    return [&target](const Reader& r, const toml::node& n) { target = r.integer(n, 1); };
  };
  const auto flag = [](bool& target) -> Setter {
    return [&target](const Reader& r, const toml::node& n) { target = r.boolean(n); };
  };
  return {
      {"from", [&](const Reader& r, const toml::node& n) { recipe.from = r.file(n); }},
      {"architecture", [&](const Reader& r, const toml::node& n) { m.architecture = r.text(n); }},
      {"vocab_size", size(m.vocab_size)},
      {"dim", size(m.dim)},
      {"layers", [&](const Reader& r, const toml::node& n) { m.layers = r.integer(n, 0); }},
      {"heads", size(m.heads)},
      {"kv_heads", size(m.kv_heads)},
      {"head_dim", size(m.head_dim)},
      {"ffn_dim", size(m.ffn_dim)},
      {"max_positions", size(m.max_positions)},
      {"rope_theta",
       [&](const Reader& r, const toml::node& n) { m.rope_theta = r.number(n, 1.0, 1e12); }},
      {"norm_epsilon",
       [&](const Reader& r, const toml::node& n) {
         m.norm_epsilon = static_cast<float>(r.number(n, 1e-12, 0.1));
       }},
      {"tied_head", flag(m.tied_head)},
      {"decoder_layers", size(recipe.decoder_layers)},
      {"gated_mlp", flag(recipe.gated_mlp)},
  };
}

Section adapter_section(AdapterConfig& a) {
  return {
      {"kind",
       [&](const Reader& r, const toml::node& n) {
         const auto kind = r.choice<int>(n, {{"lora", 0}, {"rslora", 1}, {"dora", 2}});
         a.rank_stabilized = kind == 1;
         a.dora = kind == 2;
       }},
      {"rank", [&](const Reader& r, const toml::node& n) { a.rank = r.integer(n, 1, 65536); }},
      {"alpha", [&](const Reader& r, const toml::node& n) { a.alpha = r.number(n, 1e-6, 1e9); }},
      {"targets",
       [&](const Reader& r, const toml::node& n) {
         if (!n.is_array()) r.refuse(n, "must be a list of texts");
         a.targets.clear();
         for (const toml::node& target : *n.as_array()) a.targets.push_back(r.text(target));
       }},
  };
}

Section objective_section(ObjectiveRecipe& o) {
  const auto number = [](double& target, double least, double most) -> Setter {
    return [&target, least, most](const Reader& r, const toml::node& n) {
      target = r.number(n, least, most);
    };
  };
  return {
      {"task",
       [&](const Reader& r, const toml::node& n) {
         o.task = r.choice<TaskKind>(n, {{"text", TaskKind::kText},
                                         {"masked", TaskKind::kMasked},
                                         {"classification", TaskKind::kClassification},
                                         {"pairs", TaskKind::kPairs},
                                         {"denoising", TaskKind::kDenoising},
                                         {"preference", TaskKind::kPreference},
                                         {"correction", TaskKind::kCorrection},
                                         {"contrastive", TaskKind::kContrastive}});
       }},
      {"problem",
       [&](const Reader& r, const toml::node& n) {
         o.problem = r.choice<ClassifyTask>(n, {{"single_label", ClassifyTask::kSingleLabel},
                                                {"multi_label", ClassifyTask::kMultiLabel},
                                                {"regression", ClassifyTask::kRegression},
                                                {"tokens", ClassifyTask::kTokens}});
       }},
      {"pooling",
       [&](const Reader& r, const toml::node& n) {
         o.pooling = r.choice<Pooling>(
             n, {{"mean", Pooling::kMean}, {"cls", Pooling::kCls}, {"last", Pooling::kLast}});
       }},
      {"masked_share", number(o.masked_share, 0.01, 0.9)},
      {"mean_span", number(o.mean_span, 1.0, 100.0)},
      {"beta", number(o.beta, 1e-6, 1e6)},
      {"label_smoothing", number(o.label_smoothing, 0.0, 0.49)},
      {"noise_rate", number(o.noise_rate, 0.001, 1.0)},
      {"clean_share", number(o.clean_share, 0.0, 0.99)},
      {"most_harmed", number(o.most_harmed, 0.0, 1.0)},
      {"temperature", number(o.temperature, 1e-3, 100.0)},
      {"token_dropout", number(o.token_dropout, 0.0, 0.9)},
  };
}

Section data_section(DataRecipe& d) {
  const auto file = [](std::filesystem::path& target) -> Setter {
    return [&target](const Reader& r, const toml::node& n) { target = r.file(n); };
  };
  const auto text = [](std::string& target) -> Setter {
    return [&target](const Reader& r, const toml::node& n) { target = r.text(n); };
  };
  return {
      {"table", file(d.table)},
      {"heldout_table", file(d.heldout_table)},
      {"text_column", text(d.text_column)},
      {"second_column", text(d.second_column)},
      {"pair_column", text(d.pair_column)},
      {"label_column", text(d.label_column)},
      {"label_separator", text(d.label_separator)},
      {"source_column", text(d.source_column)},
      {"target_column", text(d.target_column)},
      {"prefix", text(d.prefix)},
      {"source_language", text(d.source_language)},
      {"target_language", text(d.target_language)},
      {"prompt_column", text(d.prompt_column)},
      {"chosen_column", text(d.chosen_column)},
      {"rejected_column", text(d.rejected_column)},
      {"tokenizer", file(d.tokenizer)},
      {"train", file(d.train)},
      {"heldout", file(d.heldout)},
      {"conversations", file(d.conversations)},
      {"folder", file(d.folder)},
      {"turns", [&](const Reader& r, const toml::node& n) { d.turns = r.integer(n, 1, 64); }},
      {"heldout_permille",
       [&](const Reader& r, const toml::node& n) { d.heldout_permille = r.integer(n, 0, 500); }},
      {"length",
       [&](const Reader& r, const toml::node& n) { d.length = r.integer(n, 2, int64_t{1} << 20); }},
      {"mask_documents",
       [&](const Reader& r, const toml::node& n) { d.mask_documents = r.boolean(n); }},
  };
}

Section ngram_section(NgramRecipe& g) {
  const auto count = [](int32_t& target, int64_t least, int64_t most) -> Setter {
    return [&target, least, most](const Reader& r, const toml::node& n) {
      target = static_cast<int32_t>(r.integer(n, least, most));
    };
  };
  const auto number = [](double& target, double least, double most) -> Setter {
    return [&target, least, most](const Reader& r, const toml::node& n) {
      target = r.number(n, least, most);
    };
  };
  const auto file = [](std::filesystem::path& target) -> Setter {
    return [&target](const Reader& r, const toml::node& n) { target = r.file(n); };
  };
  NgramConfig& c = g.config;
  NgramTraining& t = g.training;
  return {
      {"mix_table", file(g.mix_table)},
      {"extra_table", file(g.extra_table)},
      {"extra_weight", number(g.extra_weight, 0.0, 100.0)},
      {"characters", count(c.characters, 0, 12)},
      {"jamo_least", count(c.jamo_least, 1, 24)},
      {"jamo", count(c.jamo, 0, 24)},
      {"words", count(c.words, 0, 2)},
      {"stems", count(c.stems, 0, 2)},
      {"lookalikes",
       [&](const Reader& r, const toml::node& n) { c.lookalikes = r.boolean(n) ? 1 : 0; }},
      {"bucket_bits", count(c.bucket_bits, 8, 24)},
      {"l2", number(t.l2, 1e-9, 1e9)},
      {"naive_bayes", [&](const Reader& r, const toml::node& n) { t.naive_bayes = r.boolean(n); }},
      {"smoothing", number(t.smoothing, 1e-6, 1e6)},
      {"iterations", count(t.iterations, 1, 10000)},
      {"least_count", count(t.least_count, 1, 1'000'000)},
  };
}

Section optimizer_section(OptimizerRecipe& o) {
  const auto number = [](double& target, double least, double most) -> Setter {
    return [&target, least, most](const Reader& r, const toml::node& n) {
      target = r.number(n, least, most);
    };
  };
  return {
      {"kind",
       [&](const Reader& r, const toml::node& n) {
         o.kind = r.choice<OptimizerKind>(
             n, {{"adamw", OptimizerKind::kAdamW}, {"muon", OptimizerKind::kMuon}});
       }},
      {"learning_rate", number(o.learning_rate, 0.0, 100.0)},
      {"beta1", number(o.beta1, 0.0, 0.99999)},
      {"beta2", number(o.beta2, 0.0, 0.9999999)},
      {"epsilon", number(o.epsilon, 1e-20, 1.0)},
      {"weight_decay", number(o.weight_decay, 0.0, 100.0)},
      {"clip_norm", number(o.clip_norm, 0.0, 1e9)},
      {"momentum", number(o.momentum, 0.0, 0.9999)},
  };
}

Section schedule_section(ScheduleRecipe& s) {
  return {
      {"kind",
       [&](const Reader& r, const toml::node& n) {
         s.kind = r.choice<ScheduleKind>(n, {{"constant", ScheduleKind::kConstant},
                                             {"cosine", ScheduleKind::kCosine},
                                             {"wsd", ScheduleKind::kWarmupStableDecay}});
       }},
      {"warmup_steps",
       [&](const Reader& r, const toml::node& n) { s.warmup_steps = r.integer(n, 0); }},
      {"decay_fraction",
       [&](const Reader& r, const toml::node& n) { s.decay_fraction = r.number(n, 0.0, 1.0); }},
      {"least_ratio",
       [&](const Reader& r, const toml::node& n) { s.least_ratio = r.number(n, 0.0, 1.0); }},
  };
}

Section run_section(RunRecipe& run) {
  const auto count = [](int64_t& target, int64_t least) -> Setter {
    return [&target, least](const Reader& r, const toml::node& n) { target = r.integer(n, least); };
  };
  return {
      {"steps", count(run.steps, 0)},
      {"epochs",
       [&](const Reader& r, const toml::node& n) { run.epochs = r.number(n, 1e-6, 1e9); }},
      {"batch", count(run.batch, 1)},
      {"accumulation", count(run.accumulation, 1)},
      {"seed", [&](const Reader& r,
                   const toml::node& n) { run.seed = static_cast<uint64_t>(r.integer(n, 0)); }},
      {"threads",
       [&](const Reader& r, const toml::node& n) { run.threads = r.integer(n, 0, 1024); }},
      {"matmul",
       [&](const Reader& r, const toml::node& n) {
         run.matmul = r.choice<MatmulPrecision>(
             n, {{"f32", MatmulPrecision::kF32}, {"bf16", MatmulPrecision::kBf16}});
       }},
      {"checkpoint_activations",
       [&](const Reader& r, const toml::node& n) { run.checkpoint_activations = r.boolean(n); }},
      {"checkpoint_every", count(run.checkpoint_every, 0)},
      {"keep", count(run.keep, 1)},
      {"evaluate_every", count(run.evaluate_every, 0)},
      {"evaluate_sequences", count(run.evaluate_sequences, 0)},
      {"keep_best", [&](const Reader& r, const toml::node& n) { run.keep_best = r.boolean(n); }},
      {"sample_every", count(run.sample_every, 0)},
      {"sample_prompt",
       [&](const Reader& r, const toml::node& n) { run.sample_prompt = r.text(n); }},
      {"memory_limit_bytes", count(run.memory_limit_bytes, 0)},
      {"output", [&](const Reader& r, const toml::node& n) { run.output = r.text(n); }},
  };
}

void check_whole(const Recipe& recipe, const std::string& where) {
  const auto require = [&](bool condition, const std::string& what) {
    if (!condition) throw Error(ErrorCode::kInvalidArgument, where, what);
  };
  require(!recipe.run.output.empty(),
          "run.output is missing: the folder for checkpoints and the model");
  const DataRecipe& data = recipe.data;
  const bool shard = !data.train.empty();
  switch (recipe.objective.task) {
    case TaskKind::kText:
      require(shard != !data.conversations.empty(),
              "data needs either train (a token shard) or conversations (a corpus description)");
      break;
    case TaskKind::kMasked:
    case TaskKind::kDenoising:
      require(shard, "this task needs data.train, a token shard");
      break;
    default:
      require(!data.table.empty(), "this task needs data.table, a table of examples");
      require(!data.label_separator.empty(), "data.label_separator is empty");
  }
  require(data.pair_column.empty() || (recipe.objective.task == TaskKind::kClassification &&
                                       recipe.objective.problem != ClassifyTask::kTokens),
          "data.pair_column is for classification of whole texts");
  if (recipe.ngrams) {
    require(recipe.objective.task == TaskKind::kClassification && !recipe.adapter &&
                data.pair_column.empty() &&
                (recipe.objective.problem == ClassifyTask::kSingleLabel ||
                 recipe.objective.problem == ClassifyTask::kMultiLabel),
            "[ngrams] is for classifiers that choose labels of single texts, without an adapter");
    require(!recipe.ngrams->mix_table.empty(),
            "ngrams.mix_table is missing: texts that neither part learns from");
    recipe.ngrams->config.validate(where + ", [ngrams]");
  }
  require(recipe.run.steps > 0 || recipe.ngrams, "run.steps = 0 makes sense with [ngrams] alone");
  require(data.source_language.empty() == data.target_language.empty(),
          "data.source_language and data.target_language go together");
  const TaskKind task = recipe.objective.task;
  require(!recipe.adapter || task == TaskKind::kText || task == TaskKind::kPreference ||
              task == TaskKind::kClassification,
          "adapters are trained by the tasks text, classification and preference");
  require(!recipe.adapter || !recipe.from.empty(), "an adapter needs model.from, its base model");
  // A corrector reads characters.
  require(!recipe.from.empty() || !data.tokenizer.empty() || task == TaskKind::kCorrection,
          "data.tokenizer is missing");
  if (recipe.from.empty() && recipe.kind == ModelKind::kDecoder) recipe.model.validate(where);
}

}  // namespace

Recipe parse_recipe(const std::string& text, const std::filesystem::path& path) {
  toml::table document;
  try {
    document = toml::parse(text, path.string());
  } catch (const toml::parse_error& error) {
    throw Error(ErrorCode::kInvalidArgument,
                path.string() + ":" + std::to_string(error.source().begin.line),
                std::string(error.description()));
  }
  Recipe recipe;
  recipe.source = text;
  recipe.model.architecture = "qwen3";
  const Reader reader{path, path.parent_path()};
  AdapterConfig adapter;
  NgramRecipe ngrams;
  const std::map<std::string, Section> sections = {
      {"model", model_section(recipe)},
      {"adapter", adapter_section(adapter)},
      {"objective", objective_section(recipe.objective)},
      {"data", data_section(recipe.data)},
      {"ngrams", ngram_section(ngrams)},
      {"optimizer", optimizer_section(recipe.optimizer)},
      {"schedule", schedule_section(recipe.schedule)},
      {"run", run_section(recipe.run)}};
  for (const auto& [section_key, section_node] : document) {
    const std::string section_name(section_key.str());
    const auto section = sections.find(section_name);
    if (section == sections.end() || !section_node.is_table()) {
      reader.refuse(section_node, "unknown section [" + section_name + "]",
                    "did you mean [" + nearest(sections, section_name) + "]?");
    }
    for (const auto& [key, node] : *section_node.as_table()) {
      const std::string name(key.str());
      const auto setter = section->second.find(name);
      if (setter == section->second.end()) {
        reader.refuse(node, "unknown key '" + name + "' in [" + section_name + "]",
                      "did you mean '" + nearest(section->second, name) + "'?");
      }
      setter->second(reader, node);
    }
  }
  if (document.contains("adapter")) {
    adapter.validate(path.string() + ", [adapter]");
    recipe.adapter = adapter;
  }
  if (document.contains("ngrams")) recipe.ngrams = ngrams;
  recipe.kind = fresh_model_kind(recipe.model.architecture);
  if (recipe.kind == ModelKind::kDecoder)
    find_architecture(recipe.model.architecture, path.string()).set_family(recipe.model);
  check_whole(recipe, path.string());
  return recipe;
}

Recipe load_recipe(const std::filesystem::path& path) {
  return parse_recipe(read_file(path, uint64_t{1} << 20), path);
}

}  // namespace onmal
