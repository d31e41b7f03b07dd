#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <unordered_set>
#include <vector>

#include "infer/engine/page_store.h"
#include "infer/engine/pass_runner.h"
#include "infer/engine/prefix_tree.h"
#include "infer/engine/sequence.h"

namespace onmal {

// Which tokens of which sequences are computed in each pass, and whose pages they lie in. Belongs
// to the engine's thread.
//
// A pass takes one token of each sequence that writes and up to `prefill_chunk` of the prompts of
// those that read, in equal shares. A sequence begins when the pages that its prompt still needs
// are free or held by the tree alone; while it writes, it takes pages one by one. When none is
// left, the sequence that came last gives all of its own up, and its prompt and answer are computed
// again later, as far as they are not found in the tree. (Keeping pages for the longest answer that
// a request allows would leave most of them empty.) The sequence that came first is never
// interrupted, and the pool has room for one full context, so that each ends.
class Scheduler {
 public:
  // `store`: where pages go that there is no room for, and are looked for; or null.
  Scheduler(PassRunner& runner, int64_t most_running, int64_t prefill_chunk,
            std::unique_ptr<PageStore> store = nullptr);

  // Of the listener's result and of what was computed; see EngineStats.
  struct Counters {
    int64_t prompt_tokens = 0;
    int64_t cached_tokens = 0;
    int64_t decoded_tokens = 0;
    int64_t passes = 0;
    int64_t preempted = 0;
    double prefill_seconds = 0;
    double decode_seconds = 0;
  };
  const Counters& counters() const { return counters_; }

  size_t size() const { return running_.size() + stalled_.size(); }
  bool takes_more() const {
    return stalled_.empty() && static_cast<int64_t>(running_.size()) < most_running_;
  }
  void add(std::unique_ptr<Sequence> sequence);
  void cancel(const std::unordered_set<Engine::RequestId>& ids);
  // Cancels all; the store gets what the tree still has.
  void cancel_all();
  // One forward pass, and what comes of it.
  void pass();

  const PrefixTree& tree() const { return tree_; }

 private:
  void begin_stalled();
  bool has_pages_for(const Sequence& sequence) const;
  void take_cached(Sequence& sequence);
  void take_stored(Sequence& sequence);
  void take_copy(Sequence& sequence, const PrefixTree::Match& match);
  std::optional<int32_t> take_page();
  // Makes room for up to `tokens` more; returns for how many there is.
  int64_t make_room(Sequence& sequence, int64_t tokens);
  bool is_computed_beside(size_t index) const;
  void choose_writers();
  void choose_readers();
  void preempt_last();
  void add_stretch(Sequence& sequence, int64_t tokens);
  void compute();
  void deliver(std::span<const float> logits);
  void remember(Sequence& sequence, bool with_part);
  void end(Sequence& sequence);

  PassRunner& runner_;
  PagePool& pages_;
  PrefixTree tree_;
  std::unique_ptr<PageStore> store_;
  int64_t most_running_;
  int64_t prefill_chunk_;
  std::vector<std::unique_ptr<Sequence>> running_;  // in the order in which they began
  std::deque<std::unique_ptr<Sequence>> stalled_;   // wait for pages; the first begins first
  // Of the pass under way:
  std::vector<PassRunner::Stretch> stretches_;
  std::vector<Sequence*> taking_part_;  // by stretch
  std::unordered_set<const Sequence*> ended_;
  Counters counters_;
};

}  // namespace onmal
