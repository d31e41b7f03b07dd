#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// Counters and histograms in Prometheus' text format, version 0.0.4. Labels are written as they are
// to appear, `route="/healthz",status="200"`, and must come from small sets. Thread-safe.
class Metrics {
 public:
  // Counters end in _total. The first help text of a name counts.
  void add(std::string_view name, std::string_view help, std::string_view labels, double value);
  // A histogram of seconds.
  void observe(std::string_view name, std::string_view help, std::string_view labels,
               double seconds);
  // A number asked for when metrics are read; must not wait.
  void gauge(std::string_view name, std::string_view help, std::function<double()> read);

  std::string text() const;

 private:
  struct Histogram {
    std::vector<uint64_t> buckets;
    double sum = 0;
    uint64_t count = 0;
  };
  struct Family {
    std::string help;
    std::map<std::string, double, std::less<>> counters;
    std::map<std::string, Histogram, std::less<>> histograms;
    std::function<double()> gauge;
  };
  Family& family(std::string_view name, std::string_view help);

  mutable std::mutex mutex_;
  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace onmal
