#include "cli/quantize_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/timer.h"
#include "cli/json_output.h"
#include "models/convertible_model.h"
#include "quantize/quantize_model.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string input, output;
  std::string type = "q8_0";
  std::string importance;
  bool pure = false;
};

uint64_t bytes_of(const fs::path& path) {
  if (!fs::is_directory(path)) return fs::file_size(path);
  uint64_t total = 0;
  for (const auto& entry : fs::directory_iterator(path)) {
    if (entry.is_regular_file()) total += entry.file_size();
  }
  return total;
}

// A Hugging Face folder is turned into GGUF beside the output first.
class InputFile {
 public:
  InputFile(const fs::path& input, const fs::path& output) : path_(input) {
    if (!fs::exists(input)) {
      throw Error(ErrorCode::kIo, input.string(), "there is no such file or folder",
                  "check the path");
    }
    if (input.extension() == ".gguf" && !fs::is_directory(input)) return;
    ConvertibleModel model(input);
    path_ = model.path();
    if (path_.extension() == ".gguf" && !fs::is_directory(path_)) return;
    temporary_ = output;
    temporary_ += ".whole-" + std::to_string(::getpid()) + ".gguf";
    model.save_gguf(temporary_, widest(model), 0);
  }
  ~InputFile() {
    std::error_code ignored;
    if (!temporary_.empty()) fs::remove(temporary_, ignored);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const fs::path& gguf() const { return temporary_.empty() ? path_ : temporary_; }
  const fs::path& path() const { return path_; }

 private:
  // A format that loses nothing of the stored matrices.
  static DType widest(ConvertibleModel& model) {
    std::optional<DType> common;
    bool mixed = false;
    model.visit([&](Param& param) {
      if (param.kind == ParamKind::kVector) return;
      mixed = mixed || (common && *common != param.value.dtype());
      common = param.value.dtype();
    });
    const bool plain = common == DType::kF16 || common == DType::kBF16;
    return plain && !mixed ? *common : DType::kF32;
  }

  fs::path path_;
  fs::path temporary_;
};

const QuantizeRecipe& parse_type(const std::string& name) {
  const QuantizeRecipe* recipe = find_recipe(name);
  if (recipe == nullptr) {
    throw CLI::ValidationError("--type", "'" + name + "' is none of " + recipe_names());
  }
  return *recipe;
}

void print(CommandContext& context, const Options& options, const QuantizeRecipe& recipe,
           uint64_t bytes_in, const std::vector<QuantizedTensor>& tensors) {
  const uint64_t bytes_out = bytes_of(options.output);
  if (context.json) {
    Json list = Json::array();
    for (const QuantizedTensor& tensor : tensors) {
      list.push_back({{"name", tensor.name},
                      {"from", dtype_info(tensor.from).name},
                      {"to", dtype_info(tensor.to).name},
                      {"relative_error", tensor.relative_error},
                      {"largest_error", tensor.largest_error},
                      {"weighted", tensor.weighted},
                      {"fallback", tensor.to != tensor.wanted}});
    }
    print_json(context, {{"output", options.output},
                         {"type", recipe.name},
                         {"bytes_in", bytes_in},
                         {"bytes_out", bytes_out},
                         {"tensors", list}});
    return;
  }
  int64_t values = 0;
  for (const QuantizedTensor& tensor : tensors) values += tensor.elements;
  context.out << fmt::format("{}: {} bytes ({} before), {}, {:.2f} bits per weight\n",
                             options.output, bytes_out, bytes_in, recipe.name,
                             8.0 * static_cast<double>(bytes_out) / static_cast<double>(values));
  const auto worst = std::max_element(tensors.begin(), tensors.end(),
                                      [](const QuantizedTensor& a, const QuantizedTensor& b) {
                                        return a.relative_error < b.relative_error;
                                      });
  if (worst != tensors.end()) {
    context.out << fmt::format("largest relative error of a tensor: {:.2e} ({}, {})\n",
                               worst->relative_error, worst->name, dtype_info(worst->to).name);
  }
}

// Said once for each pair of formats.
void print_fallbacks(CommandContext& context, const std::vector<QuantizedTensor>& tensors) {
  std::vector<std::pair<DType, DType>> said;
  for (const QuantizedTensor& tensor : tensors) {
    const std::pair pair(tensor.wanted, tensor.to);
    if (tensor.to == tensor.wanted || std::find(said.begin(), said.end(), pair) != said.end()) {
      continue;
    }
    said.push_back(pair);
    const auto count = std::count_if(tensors.begin(), tensors.end(), [&](const auto& other) {
      return other.wanted == pair.first && other.to == pair.second;
    });
    context.err << fmt::format(
        "{} tensors ({} …) are {} instead of {}: blocks of {} do not divide "
        "their rows\n",
        count, tensor.name, dtype_info(tensor.to).name, dtype_info(tensor.wanted).name,
        dtype_info(tensor.wanted).block_size);
  }
}

void quantize(CommandContext& context, const Options& options) {
  const QuantizeRecipe& recipe = parse_type(options.type);
  if (fs::path(options.output).extension() != ".gguf") {
    throw CLI::ValidationError("output", "must be a .gguf file; 'onmal convert' writes folders");
  }
  std::optional<ImportanceMatrix> importance;
  if (!options.importance.empty()) importance = read_importance(options.importance);
  const InputFile input(options.input, options.output);
  const uint64_t bytes_in = bytes_of(input.path());
  QuantizeOptions how;
  how.recipe = &recipe;
  how.pure = options.pure;
  how.importance = importance ? &*importance : nullptr;
  how.importance_name = fs::path(options.importance).filename().string();
  ThreadPool pool(context.threads);
  size_t done = 0;
  const auto progress = [&](const QuantizedTensor& tensor, size_t all) {
    ++done;
    if (!context.err_is_terminal) return;
    context.err << fmt::format("\r{} of {} tensors: {} {}\x1b[K", done, all, tensor.name,
                               dtype_info(tensor.to).name)
                << std::flush;
  };
  const std::vector<QuantizedTensor> tensors =
      quantize_gguf(input.gguf(), options.output, how, pool, progress, context.interrupts.token());
  if (context.err_is_terminal) context.err << "\n";
  print_fallbacks(context, tensors);
  print(context, options, recipe, bytes_in, tensors);
}

}  // namespace

void add_quantize_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("quantize", "Make a model smaller");
  command->add_option("input", options->input, "Model file or folder")->required();
  command->add_option("output", options->output, "NAME.gguf")->required();
  command->add_option("--type", options->type, "Number format: " + recipe_names())
      ->capture_default_str();
  command->add_flag("--pure", options->pure, "The same format for every matrix");
  command->add_option("--imatrix", options->importance,
                      "Importance matrix (of 'onmal imatrix' or llama.cpp) to weigh errors with");
  command->callback([&context, options] { quantize(context, *options); });
}

}  // namespace onmal
