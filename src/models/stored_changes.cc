#include "models/stored_changes.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/thread_pool.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

// Lengths of the rows of a map that DoRA leaves as it is [out, 1].
Tensor row_lengths(const LinearLayer& layer, Allocator& memory) {
  ThreadPool pool(1);
  const Backend backend = make_cpu_backend();
  CachingAllocator scratch;
  Exec exec{&pool, &scratch, &backend};
  const Shape& shape = layer.weight.shape;
  const Tensor none_down = Tensor::zeros(scratch, Shape{1, shape.dim(1)});
  const Tensor none_up = Tensor::zeros(scratch, Shape{shape.dim(0), 1});
  const Tensor inverse = inverse_row_lengths(exec, layer.weight.value, none_down, none_up, 1.0F);
  const Tensor lengths = Tensor::empty(memory, Shape{shape.dim(0), 1});
  std::transform(inverse.f32(), inverse.f32() + inverse.elements(), lengths.f32(),
                 [](float value) { return 1.0F / value; });
  return lengths;
}

class ChangeStorer {
 public:
  ChangeStorer(const LanguageModel& model, const WeightNames& names, RopeStyle theirs,
               const std::string& where, Allocator& memory)
      : model_(model), names_(names), theirs_(theirs), where_(where), memory_(memory) {}

  void add(const LinearLayer& layer) {
    const DecoderConfig& config = model_.decoder->config();
    const StoredPlace place = find_place(names_, config, layer.weight.name);
    if (place.is_part()) {
      std::vector<Part>& parts = parts_[place.name];
      parts.push_back({&layer, place.rule});
      if (is_last_part(*place.rule)) join(place.name, parts);
      return;
    }
    if (layer.changes.empty()) return;
    require_place(place, config, layer, where_);
    const LowRank& change = layer.changes.back();
    StoredChange stored{
        place.name, place.rule->transposed, change.down.value, ordered(layer, change.up.value), {}};
    if (change.has_magnitudes())
      stored.magnitude = ordered(layer, column_of(change)).reshaped(change.magnitude.shape);
    stored_.push_back(std::move(stored));
  }

  std::vector<StoredChange> take() { return std::move(stored_); }

 private:
  struct Part {
    const LinearLayer* layer;
    const WeightRule* rule;
  };

  Tensor ordered(const LinearLayer& layer, const Tensor& rows) const {
    return order_rows(model_, layer, rows, model_.decoder->config().rope_style, theirs_, memory_);
  }

  static Tensor column_of(const LowRank& change) {
    return change.magnitude.value.reshaped(Shape{change.magnitude.value.elements(), 1});
  }

  void join(const std::string& name, const std::vector<Part>& parts) {
    int64_t rank = 0;
    bool with_magnitudes = false;
    for (const Part& part : parts) {
      if (part.layer->changes.empty()) continue;
      rank += part.layer->changes.back().down.value.dim(0);
      with_magnitudes = with_magnitudes || part.layer->changes.back().has_magnitudes();
    }
    if (rank == 0) return;
    const int64_t rows = fused_rows(model_.decoder->config(), *parts.front().rule);
    const int64_t in = parts.front().layer->weight.shape.dim(1);
    StoredChange stored{name,
                        parts.front().rule->transposed,
                        Tensor::empty(memory_, Shape{rank, in}),
                        Tensor::zeros(memory_, Shape{rows, rank}),
                        {}};
    if (with_magnitudes) stored.magnitude = Tensor::empty(memory_, Shape{rows, 1});
    int64_t column = 0;
    for (const Part& part : parts) column = put(part, column, stored);
    if (with_magnitudes) stored.magnitude = stored.magnitude.reshaped(Shape{rows});
    stored_.push_back(std::move(stored));
  }

  // A part's block; returns where the next one begins.
  int64_t put(const Part& part, int64_t column, const StoredChange& stored) {
    const DecoderConfig& config = model_.decoder->config();
    const LinearLayer& layer = *part.layer;
    const bool changed = !layer.changes.empty();
    if (stored.magnitude.defined()) {
      const bool own = changed && layer.changes.back().has_magnitudes();
      const Tensor lengths = own ? column_of(layer.changes.back()) : row_lengths(layer, memory_);
      put_part(config, *part.rule, ordered(layer, lengths), stored.magnitude);
    }
    if (!changed) return column;
    const LowRank& change = layer.changes.back();
    const int64_t rank = change.down.value.dim(0);
    const int64_t whole = stored.up.dim(1);
    std::copy_n(change.down.value.f32(), change.down.value.elements(),
                stored.down.f32() + column * stored.down.dim(1));
    const Tensor up = ordered(layer, change.up.value);
    const Tensor spread = Tensor::zeros(memory_, Shape{up.dim(0), whole});
    for (int64_t row = 0; row < up.dim(0); ++row)
      std::copy_n(up.f32() + row * rank, rank, spread.f32() + row * whole + column);
    put_part(config, *part.rule, spread, stored.up);
    return column + rank;
  }

  const LanguageModel& model_;
  const WeightNames& names_;
  RopeStyle theirs_;
  const std::string& where_;
  Allocator& memory_;
  std::map<std::string, std::vector<Part>> parts_;  // by stored name; the last one closes them
  std::vector<StoredChange> stored_;
};

}  // namespace

void require_place(const StoredPlace& place, const DecoderConfig& config, const LinearLayer& layer,
                   const std::string& where) {
  if (place.rule != nullptr) return;
  throw Error(
      ErrorCode::kUnsupported, where,
      "files of '" + config.architecture + "' models have no place for '" + layer.weight.name + "'",
      "leave it out of the adapter's targets");
}

Tensor order_rows(const LanguageModel& model, const LinearLayer& layer, const Tensor& rows,
                  RopeStyle from, RopeStyle to, Allocator& memory) {
  const DecoderConfig& config = model.decoder->config();
  const std::string role = layer_role(layer);
  if (config.position != PositionKind::kRope || from == to || (role != "query" && role != "key"))
    return rows;
  return reorder_heads(rows, config.head_dim, from, memory);
}

std::vector<StoredChange> store_changes(LanguageModel& model, const WeightNames& names,
                                        RopeStyle theirs, const std::string& where,
                                        Allocator& memory) {
  ChangeStorer storer(model, names, theirs, where, memory);
  model.decoder->visit_linears([&](LinearLayer& layer) { storer.add(layer); });
  return storer.take();
}

}  // namespace onmal
