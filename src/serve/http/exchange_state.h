#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

#include "serve/http/exchange.h"

namespace onmal {

class Session;

// A request's answer on its way from handlers' threads to the connection.
struct ExchangeState {
  std::mutex mutex;
  std::condition_variable room;
  std::string pending;   // bytes to be written
  size_t in_flight = 0;  // bytes being written
  bool flush_asked = false;
  bool head_sent = false;
  bool ended = false;   // nothing more comes
  bool broken = false;  // it ended in the middle: the connection cannot go on
  bool gone = false;    // nobody reads
  bool close_after = false;
  bool chunked = false;    // of a stream, by HTTP/1.1
  bool head_only = false;  // HEAD
  bool events = false;
  int status = 0;
  uint64_t bytes_out = 0;
  std::string common_headers;  // for every answer of this request
  RequestNotes notes;
  std::stop_source stop;

  // Says that the client has gone; wakes who waits.
  void abandon();
};

// The handle that handlers get.
std::shared_ptr<Exchange> make_exchange(std::shared_ptr<Session> session,
                                        std::shared_ptr<ExchangeState> state,
                                        ServerRequest request);

}  // namespace onmal
