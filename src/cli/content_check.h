#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "corpus/prepare/prepare.h"

namespace onmal {

// What 'corpus prepare' does about offensive documents.
struct ContentCheckOptions {
  std::string moderate;  // "", "tag" or "drop"
  std::string policy;    // a file; none: the built-in one
};

void add_content_check_options(CLI::App& command, ContentCheckOptions& options);
// Moderation at the place training_data as the check of a preparation: a document that the policy
// acts on gets the names of the categories as tags, and with "drop" goes where the policy blocks
// it.
void set_content_check(const ContentCheckOptions& options, PrepareOptions& prepare);

}  // namespace onmal
