#pragma once

#include <string>
#include <string_view>

#include "safety/moderator.h"

namespace onmal {

struct ModerationStreamOptions {
  // The text is checked each time that many characters have come: a text that must stop is stopped
  // at most that many characters after the check could know.
  size_t check_every = 24;
  // Bytes at the end that are kept back until more has come, so that no word that is blocked or
  // covered was shown in part before: enough for ten syllables, as long as the longest root is,
  // written as jamo of three bytes each.
  size_t hold_bytes = 96;
  size_t context_bytes = 1024;  // of what was shown already that a check looks back at
  bool cover = true;            // false: what is to be rewritten stays, only blocking stops it
};

// Checks a text while it is written. What feed() gives out has been checked; once it has stopped,
// nothing more comes.
class ModerationStream {
 public:
  // `moderator` must outlive it.
  ModerationStream(const Moderator& moderator, Place place, ModerationStreamOptions options = {})
      : moderator_(moderator), place_(place), options_(options) {}

  // Takes the next bytes and gives out what may be shown, covered where the policy says so.
  std::string feed(std::string_view bytes);
  // No more will come: the rest.
  std::string finish();

  bool stopped() const { return stopped_; }
  // The strongest action so far, and the scores of the check that led to it.
  const ModerationResult& result() const { return result_; }

 private:
  std::string check(bool last);

  const Moderator& moderator_;
  Place place_;
  ModerationStreamOptions options_;
  std::string shown_;     // the end of what was given out, as it was written
  std::string waiting_;   // not given out yet
  size_t unchecked_ = 0;  // characters since the last check
  bool stopped_ = false;
  ModerationResult result_;
};

}  // namespace onmal
