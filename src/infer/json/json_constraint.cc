#include "infer/json/json_constraint.h"

#include "infer/json/grammar.h"

namespace onmal {

std::shared_ptr<const TextConstraint> make_json_constraint(std::string_view schema_json,
                                                           const JsonConstraintOptions& options) {
  return json::make_walker(json::compile_schema(schema_json, options));
}

std::shared_ptr<const TextConstraint> any_json_object(const JsonConstraintOptions& options) {
  return make_json_constraint(R"({"type": "object"})", options);
}

std::shared_ptr<const TextConstraint> any_json(const JsonConstraintOptions& options) {
  return make_json_constraint("true", options);
}

}  // namespace onmal
