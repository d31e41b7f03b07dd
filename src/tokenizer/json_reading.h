#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace onmal::json_reading {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& where, const std::string& what);
[[noreturn]] void unsupported(const std::string& where, const std::string& what);
// At most 256 MB, nested at most 32 deep.
Json parse_limited(std::string_view text, const std::string& where);
const Json& member(const Json& object, const char* key, const std::string& where);
std::string text_of(const Json& object, const char* key, const std::string& where);
// Absent or null counts as the fallback; another type is an Error.
std::string text_or(const Json& object, const char* key, const std::string& fallback,
                    const std::string& where);
bool flag_or(const Json& object, const char* key, bool fallback, const std::string& where);
int64_t integer_or(const Json& object, const char* key, int64_t fallback, const std::string& where);
// An id below 2^24.
int32_t id_of(const Json& value, const std::string& what, const std::string& where);
bool is_given(const Json& object, const char* key);

}  // namespace onmal::json_reading
