#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "infer/engine/engine.h"

// Only for the tests of this floor.
namespace onmal::testing {

// Keeps what it hears.
class Recorder : public EngineListener {
 public:
  explicit Recorder(bool holds = false) : holds_(holds) {}
  void on_text(std::string_view text, std::span<const SampledToken> tokens) override {
    std::unique_lock lock(mutex_);
    text_ += text;
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
    begun_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !holds_; });
  }
  void on_end(const GenerateResult& result) override {
    const std::lock_guard lock(mutex_);
    ++ends_;
    result_ = result;
    changed_.notify_all();
  }
  void on_error(const Error& error) override {
    const std::lock_guard lock(mutex_);
    ++ends_;
    error_ = error.what();
    changed_.notify_all();
  }
  // Lets the engine's thread go on.
  void release() {
    const std::lock_guard lock(mutex_);
    holds_ = false;
    changed_.notify_all();
  }
  void wait_begun() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_; });
  }
  GenerateResult wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ends_ > 0; });
    EXPECT_EQ(ends_, 1);
    return result_;
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  std::vector<SampledToken> tokens() {
    const std::lock_guard lock(mutex_);
    return tokens_;
  }
  std::string error() {
    const std::lock_guard lock(mutex_);
    return error_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool holds_, begun_ = false;
  int ends_ = 0;
  GenerateResult result_;
  std::string text_, error_;
  std::vector<SampledToken> tokens_;
};

}  // namespace onmal::testing
