#pragma once

#include <memory>

#include "serve/http/server.h"

namespace onmal {

// Calls the route's handler; what it throws becomes the answer.
void run_handler(const Route& route, const std::shared_ptr<Exchange>& exchange,
                 const HttpServerParts& parts) noexcept;

}  // namespace onmal
