#include "serve/api/energy_meter.h"

#include <fstream>
#include <string>

namespace onmal {
namespace {

constexpr int kMostPackages = 64;

std::optional<uint64_t> read_number(const std::filesystem::path& file) {
  std::ifstream in(file);
  uint64_t value = 0;
  if (in >> value) return value;
  return std::nullopt;
}

}  // namespace

EnergyMeter::EnergyMeter(double stated_watts, const std::filesystem::path& counters)
    : state_(std::make_shared<State>()) {
  state_->stated_watts = stated_watts;
  state_->then = std::chrono::steady_clock::now();
  for (int package = 0; package < kMostPackages; ++package) {
    const auto folder = counters / ("intel-rapl:" + std::to_string(package));
    const auto value = read_number(folder / "energy_uj");
    if (!value) break;
    state_->counters.push_back(
        {folder / "energy_uj", read_number(folder / "max_energy_range_uj").value_or(0), *value});
  }
}

std::string_view EnergyMeter::source() const {
  if (!state_->counters.empty()) return "measured";
  return state_->stated_watts > 0 ? "estimated" : "unknown";
}

// Joules since the last call.
double EnergyMeter::State::drawn() {
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - then).count();
  then = now;
  if (counters.empty()) return stated_watts * seconds;
  double joules = 0;
  for (Counter& counter : counters) {
    const uint64_t value = read_number(counter.file).value_or(counter.last);
    const uint64_t turned = value >= counter.last ? 0 : counter.wraps_at;
    joules += static_cast<double>(value + turned - counter.last) * 1e-6;
    counter.last = value;
  }
  return joules;
}

void EnergyMeter::State::advance() {
  const double joules = drawn();
  if (open > 0) joules_each += joules / static_cast<double>(open);
}

EnergyMeter::Use::Use(EnergyMeter& meter) : state_(meter.state_) {
  const std::lock_guard lock(state_->mutex);
  state_->advance();
  ++state_->open;
  begin_ = state_->joules_each;
}

EnergyMeter::Use::~Use() { joules(); }

std::optional<double> EnergyMeter::Use::joules() {
  const std::lock_guard lock(state_->mutex);
  if (!open_) return joules_;
  open_ = false;
  state_->advance();
  --state_->open;
  const bool known = !state_->counters.empty() || state_->stated_watts > 0;
  if (known) joules_ = state_->joules_each - begin_;
  return joules_;
}

}  // namespace onmal
