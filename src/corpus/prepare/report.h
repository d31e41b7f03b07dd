#pragma once

#include <string>

#include "corpus/prepare/prepare.h"

namespace onmal {

// report.json: sources with their counts by stage, totals, samples, faults. Nothing in it depends
// on the machine or the time.
std::string write_report_json(const PrepareOptions& options, const PrepareReport& report);

// report.html: the same as a page that needs nothing else, its charts as SVG. All text from the
// corpus is escaped.
std::string write_report_page(const PrepareOptions& options, const PrepareReport& report);

}  // namespace onmal
