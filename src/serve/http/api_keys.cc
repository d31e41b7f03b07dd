#include "serve/http/api_keys.h"

#include <openssl/rand.h>

#include <array>
#include <span>
#include <sstream>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"

namespace onmal {
namespace {

constexpr uint64_t kMostKeyFileBytes = uint64_t{16} << 20;
constexpr size_t kKeyBytes = 32;

std::string hexadecimal(const unsigned char* bytes, size_t size) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  Sha256 sum;
  sum.add(std::as_bytes(std::span(bytes)));
  return sum.finish();
}

ApiKeys::ApiKeys(const std::filesystem::path& file) {
  std::istringstream lines(read_file(file, kMostKeyFileBytes));
  std::string line;
  for (size_t number = 1; std::getline(lines, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string hash, role, name, more;
    words >> hash >> role >> name;
    const bool whole = hash.starts_with("sha256:") && hash.size() == 7 + 64 && !name.empty() &&
                       !(words >> more) && (role == "user" || role == "admin");
    if (!whole) {
      throw Error(ErrorCode::kBadFile, file.string() + ", line " + std::to_string(number),
                  "is no key", "write 'sha256:HEX user|admin NAME', or let --new-key do it");
    }
    holders_[hash.substr(7)] = {name, role == "admin" ? Role::kAdmin : Role::kUser};
  }
}

std::optional<ApiKeys::Holder> ApiKeys::find(std::string_view key) const {
  const auto found = holders_.find(sha256_hex(key));
  if (found == holders_.end()) return std::nullopt;
  return found->second;
}

std::string ApiKeys::add(const std::filesystem::path& file, const std::string& name, Role role) {
  if (name.empty() || name.find_first_of(" \t\r\n") != std::string::npos)
    throw Error(ErrorCode::kInvalidArgument, "key name", "is one word, not '" + name + "'");
  std::string text;
  if (std::filesystem::exists(file)) {
    for (const auto& [hash, holder] : ApiKeys(file).holders_) {
      if (holder.name == name)
        throw Error(ErrorCode::kInvalidArgument, file.string(), "has a key for " + name,
                    "choose another name, or remove its line first");
    }
    text = read_file(file, kMostKeyFileBytes);
    if (!text.empty() && text.back() != '\n') text += '\n';
  }
  std::array<unsigned char, kKeyBytes> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    throw Error(ErrorCode::kResource, "random numbers", "the system gave none");
  const std::string key = "sk-onmal-" + hexadecimal(random.data(), random.size());
  text += "sha256:" + sha256_hex(key) + (role == Role::kAdmin ? " admin " : " user ") + name + "\n";
  write_file(file, text);
  std::filesystem::permissions(
      file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  return key;
}

}  // namespace onmal
