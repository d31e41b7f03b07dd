#pragma once

#include "models/text_rows.h"
#include "train/objective.h"

namespace onmal {

// What goes in of a batch of packed texts: ids, places, masks and where each text stands. What is
// to be learned is the objective's own.
TrainBatch batch_of_rows(const TextRows& rows);
// The inverse.
TextRows rows_of_batch(const TrainBatch& batch);

}  // namespace onmal
