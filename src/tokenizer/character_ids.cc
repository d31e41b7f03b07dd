#include "tokenizer/character_ids.h"

#include "text/utf8.h"

namespace onmal {

std::vector<int32_t> character_ids(const Tokenizer& tokenizer, std::string_view text,
                                   int32_t unknown, int64_t limit) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < text.size() && static_cast<int64_t>(ids.size()) < limit;) {
    const size_t length = read_utf8(text, i).length;
    const int32_t id = tokenizer.find(text.substr(i, length));
    ids.push_back(id >= 0 ? id : unknown);
    i += length;
  }
  if (ids.empty()) ids.push_back(unknown);
  return ids;
}

}  // namespace onmal
