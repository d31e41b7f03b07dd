#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "corpus/prepare/report.h"

namespace onmal {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        // Control characters are not allowed in a page.
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
    }
  }
  return out;
}

std::string number(uint64_t value) {
  std::string digits = std::to_string(value);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string decimal(double value, int places) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", places, value);
  return text;
}

std::string megabytes(uint64_t bytes) {
  return decimal(static_cast<double>(bytes) / 1e6, bytes < 100'000'000 ? 2 : 0) + " MB";
}

// The end of a path says more than its beginning.
std::string elided(std::string_view label) {
  constexpr size_t kMost = 42;
  if (label.size() <= kMost) return std::string(label);
  label.remove_prefix(label.size() - kMost);
  while (!label.empty() && (static_cast<unsigned char>(label.front()) & 0xC0) == 0x80)
    label.remove_prefix(1);
  return "…" + std::string(label);
}

std::string readable(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

struct Bar {
  std::string label;
  uint64_t value = 0;
  std::string note;   // behind the bar
  uint64_t dark = 0;  // part of the value
};

// Horizontal bars on one scale.
std::string chart(const std::vector<Bar>& bars, std::string_view title) {
  constexpr int kRow = 24, kLabel = 300, kWidth = 420, kNote = 260;
  uint64_t most = 1;
  for (const Bar& bar : bars) most = std::max(most, bar.value);
  const int height = kRow * static_cast<int>(bars.size()) + 6;
  const int width = kLabel + kWidth + kNote;
  std::string svg = "<svg role=\"img\" viewBox=\"0 0 " + std::to_string(width) + " " +
                    std::to_string(height) + "\" aria-label=\"" + escaped(title) + "\">\n";
  int y = 3;
  for (const Bar& bar : bars) {
    const auto scaled = [&](uint64_t value) {
      return static_cast<double>(value) / static_cast<double>(most) * kWidth;
    };
    const double length = scaled(bar.value);
    const std::string at = std::to_string(y);
    svg += "<text class=\"l\" x=\"" + std::to_string(kLabel - 8) + "\" y=\"" +
           std::to_string(y + 16) + "\">" + escaped(elided(bar.label)) + "</text>";
    svg += "<rect class=\"b\" x=\"" + std::to_string(kLabel) + "\" y=\"" + at + "\" width=\"" +
           decimal(length, 1) + "\" height=\"18\"/>";
    if (bar.dark > 0) {
      svg += "<rect class=\"d\" x=\"" + std::to_string(kLabel) + "\" y=\"" + at + "\" width=\"" +
             decimal(scaled(bar.dark), 1) + "\" height=\"18\"/>";
    }
    svg += "<text x=\"" + decimal(kLabel + length + 6, 1) + "\" y=\"" + std::to_string(y + 16) +
           "\">" + escaped(bar.note) + "</text>\n";
    y += kRow;
  }
  return svg + "</svg>\n";
}

std::string note_of(const Count& count, std::string_view unit) {
  return number(count.items) + " " + std::string(unit) + ", " + megabytes(count.bytes);
}

std::string section(std::string_view title, std::string_view text) {
  return "<h2>" + escaped(title) + "</h2>\n<p>" + escaped(text) + "</p>\n";
}

// What is left behind each stage.
std::string stage_section(const SourceCounts& totals) {
  Count left = totals.cleaned;
  std::vector<Bar> bars;
  const auto add = [&](std::string_view label, const Count& count) {
    bars.push_back({std::string(label), count.bytes, note_of(count, "documents"), 0});
  };
  const auto without = [&](const Count& gone) {
    left.items -= std::min(left.items, gone.items);
    left.bytes -= std::min(left.bytes, gone.bytes);
  };
  add("read", totals.read);
  add("after language, quality, masking", left);
  without(totals.exact);
  add("after exact duplicates", left);
  without(totals.near);
  add("after near-duplicates", left);
  without({0, totals.repeated_paragraphs.bytes});
  without(totals.emptied_by_paragraphs);
  add("after repeated paragraphs", left);
  without(totals.contaminated);
  add("after evaluation sets", left);
  without(totals.refused);
  without(totals.unsampled);
  add("after content check and weights", left);
  add("to train from", totals.train);
  add("held out", totals.heldout);
  std::string html = section("Stages", "Bytes of text left behind each stage.");
  html += chart(bars, "Bytes left behind each stage");
  if (totals.train_tokens > 0) {
    html += "<p>Token shards: " + number(totals.train_tokens) + " tokens to train from, " +
            number(totals.heldout_tokens) + " held out.</p>\n";
  }
  return html;
}

std::string source_section(const PrepareOptions& options, const PrepareReport& report) {
  std::vector<Bar> bars;
  std::string rows;
  for (const auto& [number_of, counts] : report.counts.sources) {
    const PrepareSource& source = options.sources[number_of];
    const Count kept = {counts.train.items + counts.heldout.items,
                        counts.train.bytes + counts.heldout.bytes};
    bars.push_back({source.name, std::max(counts.read.bytes, kept.bytes),
                    megabytes(kept.bytes) + " of " + megabytes(counts.read.bytes), kept.bytes});
    rows += "<tr><td>" + escaped(source.name) + "</td>";
    for (const Count& count : {counts.read, counts.cleaned, counts.exact, counts.near,
                               counts.contaminated, counts.train, counts.heldout}) {
      rows +=
          "<td>" + number(count.items) + "<br><small>" + megabytes(count.bytes) + "</small></td>";
    }
    rows += "<td>" + number(counts.faults.items) + "</td><td>" + decimal(source.weight, 2) +
            "</td></tr>\n";
  }
  return section("Sources", "Bytes read, and of them what is left (dark).") +
         chart(bars, "Bytes read and left by source") +
         "<div class=\"w\"><table><tr><th>source</th><th>read</th><th>cleaned</th><th>equal</th>"
         "<th>nearly equal</th><th>in evaluation sets</th><th>train</th><th>held out</th>"
         "<th>faults</th><th>weight</th></tr>\n" +
         rows + "</table></div>\n";
}

// Bars of one stage of the totals, the largest first.
std::string rule_section(SourceCounts totals, std::string_view stage, std::string_view title,
                         std::string_view text, std::string_view unit, bool by_bytes) {
  std::vector<Bar> bars;
  totals.for_each([&](std::string_view where, std::string_view name, Count& count) {
    if (where != stage || count.items == 0) return;
    bars.push_back({readable(name), by_bytes ? count.bytes : count.items, note_of(count, unit), 0});
  });
  std::stable_sort(bars.begin(), bars.end(),
                   [](const Bar& a, const Bar& b) { return a.value > b.value; });
  if (bars.empty()) return section(title, "None.");
  return section(title, text) + chart(bars, title);
}

std::string sample_item(const Sample& sample) {
  return "<li><code>" + escaped(sample.file) + "</code> record " + number(sample.record) +
         (sample.text.empty() ? "" : "<pre>" + escaped(sample.text) + "</pre>") + "</li>\n";
}

std::string sample_section(const PrepareReport& report) {
  std::string html = section("Samples",
                             "Chosen by chance. Personal data are masked, with a wider net than in "
                             "the corpus itself.");
  std::string pairs;
  for (const auto& [rule, samples] : report.counts.samples.by_rule()) {
    if (rule.starts_with("pair/")) {
      if (rule.ends_with("/dropped")) {
        pairs += std::string(rule.starts_with("pair/near") ? "<h4>nearly equal</h4>"
                                                           : "<h4>equal</h4>") +
                 "<ul>" + sample_item(samples.front());
        const std::string other = rule.substr(0, rule.size() - 7) + "kept";
        const auto kept = report.counts.samples.by_rule().find(other);
        if (kept != report.counts.samples.by_rule().end())
          pairs += "<li>kept for it:</li>" + sample_item(kept->second.front());
        pairs += "</ul>\n";
      }
      continue;
    }
    html += "<details><summary>" + escaped(readable(rule)) + "</summary><ul>\n";
    for (const Sample& sample : samples) html += sample_item(sample);
    html += "</ul></details>\n";
  }
  if (!pairs.empty()) html += "<details><summary>duplicates</summary>\n" + pairs + "</details>\n";
  return html;
}

std::string duplicate_section(const PrepareReport& report) {
  const SourceCounts& totals = report.totals;
  std::string html = section(
      "Duplicates", "Of equal documents the first stays, of nearly equal ones the longest.");
  html += chart({{"equal", totals.exact.bytes, note_of(totals.exact, "documents"), 0},
                 {"nearly equal", totals.near.bytes, note_of(totals.near, "documents"), 0},
                 {"repeated paragraphs", totals.repeated_paragraphs.bytes,
                  note_of(totals.repeated_paragraphs, "paragraphs"), 0}},
                "Bytes dropped as duplicates");
  html += "<p>" + number(report.near_compared) + " pairs compared, " +
          number(report.near_clusters) + " groups of nearly equal documents, " +
          number(report.repeated_paragraphs) + " different repeated paragraphs.</p>\n";
  std::vector<Bar> sets;
  for (const auto& [set, count] : report.counts.contaminated)
    sets.push_back({set, count.items, note_of(count, "documents"), 0});
  if (!sets.empty())
    html += section("Evaluation sets", "Documents dropped because they share text with a set.") +
            chart(sets, "Documents by evaluation set");
  return html;
}

std::string fault_section(const PrepareReport& report) {
  if (report.totals.faults.items == 0) return section("Faults", "None.");
  std::string html = section("Faults", number(report.totals.faults.items) +
                                           " records or files were passed over or repaired.");
  html += "<details open><summary>the first of them</summary><table>\n";
  for (const PrepareFault& fault : report.counts.faults) {
    html += "<tr><td>" + escaped(fault.file) + "</td><td>" + number(fault.record) + "</td><td>" +
            escaped(fault.what) + "</td></tr>\n";
  }
  return html + "</table></details>\n";
}

constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Corpus report</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h1,h2{font-weight:600}h2{margin-top:2.2rem}svg{width:100%;height:auto}
svg text{font:13px system-ui,sans-serif;fill:#222}.l{text-anchor:end}.b{fill:#9ec5e8}.d{fill:#2b6ca3}
table{border-collapse:collapse;font-size:13px}td,th{padding:.25rem .6rem;border-bottom:1px solid #ddd;text-align:right;vertical-align:top}
td:first-child,th:first-child{text-align:left}.w{overflow-x:auto}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f4f2;padding:.5rem;margin:.2rem 0}
summary{cursor:pointer;margin:.3rem 0}small{color:#666;white-space:nowrap}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#1a1a1a}svg text{fill:#ddd}pre{background:#262626}td,th{border-color:#444}.b{fill:#35608a}.d{fill:#7db8ee}}
</style></head><body>
<h1>Corpus report</h1>
)";

}  // namespace

std::string write_report_page(const PrepareOptions& options, const PrepareReport& report) {
  const SourceCounts& totals = report.totals;
  std::string html(kHead);
  html += "<p>" + number(totals.read.items) + " documents (" + megabytes(totals.read.bytes) +
          ") were read, " + number(totals.train.items) + " (" + megabytes(totals.train.bytes) +
          ") are left to train from and " + number(totals.heldout.items) + " held out.</p>\n";
  html += stage_section(totals);
  html += source_section(options, report);
  html += rule_section(totals, "dropped", "Dropped documents", "By the rule that dropped them.",
                       "documents", false);
  html += rule_section(totals, "cut", "Cut from documents", "Lines and paragraphs, by rule.",
                       "lines", false);
  html += rule_section(totals, "languages", "Languages",
                       "Documents by their main language; bytes paragraph by paragraph.",
                       "documents", true);
  html += duplicate_section(report);
  html += rule_section(totals, "masked", "Personal data", "Masked in the text, by kind.", "places",
                       false);
  html += sample_section(report);
  html += fault_section(report);
  return html + "</body></html>\n";
}

}  // namespace onmal
