#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "safety/encoder_scores.h"
#include "safety/linear_classifier.h"
#include "safety/moderation_stream.h"
#include "safety/moderator.h"

namespace {

using namespace onmal;

void try_to(auto what) {
  try {
    what();
  } catch (const Error&) {
  }
}

// Spans lie within the text, and a stream gives out no more than it took.
void check_text(const Moderator& moderator, const std::string& text) {
  const ModerationResult result = moderator.check(text, Place::kAnswer);
  for (const ModerationSpan& span : result.spans)
    if (span.begin >= span.end || span.end > text.size()) std::abort();
  cover_spans(text, result.spans);
  ModerationStream stream(moderator, Place::kAnswer);
  for (size_t at = 0; at < text.size(); at += 5) stream.feed(text.substr(at, 5));
  stream.finish();
}

}  // namespace

// Any bytes are a policy, a lexicon, a calibration, a small model, or an Error; and a text.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try_to([&] { Policy::parse(text, "fuzz.toml"); });
  try_to([&] { Lexicon(text, text); });
  try_to([&] { parse_calibration(text, "fuzz.json"); });
  try_to([&] { LinearClassifier::parse(text, "fuzz.linear"); });
  static const Moderator moderator(Lexicon::standard(), Policy::standard());  // takes long to make
  check_text(moderator, text);
  return 0;
}
