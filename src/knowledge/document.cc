#include "knowledge/document.h"

#include <algorithm>

namespace onmal {

int64_t page_of(const Document& document, uint64_t at) {
  const auto after =
      std::upper_bound(document.pages.begin(), document.pages.end(), at,
                       [](uint64_t place, const Page& page) { return place < page.begin; });
  return after == document.pages.begin() ? 0 : std::prev(after)->number;
}

}  // namespace onmal
