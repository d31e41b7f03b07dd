#include "serve/http/exchange.h"

namespace onmal {

bool Exchange::write_event(std::string_view data) {
  std::string event;
  event.reserve(data.size() + 8);
  while (true) {
    const size_t end = data.find('\n');
    event += "data: ";
    event += data.substr(0, end);
    event += '\n';
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + 1);
  }
  event += '\n';
  return write(event);
}

}  // namespace onmal
