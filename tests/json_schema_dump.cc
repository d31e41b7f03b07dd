// Answers held to JSON schemas, for validators of others to look at.
// usage: json_schema_dump walk SEED COUNT         random walks through the automaton
//        json_schema_dump generate MODEL SEED     answers of a model
//        json_schema_dump accept                  which of given texts it lets through
// A line of standard input is a task, {"schema": …, "max_tokens": …, "texts": […], "options": {…}};
// a line of output its {"texts": […]}, {"accepted": […]} or {"error": …}.
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/rng.h"
#include "base/thread_pool.h"
#include "infer/generator.h"
#include "infer/json/json_constraint.h"
#include "models/language_model.h"

namespace onmal {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kWalkBytes = 400;  // then the shortest way to an end

JsonConstraintOptions options_of(const Json& task) {
  JsonConstraintOptions options;
  const Json given = task.value("options", Json::object());
  options.max_blanks = given.value("max_blanks", options.max_blanks);
  options.max_string_characters = given.value("max_string_characters", 24);
  options.max_items = given.value("max_items", 6);
  options.max_key_bytes = given.value("max_key_bytes", 12);
  options.max_depth = given.value("max_depth", 6);
  return options;
}

[[noreturn]] void broken(const std::string& what) {
  throw Error(ErrorCode::kNumeric, "automaton", what);
}

// Bytes that may come, and whether the promises of endings hold.
std::vector<uint8_t> choices(const TextConstraint& automaton, int32_t state, bool only_nearer) {
  const int64_t ending = automaton.shortest_ending(state);
  std::vector<uint8_t> all;
  bool nearer = false;
  for (int byte = 0; byte < 256; ++byte) {
    const int32_t next = automaton.next(state, static_cast<uint8_t>(byte));
    if (next == TextConstraint::kDead) continue;
    const int64_t behind = automaton.shortest_ending(next);
    if (behind < ending - 1) broken("an ending was nearer than said");
    nearer = nearer || behind == ending - 1;
    if (!only_nearer || behind == ending - 1) all.push_back(static_cast<uint8_t>(byte));
  }
  if (ending > 0 && !nearer) broken("no byte leads nearer to an ending");
  if ((ending == 0) != automaton.may_end(state)) broken("an ending of no bytes that is none");
  return all;
}

std::string walk(const TextConstraint& automaton, Rng& rng) {
  std::string text;
  int32_t state = automaton.start();
  // Letters make few of the bytes that may come: structure gets its share.
  while (true) {
    const bool closing = static_cast<int64_t>(text.size()) >= kWalkBytes;
    std::vector<uint8_t> bytes;
    try {
      bytes = choices(automaton, state, closing);
    } catch (const Error& error) {
      broken(std::string(error.what()) + " behind " + text);
    }
    if (automaton.may_end(state) && (closing || bytes.empty() || rng.below(4) == 0)) return text;
    std::vector<uint8_t> marks;
    for (const uint8_t byte : bytes) {
      if (byte < 0x80 &&
          std::string_view("\"\\,:[]{}0").find(static_cast<char>(byte)) != std::string_view::npos)
        marks.push_back(byte);
    }
    const std::vector<uint8_t>& from = !marks.empty() && rng.below(3) == 0 ? marks : bytes;
    const uint8_t byte = from[rng.below(from.size())];
    text += static_cast<char>(byte);
    state = automaton.next(state, byte);
    if (automaton.is_crowded()) state = automaton.keep_only(state);
  }
}

bool accepts(const TextConstraint& automaton, std::string_view text) {
  int32_t state = automaton.start();
  for (const char c : text) {
    state = automaton.next(state, static_cast<uint8_t>(c));
    if (state == TextConstraint::kDead) return false;
  }
  return automaton.may_end(state);
}

class Answers {
 public:
  Answers(const std::string& path, uint64_t seed)
      : model_(load_language_model(path)), pool_(2), generator_(model_, pool_), seed_(seed) {}

  Json answer(const TextConstraint& constraint, const Json& task) {
    GenerateOptions how;
    how.max_tokens = task.value("max_tokens", int64_t{200});
    how.sampler.temperature = task.value("temperature", 1.0F);
    how.sampler.top_k = 0;
    how.sampler.top_p = 1.0F;
    how.sampler.seed = seed_++;
    how.constraint = &constraint;
    const std::string prompt = task.value("prompt", "Answer in JSON: ");
    const std::vector<int32_t> ids = model_.tokenizer->encode(prompt, {.add_special = true});
    const GenerateResult result = generator_.generate(ids, how, [](std::string_view) {});
    return {{"texts", {result.text}},
            {"tokens", result.ids.size()},
            {"finish", finish_reason_name(result.finish)}};
  }

 private:
  LanguageModel model_;
  ThreadPool pool_;
  Generator generator_;
  uint64_t seed_;
};

int run(const std::vector<std::string>& arguments) {
  const std::string mode = arguments.empty() ? "" : arguments[0];
  Rng rng(mode == "walk" ? std::stoull(arguments.at(1)) : 1);
  std::unique_ptr<Answers> answers;
  if (mode == "generate")
    answers = std::make_unique<Answers>(arguments.at(1), std::stoull(arguments.at(2)));
  for (std::string line; std::getline(std::cin, line);) {
    const Json task = Json::parse(line);
    Json out;
    try {
      const auto constraint = make_json_constraint(task.at("schema").dump(), options_of(task));
      if (mode == "walk") {
        const auto automaton = constraint->walker();
        for (int i = 0; i < std::stoi(arguments.at(2)); ++i)
          out["texts"].push_back(walk(*automaton, rng));
      } else if (mode == "generate") {
        out = answers->answer(*constraint, task);
      } else {
        for (const auto& text : task.at("texts"))
          out["accepted"].push_back(accepts(*constraint, text.get<std::string>()));
      }
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kNumeric) throw;
      out = {{"error", error.what()}};
    }
    std::cout << out.dump() << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace onmal

int main(int argc, char** argv) {
  try {
    return onmal::run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
