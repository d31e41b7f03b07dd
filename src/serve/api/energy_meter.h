#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace onmal {

// The energy of the machine's processors (Linux powercap, RAPL: all packages), where it may be
// read, else what the operator says they draw times the time; never the one passed off as the
// other. Uses that are open at a time share what is drawn meanwhile in equal parts, so that the sum
// of their joules is what was drawn while any was open. Thread-safe.
class EnergyMeter {
 public:
  // `stated_watts`: what to reckon with where there is no counter; 0: nothing is known then.
  explicit EnergyMeter(double stated_watts,
                       const std::filesystem::path& counters = "/sys/class/powercap");
  std::string_view source() const;  // "measured", "estimated", "unknown"

 private:
  struct Counter {
    std::filesystem::path file;
    uint64_t wraps_at = 0;  // microjoules
    uint64_t last = 0;
  };
  struct State {
    std::mutex mutex;
    std::vector<Counter> counters;
    double stated_watts = 0;
    std::chrono::steady_clock::time_point then;
    int64_t open = 0;
    double joules_each = 0;  // of a use that has been open all along

    double drawn();
    void advance();
  };

 public:
  // What one request takes, from its making on.
  class Use {
   public:
    explicit Use(EnergyMeter& meter);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    // Ends it; the same again later. None where nothing is known.
    std::optional<double> joules();

   private:
    std::shared_ptr<State> state_;
    double begin_ = 0;
    std::optional<double> joules_;
    bool open_ = true;
  };

 private:
  std::shared_ptr<State> state_;
};

}  // namespace onmal
