#include "models/base_sample.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "models/weight_io.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

constexpr int64_t kValues = 64;  // of each part
constexpr double kLeastCosine = 0.9;

using Parts = std::vector<std::vector<float>>;

// A row of the matrix, spread over its first kValues blocks of equal width.
std::vector<float> sample_matrix(const Tensor& matrix) {
  HeapAllocator memory;
  const int64_t row = matrix.dim(0) / 2;
  const Tensor one = convert_tensor(matrix.slice(row, row + 1), DType::kF32, memory);
  std::vector<float> values;
  const int64_t width = one.elements();
  const int64_t count = std::min(width, kValues);
  for (int64_t i = 0; i < count; ++i) values.push_back(one.f32()[i * width / count]);
  return values;
}

// The token table and what writes into the residual stream: rows that no rotation reorders.
Parts sample_parts(VisitParams visit, int64_t layers) {
  Parts parts;
  const std::string last = "layers." + std::to_string(layers - 1) + ".";
  visit([&](Param& param) {
    const bool wanted = param.name == "embedding.weight" || param.name == "layers.0.down.weight" ||
                        param.name == "layers.0.output.weight" ||
                        param.name == last + "output.weight";
    if (wanted && param.shape.rank() == 2 && param.value.defined())
      parts.push_back(sample_matrix(param.value));
  });
  return parts;
}

Parts sample_parts(LanguageModel& model) {
  return sample_parts([&](ParamVisitor visitor) { model.decoder->visit(visitor); },
                      model.decoder->config().layers);
}

Parts sample_parts(EncoderModel& model) {
  return sample_parts([&](ParamVisitor visitor) { model.encoder->visit(visitor); },
                      model.encoder->config().layers);
}

Parts parse(std::string_view text, const std::string& where) {
  Parts parts(1);
  while (!text.empty()) {
    float value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto used = static_cast<size_t>(read.ptr - text.data());
    if (read.ec != std::errc() || !std::isfinite(value) || parts.size() > 16)
      throw Error(ErrorCode::kBadFile, where, "its sample of the base model is malformed");
    parts.back().push_back(value);
    const char separator = used < text.size() ? text[used] : ',';
    if (separator == ';') parts.emplace_back();
    text.remove_prefix(std::min(text.size(), used + 1));
  }
  return parts;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto x = static_cast<double>(a[i]);
    const auto y = static_cast<double>(b[i]);
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  if (aa == 0 && bb == 0) return 1;
  return aa == 0 || bb == 0 ? 0 : ab / std::sqrt(aa * bb);
}

std::string print(const Parts& parts) {
  std::string text;
  for (const std::vector<float>& part : parts) {
    if (!text.empty()) text += ';';
    for (size_t i = 0; i < part.size(); ++i) {
      char number[32];
      const int length = std::snprintf(number, sizeof number, "%s%.4g", i == 0 ? "" : ",",
                                       static_cast<double>(part[i]));
      text.append(number, static_cast<size_t>(length));
    }
  }
  return text;
}

void compare(const Parts& ours, const std::string& sample, const std::string& model,
             const std::string& where) {
  const Parts theirs = parse(sample, where);
  double least = theirs.size() == ours.size() ? 1.0 : 0.0;
  for (size_t i = 0; i < std::min(theirs.size(), ours.size()); ++i) {
    least = std::min(least, theirs[i].size() == ours[i].size() ? cosine(theirs[i], ours[i]) : 0.0);
  }
  if (least >= kLeastCosine) return;
  std::string what("was trained on another model: the weights of '");
  what.append(model).append("' are not those that it changes");
  throw Error(ErrorCode::kInvalidArgument, where, what, "use the base model it was trained on");
}

}  // namespace

std::string sample_base(LanguageModel& model) { return print(sample_parts(model)); }
std::string sample_base(EncoderModel& model) { return print(sample_parts(model)); }

void check_base(LanguageModel& model, const std::string& sample, const std::string& where) {
  compare(sample_parts(model), sample, model.path.string(), where);
}

void check_base(EncoderModel& model, const std::string& sample, const std::string& where) {
  compare(sample_parts(model), sample, model.path.string(), where);
}

}  // namespace onmal
