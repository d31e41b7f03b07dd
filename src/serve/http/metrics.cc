#include "serve/http/metrics.h"

#include <array>
#include <charconv>

namespace onmal {
namespace {

constexpr std::array<double, 14> kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                            0.25,  0.5,    1,     2.5,  5,     10,   60};

std::string number(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

std::string braces(std::string_view labels, std::string_view more = {}) {
  if (labels.empty() && more.empty()) return "";
  const char* comma = labels.empty() || more.empty() ? "" : ",";
  std::string text = "{";
  return text.append(labels).append(comma).append(more).append("}");
}

// One line: name, what follows it, labels, value.
void put(std::string& out, std::string_view name, std::string_view suffix, std::string_view labels,
         std::string_view value) {
  out.append(name).append(suffix).append(labels).append(" ").append(value).append("\n");
}

}  // namespace

Metrics::Family& Metrics::family(std::string_view name, std::string_view help) {
  auto found = families_.find(name);
  if (found == families_.end()) {
    found = families_.emplace(std::string(name), Family()).first;
    found->second.help = help;
  }
  return found->second;
}

void Metrics::add(std::string_view name, std::string_view help, std::string_view labels,
                  double value) {
  const std::lock_guard lock(mutex_);
  auto& counters = family(name, help).counters;
  const auto found = counters.find(labels);
  if (found != counters.end()) {
    found->second += value;
  } else {
    counters.emplace(std::string(labels), value);
  }
}

void Metrics::observe(std::string_view name, std::string_view help, std::string_view labels,
                      double seconds) {
  const std::lock_guard lock(mutex_);
  auto& histograms = family(name, help).histograms;
  auto found = histograms.find(labels);
  if (found == histograms.end()) {
    found = histograms.emplace(std::string(labels), Histogram()).first;
    found->second.buckets.resize(kBounds.size());
  }
  Histogram& histogram = found->second;
  for (size_t i = 0; i < kBounds.size(); ++i) histogram.buckets[i] += seconds <= kBounds[i] ? 1 : 0;
  histogram.sum += seconds;
  ++histogram.count;
}

void Metrics::gauge(std::string_view name, std::string_view help, std::function<double()> read) {
  const std::lock_guard lock(mutex_);
  family(name, help).gauge = std::move(read);
}

std::string Metrics::text() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    const char* type = family.gauge ? "gauge" : family.histograms.empty() ? "counter" : "histogram";
    out.append("# HELP ").append(name).append(" ").append(family.help).append("\n# TYPE ");
    out.append(name).append(" ").append(type).append("\n");
    if (family.gauge) put(out, name, "", "", number(family.gauge()));
    for (const auto& [labels, value] : family.counters)
      put(out, name, "", braces(labels), number(value));
    for (const auto& [labels, histogram] : family.histograms) {
      for (size_t i = 0; i < kBounds.size(); ++i) {
        const std::string bound = std::string("le=\"").append(number(kBounds[i])).append("\"");
        put(out, name, "_bucket", braces(labels, bound), std::to_string(histogram.buckets[i]));
      }
      const std::string count = std::to_string(histogram.count);
      put(out, name, "_bucket", braces(labels, "le=\"+Inf\""), count);
      put(out, name, "_sum", braces(labels), number(histogram.sum));
      put(out, name, "_count", braces(labels), count);
    }
  }
  return out;
}

}  // namespace onmal
