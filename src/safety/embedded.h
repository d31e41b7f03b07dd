#pragma once

#include <string_view>

// Files of data/ and models/moderation/ as bytes of the program (written by cmake/embed.cmake).
namespace onmal {

std::string_view embedded_lexicon();
std::string_view embedded_exceptions();
std::string_view embedded_policy();
std::string_view embedded_linear_model();  // empty where none was there

}  // namespace onmal
