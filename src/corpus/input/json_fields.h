#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "corpus/input/byte_stream.h"

namespace onmal {

// The texts that an object has under `names`, none where it has no text there; nested values are
// passed over. False for what is no JSON object or is nested beyond reason. `json` is UTF-8.
bool read_json_fields(std::string_view json, std::span<const std::string> names,
                      std::vector<std::optional<std::string>>& values);

// Every text in a JSON value, however deep, but no names. False for what is no JSON.
bool for_each_json_text(std::string_view json, FunctionRef<void(const std::string&)> take);

// The objects of a JSON list, or objects that follow one another, one at a time.
class JsonListReader {
 public:
  JsonListReader(std::unique_ptr<ByteStream> bytes, uint64_t most_object_bytes)
      : bytes_(std::move(bytes)), most_(most_object_bytes), buffer_(size_t{1} << 18) {}

  // False at the end. The object is good until the next call; of one beyond the limit, its
  // beginning. Throws Error(kBadFile), naming `where`, for an end in the middle.
  bool next(std::string_view& object, const std::string& where);
  bool was_cut() const { return cut_; }
  uint64_t offset() const { return object_at_; }
  uint64_t packed_position() const { return bytes_->packed_position(); }

 private:
  void take(char c);

  std::unique_ptr<ByteStream> bytes_;
  uint64_t most_;
  std::vector<char> buffer_;
  size_t at_ = 0, end_ = 0;
  uint64_t position_ = 0;
  uint64_t object_at_ = 0;
  std::string object_;
  uint64_t depth_ = 0;
  bool in_text_ = false, escaped_ = false, cut_ = false;
};

}  // namespace onmal
