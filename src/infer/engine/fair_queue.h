#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "infer/engine/engine.h"

namespace onmal {

struct WaitingRequest {
  Engine::RequestId id = 0;
  EngineRequest request;
  std::shared_ptr<EngineListener> listener;
};

// Requests of each client in their order; clients take turns.
class FairQueue {
 public:
  size_t size() const { return size_; }

  void push(WaitingRequest waiting) {
    std::deque<WaitingRequest>& own = by_client_[waiting.request.client];
    if (own.empty()) turns_.push_back(waiting.request.client);
    own.push_back(std::move(waiting));
    ++size_;
  }

  WaitingRequest pop() {
    const std::string client = turns_.front();
    turns_.pop_front();
    std::deque<WaitingRequest>& own = by_client_[client];
    WaitingRequest waiting = std::move(own.front());
    own.pop_front();
    --size_;
    if (own.empty()) {
      by_client_.erase(client);
    } else {
      turns_.push_back(client);
    }
    return waiting;
  }

  std::optional<WaitingRequest> remove(Engine::RequestId id) {
    for (auto& [client, own] : by_client_) {
      const auto at = std::find_if(
          own.begin(), own.end(), [id](const WaitingRequest& waiting) { return waiting.id == id; });
      if (at == own.end()) continue;
      WaitingRequest waiting = std::move(*at);
      own.erase(at);
      --size_;
      if (own.empty()) {
        turns_.erase(std::find(turns_.begin(), turns_.end(), client));
        by_client_.erase(client);
      }
      return waiting;
    }
    return std::nullopt;
  }

 private:
  std::map<std::string, std::deque<WaitingRequest>> by_client_;
  std::deque<std::string> turns_;
  size_t size_ = 0;
};

}  // namespace onmal
