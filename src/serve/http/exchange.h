#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http/http_error.h"
#include "serve/http/message.h"

namespace onmal {

// What is kept of a request beside its status and times; never a text.
struct RequestNotes {
  std::string model = {};
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
};

// A request and the way back to its client. Functions may be called from any thread, none of them
// waits unless it says so. One whose last owner lets go of it unanswered is answered with 500, a
// stream that was not ended is broken off.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const ServerRequest& request() const = 0;
  // Requested when the client has gone, or when the server ends and will wait no longer.
  virtual std::stop_token stop() const = 0;

  // The whole answer; ignored when one has begun.
  virtual void respond(ServerResponse response) = 0;
  // An answer in parts: begin, any number of writes, end. `content_type` "text/event-stream" gets
  // comments while nothing is written, so that neither side takes the silence for a fault.
  virtual void begin_stream(std::string_view content_type) = 0;
  // False when nobody reads any more, or reads so slowly that too much would be waiting: stop.
  virtual bool write(std::string_view bytes) = 0;
  virtual void end() = 0;
  // Waits until little of what was written is still waiting, or until nobody reads.
  virtual void wait_for_room() = 0;
  // An error answer; in a stream that has begun, an event "error" and the end.
  virtual void fail(const HttpError& error) = 0;

  virtual void note(RequestNotes notes) = 0;

  // One server-sent event, "data: …" line by line.
  bool write_event(std::string_view data);
};

}  // namespace onmal
