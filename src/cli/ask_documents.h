#pragma once

#include <string>

#include "answer/ask.h"
#include "answer/grounded/answer.h"
#include "cli/claims_output.h"
#include "cli/know_store_options.h"
#include "cli/text_task.h"

namespace onmal {

// ask -k: from documents, with citations.
struct AskDocumentsOptions {
  KnowStoreOptions store;
  GroundedOptions how;
  int64_t hits = 12;  // passages that are looked at
  ClaimCheckOptions claims;
};

// Prints the answer and what it cites. Without a model (or where one is too weak: how.extractive)
// sentences of the documents are the answer.
void ask_documents(CommandContext& context, const TextTaskOptions& common,
                   const std::string& question, const AskDocumentsOptions& options);

}  // namespace onmal
