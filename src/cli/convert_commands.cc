#include "cli/convert_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/json_output.h"
#include "cli/model_options.h"
#include "models/adapter.h"
#include "models/classifier.h"
#include "models/convertible_model.h"
#include "models/weight_io.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

struct ConvertOptions {
  std::string input, output;
  std::vector<std::string> adapters;  // merged into the weights
  std::string type;                   // "": as the input has it
  uint64_t part_bytes = 0;            // 0: one file
};

struct TensorError {
  std::string name;
  std::string from, to;
  double relative;  // root mean square of the error over that of the values
  double largest;
};

bool is_gguf(const fs::path& path) { return path.extension() == ".gguf"; }

uint64_t bytes_of(const fs::path& path) {
  if (!fs::is_directory(path)) return fs::file_size(path);
  uint64_t total = 0;
  for (const auto& entry : fs::directory_iterator(path)) {
    if (entry.is_regular_file()) total += entry.file_size();
  }
  return total;
}

DType parse_type(const std::string& name) {
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::optional<DType> dtype = dtype_from_name(lower);
  if (dtype && (*dtype == DType::kF32 || *dtype == DType::kF16 || *dtype == DType::kBF16 ||
                *dtype == DType::kQ8_0)) {
    return *dtype;
  }
  throw CLI::ValidationError("--type", "'" + name + "' is none of f32, f16, bf16, q8_0");
}

// The number format most of the input's matrix values are in, or the nearest the output can hold.
DType input_type(VisitParams visit, const fs::path& output) {
  int64_t counts[kDTypeCount] = {};
  visit([&](Param& param) {
    if (param.kind != ParamKind::kVector) {
      counts[static_cast<int>(param.value.dtype())] += param.value.elements();
    }
  });
  const auto dtype = static_cast<DType>(std::max_element(counts, counts + kDTypeCount) - counts);
  return is_quantized(dtype) && !is_gguf(output) ? DType::kF16 : dtype;
}

TensorError measure(const Param& param, DType dtype) {
  HeapAllocator memory;
  const Tensor before = convert_tensor(param.value, DType::kF32, memory);
  const Tensor stored = convert_tensor(param.value, dtype, memory);
  const Tensor after = convert_tensor(stored, DType::kF32, memory);
  double error = 0;
  double power = 0;
  double largest = 0;
  for (int64_t i = 0; i < before.elements(); ++i) {
    const double value = static_cast<double>(before.f32()[i]);
    const double difference = static_cast<double>(after.f32()[i]) - value;
    error += difference * difference;
    power += value * value;
    largest = std::max(largest, std::abs(difference));
  }
  return {param.name, std::string(dtype_info(param.value.dtype()).name),
          std::string(dtype_info(dtype).name), power > 0 ? std::sqrt(error / power) : 0.0, largest};
}

std::vector<TensorError> measure_all(CommandContext& context, VisitParams visit,
                                     FunctionRef<DType(const Param&)> stored_as) {
  std::vector<TensorError> errors;
  visit([&](Param& param) {
    if (context.interrupts.token().stop_requested()) {
      throw Error(ErrorCode::kCancelled, "convert", "stopped; nothing was written");
    }
    errors.push_back(measure(param, stored_as(param)));
    if (context.err_is_terminal) {
      context.err << fmt::format("\r{} tensors compared", errors.size()) << std::flush;
    }
  });
  if (context.err_is_terminal) context.err << "\n";
  return errors;
}

void print(CommandContext& context, const std::vector<fs::path>& files, DType matrices,
           uint64_t bytes_in, const std::vector<TensorError>& errors) {
  uint64_t bytes_out = 0;
  for (const fs::path& file : files) bytes_out += bytes_of(file);
  const std::string output = files.front().string();
  if (context.json) {
    Json tensors = Json::array();
    for (const TensorError& error : errors) {
      tensors.push_back({{"name", error.name},
                         {"from", error.from},
                         {"to", error.to},
                         {"relative_error", error.relative},
                         {"largest_error", error.largest}});
    }
    print_json(context, {{"output", output},
                         {"type", dtype_info(matrices).name},
                         {"bytes_in", bytes_in},
                         {"bytes_out", bytes_out},
                         {"tensors", tensors}});
    return;
  }
  const auto worst = std::max_element(
      errors.begin(), errors.end(),
      [](const TensorError& a, const TensorError& b) { return a.relative < b.relative; });
  context.out << fmt::format("{}: {} bytes ({} before), matrices {}\n", output, bytes_out, bytes_in,
                             dtype_info(matrices).name);
  if (worst != errors.end()) {
    context.out << fmt::format("largest relative error of a tensor: {:.2e} ({})\n", worst->relative,
                               worst->name);
  }
}

void merge(ConvertibleModel& model, const std::vector<std::string>& adapters) {
  LanguageModel* decoder = model.decoder();
  if (decoder == nullptr) {
    throw Error(ErrorCode::kUnsupported, model.path().string(),
                "adapters are merged into decoders only");
  }
  attach_adapters(*decoder, adapters);
  merge_adapters([&](LinearVisitor visitor) { decoder->decoder->visit_linears(visitor); },
                 *decoder->memory);
}

// A folder with a head that classifies, and what belongs to it, as another such folder.
void convert_folder(CommandContext& context, const ConvertOptions& options) {
  if (!options.adapters.empty())
    throw Error(ErrorCode::kUnsupported, options.input, "adapters are merged into decoders only");
  Classifier classifier(options.input);
  const auto visit = [&](ParamVisitor visitor) { classifier.visit(visitor); };
  const DType matrices =
      options.type.empty() ? input_type(visit, options.output) : parse_type(options.type);
  if (is_quantized(matrices))
    throw Error(ErrorCode::kInvalidArgument, options.output,
                "folders hold no " + std::string(dtype_info(matrices).name), "choose f16 or bf16");
  const std::vector<TensorError> errors = measure_all(
      context, visit, [&](const Param& param) { return stored_dtype(param, matrices); });
  save_classifier_as(classifier, options.input, options.output, matrices);
  print(context, {options.output}, matrices, bytes_of(options.input), errors);
}

void convert(CommandContext& context, const ConvertOptions& options) {
  if (!is_gguf(options.output) && is_classifier_folder(options.input))
    return convert_folder(context, options);
  DType matrices = DType::kF32;
  if (!options.type.empty()) matrices = parse_type(options.type);
  ConvertibleModel model(options.input);
  const auto visit = [&](ParamVisitor visitor) { model.visit(visitor); };
  const uint64_t bytes_in = bytes_of(model.path());
  if (options.type.empty()) matrices = input_type(visit, options.output);
  if (!options.adapters.empty()) merge(model, options.adapters);
  const std::vector<TensorError> errors = measure_all(
      context, visit, [&](const Param& param) { return model.gguf_dtype(param, matrices); });
  std::vector<fs::path> files;
  if (is_gguf(options.output)) {
    files = model.save_gguf(options.output, matrices, options.part_bytes);
  } else {
    model.save_hugging_face(options.output, matrices, options.part_bytes);
    files = {options.output};
  }
  if (const std::string problem = model.tokenizer_problem(); !problem.empty())
    context.err << fmt::format("written without a tokenizer: {}\n", problem);
  print(context, files, matrices, bytes_in, errors);
}

void add_command(CLI::App& app, CommandContext& context, const std::string& name,
                 const std::string& description, const std::string& default_type) {
  const auto options = std::make_shared<ConvertOptions>();
  options->type = default_type;
  CLI::App* command = app.add_subcommand(name, description);
  command->add_option("input", options->input, "Model file or folder")->required();
  command
      ->add_option("output", options->output,
                   "NAME.gguf, or a folder to be written as Hugging Face's libraries do")
      ->required();
  add_adapter_option(*command, options->adapters);
  command->add_option("--type", options->type,
                      "Number format of the matrices: f32, f16, bf16 or q8_0 (GGUF only)");
  command
      ->add_option("--split-max-size,--shard-size", options->part_bytes,
                   "Most bytes of a file: writes several when the model is larger (4G, 500M)")
      ->transform(CLI::AsSizeValue(false));
  command->callback([&context, options] { convert(context, *options); });
}

}  // namespace

void add_convert_commands(CLI::App& app, CommandContext& context) {
  add_command(app, context, "convert", "Turn a model into another file format", "");
}

}  // namespace onmal
