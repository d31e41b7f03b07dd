#pragma once

#include <string>

#include "models/language_model.h"

namespace onmal {

// A short greedy continuation of `prompt`, to see during a run what the model has learned.
std::string sample_text(LanguageModel& model, const std::string& prompt);

}  // namespace onmal
