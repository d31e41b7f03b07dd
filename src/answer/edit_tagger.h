#pragma once

#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "answer/task_model.h"
#include "models/classifier.h"

namespace onmal {

struct EditTaggerOptions {
  double confidence = -1;  // least probability of a change; below 0: the model's own
  int rounds = 2;          // a corrected sentence is read again, up to so many times in all
};

// A small encoder of our own that says of each character what is to be done with it
// (text/edit_labels.h): a token classifier with such labels. It changes nothing that it has no
// label for.
class EditTagger {
 public:
  // True where `path` holds such a model.
  static bool is_one(const std::filesystem::path& path);
  explicit EditTagger(const std::filesystem::path& path, const EditTaggerOptions& options = {});

  const ModelName& name() const { return name_; }
  double confidence() const { return options_.confidence; }
  // The corrected sentences. What is longer than the model reads stays from there on.
  std::vector<std::string> correct(ThreadPool& pool, std::span<const std::string> sentences,
                                   const std::stop_token& stop = {}) const;

 private:
  std::vector<std::string> correct_once(ThreadPool& pool, std::span<const std::string> sentences,
                                        const std::stop_token& stop) const;

  Classifier classifier_;
  EditTaggerOptions options_;
  ModelName name_;
  int32_t unknown_;
};

}  // namespace onmal
