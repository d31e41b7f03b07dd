#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace onmal {

struct JsonLimits {
  uint64_t bytes = uint64_t{256} << 20;
  int depth = 64;
};

// Receives a JSON document event by event: no tree is built, so memory stays the handler's own.
class JsonHandler {
 public:
  virtual ~JsonHandler() = default;

  // Runs over `text`. Throws Error(kBadFile) naming `where` and the byte offset.
  void parse(std::string_view text, const std::string& where, const JsonLimits& limits = {});

 protected:
  virtual void on_null() = 0;
  virtual void on_bool(bool value) = 0;
  virtual void on_int(int64_t value) = 0;
  virtual void on_unsigned(uint64_t value) = 0;  // only what int64_t cannot hold
  virtual void on_float(double value) = 0;
  virtual void on_string(std::string&& value) = 0;
  virtual void on_key(std::string&& key) = 0;
  virtual void on_begin(bool array) = 0;
  virtual void on_end(bool array) = 0;

  // Containers now open; in on_begin and on_end the one that begins or ends counts.
  int depth() const { return depth_; }
  [[noreturn]] void fail(const std::string& what, const std::string& hint = "") const;

 private:
  friend class JsonEvents;

  std::string where_;
  int depth_ = 0;
};

}  // namespace onmal
