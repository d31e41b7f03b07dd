// For the test against jinja2: each line of the input is {"template": …, "variables": {…}}; each
// line of the output {"text": …} or {"error": …}.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "tokenizer/jinja/json_value.h"
#include "tokenizer/jinja/template.h"

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    nlohmann::json answer;
    try {
      const auto request = nlohmann::ordered_json::parse(line);
      const onmal::jinja::Template parsed(request["template"].get<std::string>());
      std::vector<std::pair<std::string, onmal::jinja::Value>> variables;
      for (const auto& [name, value] : request["variables"].items()) {
        variables.emplace_back(name, onmal::jinja::parse_json(value.dump(), 1, "variables"));
      }
      const std::time_t now = request.value("now", std::time_t{0});
      answer["text"] = onmal::jinja::encode_text(parsed.render(variables, now));
    } catch (const onmal::Error& error) {
      answer["error"] = error.what();
    }
    std::cout << answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  }
  return std::cout.good() ? 0 : 1;
}
