#pragma once

#include <cstdint>
#include <vector>

namespace onmal {

enum class CharClass : uint8_t { kOther, kLetter, kNumber, kSpace };

// Which characters are letters (\p{L}), numbers (\p{N}) or white space (\s of Unicode regular
// expressions), from ICU. A value of about 1 MB: one per tokenizer.
class CharClasses {
 public:
  CharClasses();

  CharClass of(uint32_t code) const {
    return code < table_.size() ? table_[code] : CharClass::kOther;
  }

  // \d: digits of the decimal systems.
  bool is_decimal(uint32_t code) const;

 private:
  std::vector<CharClass> table_;
};

}  // namespace onmal
