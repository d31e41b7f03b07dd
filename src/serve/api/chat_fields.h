#pragma once

#include <memory>

#include "serve/api/completion_call.h"

namespace onmal {

// What all completions have in common: sampling, stops, limits, choices, streaming. plan.model is
// there already. Throws HttpError(400).
void read_common_fields(const JsonFields& fields, CompletionPlan& plan);

// What a format asks of an answer: null for "text". `format` has the type, `holder` the schema.
std::shared_ptr<const TextConstraint> format_constraint(const JsonFields& format,
                                                        const JsonFields& holder,
                                                        const char* field);

// A refused schema is the client's fault; it is told which keyword and where.
template <typename Make>
std::shared_ptr<const TextConstraint> make_or_refuse(const char* field, Make make) {
  try {
    return make();
  } catch (const Error& error) {
    throw HttpError(400, without_paths(error.what()), "unsupported_schema", field);
  }
}

// Hands a plan's request to its engine. Throws HttpError: 429 with Retry-After when too many wait,
// 400 for a prompt that is too long.
Engine::RequestId submit_or_refuse(const CompletionPlan& plan,
                                   std::shared_ptr<EngineListener> listener,
                                   uint64_t seed_step = 0);

}  // namespace onmal
