#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "evaluate/metric.h"
#include "infer/score.h"

namespace onmal {

// What a task that runs a model is given.
struct ModelTaskInput {
  std::filesystem::path model;
  std::filesystem::path data;
  std::filesystem::path reranker;  // of what is retrieved; "": none
  int64_t rerank_depth = 50;
  size_t limit = 0;  // items at most; 0: all
  MatmulPrecision matmul = MatmulPrecision::kF32;
  ThreadPool* pool = nullptr;
  std::function<void(size_t done, size_t total)> progress;
  std::stop_token stop;
};

// A task that a model does itself. To add one: a file in evaluate/tasks/ that returns its
// ModelTask, declared below, and a line in model_tasks(). A multiple-choice task only says how a
// row becomes a ChoiceQuestion: see tasks/kobest.cc.
struct ModelTask {
  std::string name;
  std::string description;
  std::function<std::vector<Metric>(const ModelTaskInput& input)> metrics;
  bool needs_model = true;  // false: it can do without
};

ModelTask kobest_copa_task();
ModelTask kobest_hellaswag_task();
ModelTask kobest_boolq_task();
ModelTask sentence_similarity_task();
ModelTask bits_per_byte_task();
ModelTask retrieval_task();
ModelTask dense_retrieval_task();
ModelTask grounded_qa_task();
ModelTask claims_task();

std::vector<ModelTask> model_tasks();
// Null when there is none of that name.
const ModelTask* find_model_task(const std::vector<ModelTask>& tasks, std::string_view name);

struct ChoiceQuestion {
  std::string prompt;
  std::vector<std::string> choices;  // continuations of the prompt, leading space included
  size_t answer;
};

// Which continuation the model finds likeliest: by the whole log-likelihood ("accuracy"), and by
// that divided by the continuation's bytes ("accuracy_norm"), as EleutherAI's harness does; macro
// F1 of the latter's choices. The likelihood of a continuation is the whole's less the prompt's.
std::vector<Metric> choose_by_likelihood(const ModelTaskInput& input,
                                         std::vector<ChoiceQuestion> questions);

}  // namespace onmal
