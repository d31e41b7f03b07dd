#include "models/adapter.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/thread_pool.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

constexpr const char* kRoles[] = {"query", "key", "value", "output", "gate", "up", "down"};
constexpr int64_t kMostRank = 65536;

// What little there is to compute when adapters are attached or merged.
struct Workshop {
  ThreadPool pool{1};
  Backend backend = make_cpu_backend();
  CachingAllocator memory;
  Exec exec{&pool, &memory, &backend};
};

Tensor copy_to(Allocator& memory, const Tensor& tensor) {
  const Tensor copy = Tensor::empty(memory, tensor.shape());
  std::copy_n(tensor.f32(), copy.elements(), copy.f32());
  return copy;
}

void fill_fresh(LowRank& change, const Tensor& weight, Allocator& memory, Rng& rng,
                Workshop& workshop) {
  change.down.value = Tensor::empty(memory, change.down.shape);
  const double bound = 1.0 / std::sqrt(static_cast<double>(change.down.shape.dim(1)));
  for (int64_t i = 0; i < change.down.value.elements(); ++i)
    change.down.value.f32()[i] = static_cast<float>(bound * (2.0 * rng.uniform() - 1.0));
  change.up.value = Tensor::zeros(memory, change.up.shape);
  if (!change.has_magnitudes()) return;
  const Tensor inverse =
      inverse_row_lengths(workshop.exec, weight, change.down.value, change.up.value, change.scale);
  change.magnitude.value = Tensor::empty(memory, change.magnitude.shape);
  std::transform(inverse.f32(), inverse.f32() + inverse.elements(), change.magnitude.value.f32(),
                 [](float value) { return 1.0F / value; });
}

}  // namespace

double AdapterConfig::scale() const {
  const auto r = static_cast<double>(rank);
  return rank_stabilized ? alpha / std::sqrt(r) : alpha / r;
}

void AdapterConfig::validate(const std::string& where) const {
  if (rank < 1 || rank > kMostRank) {
    throw Error(ErrorCode::kInvalidArgument, where,
                "an adapter of rank " + std::to_string(rank) + " makes no sense");
  }
  if (!std::isfinite(alpha) || alpha <= 0.0)
    throw Error(ErrorCode::kInvalidArgument, where, "alpha must be a number above 0");
  for (const std::string& target : targets) {
    if (std::find(std::begin(kRoles), std::end(kRoles), target) == std::end(kRoles)) {
      throw Error(ErrorCode::kInvalidArgument, where, "unknown target '" + target + "'",
                  "known ones: query, key, value, output, gate, up, down");
    }
  }
}

std::string layer_role(const LinearLayer& layer) {
  const std::string& name = layer.weight.name;
  const size_t end = name.rfind('.');
  const size_t begin = name.rfind('.', end - 1);
  return name.substr(begin + 1, end - begin - 1);
}

void attach_adapter(VisitLinears visit, const AdapterConfig& config, Allocator& memory, Rng& rng,
                    const std::string& where) {
  config.validate(where);
  Workshop workshop;
  bool any = false;
  visit([&](LinearLayer& layer) {
    const std::string role = layer_role(layer);
    if (std::find(config.targets.begin(), config.targets.end(), role) == config.targets.end())
      return;
    const std::string& name = layer.weight.name;
    LowRank change(name.substr(0, name.rfind('.')), layer.weight.shape.dim(1),
                   layer.weight.shape.dim(0), config.rank, static_cast<float>(config.scale()),
                   config.dora);
    fill_fresh(change, layer.weight.value, memory, rng, workshop);
    layer.changes.push_back(std::move(change));
    any = true;
  });
  if (any) return;
  throw Error(ErrorCode::kInvalidArgument, where, "the model has none of the adapter's targets",
              "name some of query, key, value, output, gate, up, down");
}

void visit_adapter(VisitLinears visit, ParamVisitor visitor) {
  visit([&](LinearLayer& layer) {
    if (!layer.changes.empty()) layer.changes.back().visit(visitor);
  });
}

void switch_adapters(VisitLinears visit, bool active) {
  visit([&](LinearLayer& layer) {
    for (LowRank& change : layer.changes) change.active = active;
  });
}

void merge_adapters(VisitLinears visit, Allocator& memory) {
  Workshop workshop;
  visit([&](LinearLayer& layer) {
    for (const LowRank& change : layer.changes)
      layer.weight.value = copy_to(memory, change.merged(workshop.exec, layer.weight.value));
    layer.changes.clear();
  });
}

}  // namespace onmal
