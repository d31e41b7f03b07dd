#include "train/row_batch.h"

namespace onmal {

TrainBatch batch_of_rows(const TextRows& rows) {
  TrainBatch batch;
  batch.ids = rows.ids;
  batch.positions = rows.positions;
  batch.first_keys = rows.first_keys;
  batch.key_ends = rows.key_ends;
  batch.types = rows.types;
  batch.tokens = rows.tokens;
  for (const TextRows::Text& text : rows.texts) batch.spans.push_back({text.begin, text.end});
  return batch;
}

TextRows rows_of_batch(const TrainBatch& batch) {
  TextRows rows;
  rows.ids = batch.ids;
  rows.positions = batch.positions;
  rows.first_keys = batch.first_keys;
  rows.key_ends = batch.key_ends;
  rows.types = batch.types;
  rows.tokens = batch.tokens;
  for (const TrainBatch::Span& span : batch.spans) rows.texts.push_back({span.begin, span.end});
  return rows;
}

}  // namespace onmal
