// Ingest and search of the knowledge store at growing sizes. Passages are runs of sentences of a
// real text in random order, so that words are as frequent as in it. One thread; JSON lines out.
// Usage: knowledge_bench TEXT_FILE STORE_FOLDER [PASSAGES…]   (default 10000 100000 1000000)
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/timer.h"
#include "knowledge/add_files.h"
#include "knowledge/search.h"

namespace {

using namespace onmal;
namespace fs = std::filesystem;

constexpr int64_t kFilePassages = 200;  // about
constexpr int kQueries = 1000;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    if (end - begin > 40) lines.push_back(text.substr(begin, std::min<size_t>(end - begin, 800)));
    begin = end + 1;
  }
  for (std::string& line : lines) {  // no half character at a cut
    while (!line.empty() && (static_cast<uint8_t>(line.back()) & 0xC0) == 0x80) line.pop_back();
    if (!line.empty() && static_cast<uint8_t>(line.back()) >= 0xC0) line.pop_back();
  }
  return lines;
}

// Files of about kFilePassages passages each; returns their folder's bytes.
uint64_t write_files(const std::vector<std::string>& lines, int64_t passages,
                     const fs::path& folder, Rng& rng) {
  fs::create_directories(folder);
  uint64_t bytes = 0;
  for (int64_t file = 0; file * kFilePassages < passages; ++file) {
    std::string text;
    for (int64_t i = 0; i < kFilePassages; ++i) {
      // Passages end at headings.
      text += "# " + std::to_string(file) + "." + std::to_string(i) + "\n\n";
      for (size_t begin = text.size(); text.size() - begin < 300;)
        text += lines[rng.below(lines.size())] + "\n\n";
    }
    write_file(folder / (std::to_string(file) + ".md"), text);
    bytes += text.size();
  }
  return bytes;
}

// Two to six neighbouring words of a passage.
std::vector<std::string> make_queries(KnowledgeStore& store, int64_t passages, Rng& rng) {
  std::vector<std::string> queries;
  while (queries.size() < kQueries) {
    const int64_t chunk = 1 + static_cast<int64_t>(rng.below(static_cast<uint64_t>(passages)));
    const std::vector<Passage> found = store.passages(std::vector<int64_t>{chunk});
    if (found.empty()) continue;
    std::vector<std::string> words(1);
    for (const char c : found[0].text) {
      if (c == ' ' || c == '\n') {
        if (!words.back().empty()) words.emplace_back();
      } else {
        words.back() += c;
      }
    }
    const size_t count = 2 + rng.below(5);
    if (words.size() <= count) continue;
    const size_t first = rng.below(words.size() - count);
    std::string query;
    for (size_t i = first; i < first + count; ++i) query += words[i] + " ";
    if (query.find_first_not_of(" .,#-|*`") != std::string::npos) queries.push_back(query);
  }
  return queries;
}

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

void measure(const std::vector<std::string>& lines, int64_t passages, const fs::path& folder) {
  Rng rng(7);
  const fs::path files = folder / "files";
  const fs::path path = folder / "store.db";
  const uint64_t bytes = write_files(lines, passages, files, rng);
  ThreadPool pool(1);
  AddOptions options;
  const std::vector<fs::path> paths = {files};
  double seconds = 0;
  {
    KnowledgeStore store(open_sqlite(path, false));
    const Timer timer;
    const AddReport report =
        add_files(store, nullptr, pool, paths, options, [](const AddProgress&) {});
    seconds = timer.seconds();
    for (const RefusedFile& file : report.refused)
      std::fprintf(stderr, "%s\n", file.reason.c_str());
  }
  KnowledgeStore store(open_sqlite(path, true));
  const int64_t chunks = store.status().chunks;
  const std::vector<std::string> queries = make_queries(store, chunks, rng);
  KnowledgeSearch searcher(store, nullptr);
  const Timer opened;
  searcher.find("시작 start", {});
  const double first_s = opened.seconds();
  std::vector<double> times;
  for (const std::string& query : queries) {
    const Timer timer;
    searcher.find(query, {});
    times.push_back(timer.seconds());
  }
  std::printf(
      "{\"passages\": %lld, \"text_mb\": %.1f, \"ingest_mb_per_s\": %.2f, \"store_mb\": %.1f, "
      "\"segments\": %lld, \"first_search_ms\": %.1f, \"p50_ms\": %.2f, \"p99_ms\": %.2f, "
      "\"max_ms\": %.2f}\n",
      static_cast<long long>(chunks), static_cast<double>(bytes) / 1e6,
      static_cast<double>(bytes) / 1e6 / seconds, static_cast<double>(fs::file_size(path)) / 1e6,
      static_cast<long long>(store.status().segments), 1e3 * first_s, 1e3 * percentile(times, 0.5),
      1e3 * percentile(times, 0.99), 1e3 * percentile(times, 1));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: knowledge_bench TEXT_FILE STORE_FOLDER [PASSAGES...]\n");
    return 2;
  }
  try {
    const std::vector<std::string> lines = lines_of(read_file(argv[1]));
    std::vector<int64_t> sizes;
    for (int i = 3; i < argc; ++i) sizes.push_back(std::atoll(argv[i]));
    if (sizes.empty()) sizes = {10'000, 100'000, 1'000'000};
    for (const int64_t size : sizes) {
      const fs::path folder = fs::path(argv[2]) / std::to_string(size);
      fs::remove_all(folder);
      measure(lines, size, folder);
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
