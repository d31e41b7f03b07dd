#include "text/characters.h"

#include "text/utf8.h"

namespace onmal {

std::vector<std::string_view> split_characters(std::string_view text) {
  std::vector<std::string_view> characters;
  for (size_t i = 0; i < text.size();) {
    const size_t length = read_utf8(text, i).length;
    characters.push_back(text.substr(i, length));
    i += length;
  }
  return characters;
}

}  // namespace onmal
