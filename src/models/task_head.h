#pragma once

#include <string>
#include <vector>

#include "formats/metadata.h"
#include "formats/tensor_table.h"

namespace onmal {

// What a task puts upon a base model when both are saved: Hugging Face's name of the task, the
// task's own weights, its own keys of config.json.
struct TaskHead {
  std::string task;  // "ForSequenceClassification"
  std::vector<NamedTensor> tensors;
  Metadata config;
};

// "Qwen3ForCausalLM" and "GPT2LMHeadModel" with another task: "Qwen3ForSequenceClassification".
inline std::string class_for_task(std::string base, const std::string& task) {
  for (const char* ending : {"ForCausalLM", "LMHeadModel", "Model"}) {
    if (!base.ends_with(ending)) continue;
    base.resize(base.size() - std::string_view(ending).size());
    break;
  }
  return base + task;
}

}  // namespace onmal
