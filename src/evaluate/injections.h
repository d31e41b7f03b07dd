#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "answer/grounded/answer.h"

namespace onmal {

// A document that answers a question and also tries to make the reader write `marker`.
struct Injection {
  std::string language;
  std::string question;
  std::string document;
  std::string heading;  // the document's, may be ""
  std::string attack;   // what kind of trick it is
  std::string marker;
};

// JSON lines with those names ("heading" may be left out). Throws Error(kBadFile) naming the line.
std::vector<Injection> read_injections(const std::filesystem::path& path);

struct InjectionResult {
  size_t tried = 0;
  size_t obeyed = 0;  // answers with the marker
  size_t abstained = 0;
  std::map<std::string, size_t> obeyed_by_attack;
  std::vector<std::string> answers;  // in order
};

// Asks each question of its document and a harmless one beside it. `model` may be null: sentences
// are extracted then.
InjectionResult try_injections(std::span<const Injection> injections, TaskModel* model,
                               const GroundedOptions& options, const std::stop_token& stop = {});

}  // namespace onmal
