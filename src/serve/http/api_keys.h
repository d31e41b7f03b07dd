#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "serve/http/message.h"

namespace onmal {

// Who holds which key. The file has a line a key, "sha256:HEX ROLE NAME"; keys themselves are
// random and nowhere stored, so that a plain hash keeps them.
class ApiKeys {
 public:
  struct Holder {
    std::string name;
    Role role = Role::kUser;
  };

  ApiKeys() = default;
  // Throws Error(kIo), and Error(kBadFile) naming the line.
  explicit ApiKeys(const std::filesystem::path& file);

  bool empty() const { return holders_.empty(); }
  std::optional<Holder> find(std::string_view key) const;

  // Makes a key for `name`, adds its hash to the file (made where there is none, for its owner's
  // eyes alone) and returns it: it is shown once. Throws Error(kInvalidArgument) for a name with
  // blanks or one that is taken.
  static std::string add(const std::filesystem::path& file, const std::string& name, Role role);

 private:
  std::unordered_map<std::string, Holder> holders_;  // by hash, hexadecimal
};

// SHA-256 in hexadecimal.
std::string sha256_hex(std::string_view bytes);

}  // namespace onmal
