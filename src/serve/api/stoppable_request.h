#pragma once

#include <atomic>

#include "infer/engine/engine.h"

namespace onmal {

// A request that may have to stop before its number is known: an engine's thread may tell of a text
// while submit() has not returned yet. Thread-safe.
class StoppableRequest {
 public:
  void started(Engine& engine, Engine::RequestId id) {
    id_ = id;
    if (stopped_) engine.cancel(id);
  }
  void stop(Engine& engine) {
    stopped_ = true;
    if (const Engine::RequestId id = id_; id != 0) engine.cancel(id);
  }

 private:
  std::atomic<Engine::RequestId> id_{0};  // engines count from 1
  std::atomic<bool> stopped_{false};
};

}  // namespace onmal
