#pragma once

#include <string_view>

#include "safety/moderator.h"
#include "serve/api/json_fields.h"

namespace onmal {

// What was found, for the page's marks: [{category, score, action, spans: [[start, end]]}], bytes.
ApiJson moderation_marks(const ModerationResult& result);

// Throws HttpError(400, "content_filter") where the policy blocks what a user says.
ModerationResult check_user_text(const Moderator& moderator, std::string_view text);

}  // namespace onmal
