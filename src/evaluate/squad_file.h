#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

struct SquadAnswer {
  std::string text;
  int64_t begin_character = 0;  // of the paragraph, in Unicode characters
};

struct SquadQuestion {
  std::string id;
  std::string question;
  std::vector<SquadAnswer> answers;  // none: the paragraph does not hold it (SQuAD 2)
  size_t paragraph = 0;              // index
};

struct SquadParagraph {
  std::string title;  // of its article
  std::string text;
};

// Questions about paragraphs, with their answers in those.
struct SquadData {
  std::vector<SquadParagraph> paragraphs;
  std::vector<SquadQuestion> questions;
};

struct SquadLimits {
  uint64_t bytes = uint64_t{256} << 20;  // unpacked
  size_t questions = 1'000'000;
  size_t answers = 64;  // of one question
};

// A file of SQuAD 1.1 or 2.0 or KorQuAD 1 (JSON; may be .gz). Throws Error(kBadFile) naming the
// byte for what is not such JSON, has no questions, or has an answer that is not in its paragraph
// at its place; Error(kResource) beyond a limit.
SquadData read_squad(const std::filesystem::path& path, const SquadLimits& limits = {});
SquadData parse_squad(std::string_view json, const std::string& where,
                      const SquadLimits& limits = {});

}  // namespace onmal
