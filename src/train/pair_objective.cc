#include "train/pair_objective.h"

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "train/batch_source.h"
#include "train/fresh_model.h"

namespace onmal {
namespace {

constexpr int64_t kRoundTo = 16;  // so that few sizes of memory are asked for

struct Place {
  size_t row;
  int64_t source, target;  // where the pair begins in the row
};

struct Row {
  int64_t source = 0, target = 0;  // tokens in use
};

std::vector<Place> place_pairs(std::span<const TokenPair> pairs, int64_t length,
                               std::vector<Row>& rows) {
  std::vector<Place> places;
  for (const TokenPair& pair : pairs) {
    const auto source = static_cast<int64_t>(pair.source.size());
    const auto target = static_cast<int64_t>(pair.target.size());
    size_t row = 0;
    while (row < rows.size() &&
           (rows[row].source + source > length || rows[row].target + target > length))
      ++row;
    if (row == rows.size()) rows.emplace_back();
    places.push_back({row, rows[row].source, rows[row].target});
    rows[row].source += source;
    rows[row].target += target;
  }
  return places;
}

// Filler sees itself alone, and the first token of the source.
void fill_empty(TrainBatch& batch, int64_t width, int64_t source_width, int32_t start_id) {
  for (int64_t i = 0; i < batch.ids.elements(); ++i) {
    batch.ids.i32()[i] = start_id;
    batch.positions.i32()[i] = 0;
    batch.first_keys.i32()[i] = static_cast<int32_t>(i % width);
    batch.targets.i32()[i] = kIgnoredTarget;
    batch.source_firsts.i32()[i] = 0;
    batch.source_ends.i32()[i] = 1;
  }
  for (int64_t i = 0; i < batch.source_ids.elements(); ++i) {
    batch.source_ids.i32()[i] = start_id;
    batch.source_positions.i32()[i] = 0;
    batch.source_first_keys.i32()[i] = static_cast<int32_t>(i % source_width);
    batch.source_key_ends.i32()[i] = static_cast<int32_t>(i % source_width + 1);
  }
}

void fill_pair(const TokenPair& pair, const Place& place, int64_t width, int64_t source_width,
               int32_t start_id, TrainBatch& batch) {
  const auto source = static_cast<int64_t>(pair.source.size());
  const auto target = static_cast<int64_t>(pair.target.size());
  const auto row = static_cast<int64_t>(place.row);
  for (int64_t t = 0; t < source; ++t) {
    const int64_t i = row * source_width + place.source + t;
    batch.source_ids.i32()[i] = pair.source[static_cast<size_t>(t)];
    batch.source_positions.i32()[i] = static_cast<int32_t>(t);
    batch.source_first_keys.i32()[i] = static_cast<int32_t>(place.source);
    batch.source_key_ends.i32()[i] = static_cast<int32_t>(place.source + source);
  }
  for (int64_t t = 0; t < target; ++t) {
    const int64_t i = row * width + place.target + t;
    batch.ids.i32()[i] = t == 0 ? start_id : pair.target[static_cast<size_t>(t - 1)];
    batch.targets.i32()[i] = pair.target[static_cast<size_t>(t)];
    batch.positions.i32()[i] = static_cast<int32_t>(t);
    batch.first_keys.i32()[i] = static_cast<int32_t>(place.target);
    batch.source_firsts.i32()[i] = static_cast<int32_t>(place.source);
    batch.source_ends.i32()[i] = static_cast<int32_t>(place.source + source);
  }
  batch.counted += target;
  batch.tokens += source + target;
}

int64_t rounded(int64_t length) { return (length + kRoundTo - 1) / kRoundTo * kRoundTo; }

}  // namespace

TrainBatch pack_pairs(Allocator& memory, std::span<const TokenPair> pairs, int64_t length,
                      int32_t start_id) {
  std::vector<Row> rows;
  const std::vector<Place> places = place_pairs(pairs, length, rows);
  Row fullest;
  for (const Row& row : rows) {
    fullest.source = std::max(fullest.source, row.source);
    fullest.target = std::max(fullest.target, row.target);
  }
  const int64_t width = std::min(length, rounded(fullest.target));
  const int64_t source_width = std::min(length, rounded(fullest.source));
  const auto count = static_cast<int64_t>(rows.size());
  TrainBatch batch;
  for (Tensor* tensor : {&batch.ids, &batch.positions, &batch.first_keys, &batch.targets,
                         &batch.source_firsts, &batch.source_ends})
    *tensor = Tensor::empty(memory, Shape{count, width}, DType::kI32);
  for (Tensor* tensor : {&batch.source_ids, &batch.source_positions, &batch.source_first_keys,
                         &batch.source_key_ends})
    *tensor = Tensor::empty(memory, Shape{count, source_width}, DType::kI32);
  fill_empty(batch, width, source_width, start_id);
  for (size_t i = 0; i < pairs.size(); ++i)
    fill_pair(pairs[i], places[i], width, source_width, start_id, batch);
  return batch;
}

PairObjective::PairObjective(const Recipe& recipe)
    : task_(recipe.objective.task),
      length_(recipe.data.length),
      run_(recipe.run),
      model_(start_encoder_decoder(recipe)) {
  const EncoderDecoderConfig& config = model_.network->config();
  const int64_t most = std::min(config.encoder.max_positions, config.decoder.max_positions);
  if (length_ > most) {
    throw Error(
        ErrorCode::kInvalidArgument, "data.length",
        std::to_string(length_) + " exceeds the model's context of " + std::to_string(most));
  }
  const Tokenizer& tokenizer = *model_.tokenizer.tokenizer;
  split_ = task_ == TaskKind::kPairs
               ? read_pairs(recipe.data, tokenizer, run_.seed)
               : read_denoised(recipe.data, recipe.objective, tokenizer, run_.seed);
  if (task_ == TaskKind::kDenoising) length_ += 2;  // a sentinel a span, the end token
  double weights = static_cast<double>(config.decoder.vocab_size * config.decoder.dim) / 2;
  visit([&](const Param& param) {
    if (param.kind == ParamKind::kMatrix)
      weights += static_cast<double>(param.shape.elements()) / 2;
  });
  flops_per_token_ = 6.0 * weights;
}

// Marian's files call the logits' bias a constant, and so does their training here.
void PairObjective::visit(ParamVisitor visitor) {
  model_.network->visit([&](Param& param) {
    if (param.name != "head.bias") visitor(param);
  });
}

std::string PairObjective::fingerprint() const {
  const EncoderConfig& m = model_.network->config().decoder;
  std::ostringstream text;
  text << "pairs " << static_cast<int>(task_) << ' ' << m.vocab_size << ' ' << m.dim << ' '
       << m.layers << ' ' << m.heads << ' ' << m.ffn_dim << ' '
       << tokenizer_fingerprint(*model_.tokenizer.tokenizer) << ' ' << split_.train->pairs() << ' '
       << length_ << ' ' << run_.batch << ' ' << run_.accumulation << ' ' << run_.seed;
  return text.str();
}

TrainBatch PairObjective::make_batch(Allocator& memory, uint64_t position, int64_t count) const {
  return read_batch(*split_.train, memory, position, count);
}

TrainBatch PairObjective::read_batch(const PairSource& source, Allocator& memory, uint64_t position,
                                     int64_t count) const {
  std::vector<TokenPair> pairs;
  for (int64_t i = 0; i < count; ++i)
    pairs.push_back(source.pair(position + static_cast<uint64_t>(i)));
  return pack_pairs(memory, pairs, length_, model_.network->config().start_id);
}

CrossEntropyResult PairObjective::pair_loss(Exec& exec, const TrainBatch& batch, double normalizer,
                                            bool checkpoint_activations) const {
  const EncoderDecoder& network = *model_.network;
  DecodeInput input;
  input.ids = batch.ids;
  input.positions = batch.positions;
  input.first_keys = batch.first_keys;
  input.source =
      network.encode(exec, {batch.source_ids, batch.source_positions, batch.source_first_keys,
                            batch.source_key_ends, checkpoint_activations});
  input.source_firsts = batch.source_firsts;
  input.source_ends = batch.source_ends;
  input.checkpoint_activations = checkpoint_activations;
  return network.loss(exec, network.decode(exec, input), batch.targets, normalizer);
}

TrainLoss PairObjective::loss(Exec& exec, const TrainBatch& batch, double normalizer) const {
  return scalar_loss(exec, pair_loss(exec, batch, normalizer, run_.checkpoint_activations).loss);
}

Evaluation PairObjective::evaluate(Exec& exec, int64_t most, int64_t count) const {
  const int64_t pairs = std::min(split_.heldout->pairs(), most);
  double nats = 0;
  int64_t counted = 0;
  for (int64_t begin = 0; begin < pairs; begin += count) {
    const TrainBatch batch = read_batch(*split_.heldout, *exec.memory, static_cast<uint64_t>(begin),
                                        std::min(count, pairs - begin));
    nats += static_cast<double>(pair_loss(exec, batch, 1.0, false).loss.f32()[0]);
    counted += batch.counted;
  }
  return {{"heldout_loss", nats / static_cast<double>(std::max<int64_t>(counted, 1))}};
}

}  // namespace onmal
