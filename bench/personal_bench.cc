// Precision and recall of the masking of personal data on the samples and on made sentences, and
// how much it finds in the first 10 MB of texts that hold none.
// usage: personal_bench ROOT_OF_SOURCES [--faults] [TEXT]...

#include <algorithm>
#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <string_view>

#include "corpus/decompress.h"
#include "evaluate/personal_measure.h"

namespace {

using namespace onmal;

constexpr size_t kMadeRows = 6000;
constexpr size_t kTextBytes = 10'000'000;

void report(const std::string& name, const std::vector<PersonalRow>& rows, bool faults) {
  const PersonalMeasure measure = measure_personal_data(rows);
  const auto line = [](std::string_view kind, const PersonalCounts& counts) {
    std::printf("  %-18.*s precision %.3f recall %.3f  right %zu wrong %zu missed %zu\n",
                static_cast<int>(kind.size()), kind.data(), counts.precision(), counts.recall(),
                counts.right, counts.wrong, counts.missed);
  };
  std::printf("%s: %zu texts\n", name.c_str(), rows.size());
  for (size_t i = 0; i < kPersonalKinds; ++i) {
    const PersonalCounts& counts = measure.kinds[i];
    if (counts.right + counts.wrong + counts.missed > 0)
      line(personal_kind_name(static_cast<PersonalKind>(i)), counts);
  }
  line("all", measure.all);
  if (!faults) return;
  for (const std::string& fault : measure.faults) std::printf("    %s\n", fault.c_str());
}

void report_text(const std::string& path, bool faults) {
  const std::string text = read_unpacked(path);
  const std::string_view read = std::string_view(text).substr(0, kTextBytes);
  std::map<std::string_view, size_t> found;
  for (const PersonalSpan& span : find_personal_data(read)) {
    ++found[personal_kind_name(span.kind)];
    if (faults)
      std::printf("    %s\n", std::string(read.substr(span.begin, span.end - span.begin)).c_str());
  }
  std::printf("%s: %.1f MB", path.c_str(), static_cast<double>(read.size()) / 1e6);
  for (const auto& [kind, count] : found)
    std::printf(", %.*s %zu", static_cast<int>(kind.size()), kind.data(), count);
  std::printf("%s\n", found.empty() ? ", nothing found" : "");
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: personal_bench ROOT_OF_SOURCES [--faults] [TEXT]...\n");
    return 2;
  }
  try {
    const std::string samples = std::string(arguments[1]) + "/samples/";
    const bool faults = std::any_of(arguments + 2, arguments + count,
                                    [](std::string_view word) { return word == "--faults"; });
    for (const char* name : {"personal_data.jsonl", "personal_data_style.jsonl"})
      report(name, read_personal_rows(samples + name), faults);
    report("made", make_personal_rows(kMadeRows, 1), faults);
    for (int i = 2; i < count; ++i)
      if (std::string_view(arguments[i]) != "--faults") report_text(arguments[i], faults);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "personal_bench: %s\n", error.what());
    return 1;
  }
}
