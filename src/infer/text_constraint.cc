#include "infer/text_constraint.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace onmal {

TokenMask::TokenMask(const Tokenizer& tokenizer, const TextConstraint& constraint,
                     int64_t vocab_size, std::span<const int32_t> end_ids)
    : tokenizer_(tokenizer),
      constraint_(constraint),
      end_ids_(end_ids.begin(), end_ids.end()),
      logits_(static_cast<size_t>(vocab_size)),
      state_(constraint.start()) {}

bool TokenMask::is_special(int32_t id) const {
  return tokenizer_.is_special(id) ||
         std::find(end_ids_.begin(), end_ids_.end(), id) != end_ids_.end();
}

int32_t TokenMask::behind(int32_t state, std::string_view bytes) const {
  for (const char byte : bytes) {
    state = constraint_.next(state, static_cast<uint8_t>(byte));
    if (state == TextConstraint::kDead) return state;
  }
  return state;
}

const std::vector<int32_t>& TokenMask::forbidden(int32_t state) {
  const auto known = forbidden_.find(state);
  if (known != forbidden_.end()) return known->second;
  std::vector<int32_t> ids;
  std::vector<int32_t> special;
  const bool may_end = constraint_.may_end(state);
  const auto count = static_cast<int32_t>(logits_.size());
  for (int32_t id = 0; id < count; ++id) {
    if (is_special(id)) {
      special.push_back(id);
      continue;
    }
    const std::string_view bytes = tokenizer_.piece(id);
    // A token without text would come for ever.
    if (bytes.empty() || behind(state, bytes) == TextConstraint::kDead) ids.push_back(id);
  }
  const bool stuck = ids.size() + special.size() == logits_.size();
  if (!may_end && !stuck) ids.insert(ids.end(), special.begin(), special.end());
  return forbidden_.emplace(state, std::move(ids)).first->second;
}

std::span<const float> TokenMask::apply(std::span<const float> logits) {
  ONMAL_ASSERT(logits.size() == logits_.size());
  std::copy(logits.begin(), logits.end(), logits_.begin());
  for (const int32_t id : forbidden(state_))
    logits_[static_cast<size_t>(id)] = -std::numeric_limits<float>::infinity();
  return logits_;
}

void TokenMask::accept(int32_t id) {
  if (is_special(id)) return;
  const int32_t next = behind(state_, tokenizer_.piece(id));
  ONMAL_ASSERT(next != TextConstraint::kDead);
  state_ = next;
}

}  // namespace onmal
