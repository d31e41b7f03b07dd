#include "serve/http/exchange_state.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "serve/http/session.h"

namespace onmal {
namespace {

constexpr size_t kLittle = size_t{64} << 10;  // bytes waiting that hold no writer up

// A value that could not begin another header.
std::string header_value(std::string_view text) {
  std::string value(text);
  std::replace_if(
      value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return value;
}

std::string head_of(const ExchangeState& state, int status, std::string_view content_type) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head += reason_phrase(status);
  head += "\r\n";
  if (!content_type.empty()) head += "Content-Type: " + header_value(content_type) + "\r\n";
  head += state.common_headers;
  if (state.close_after) head += "Connection: close\r\n";
  return head;
}

class SessionExchange : public Exchange {
 public:
  SessionExchange(std::shared_ptr<Session> session, std::shared_ptr<ExchangeState> state,
                  ServerRequest request)
      : session_(std::move(session)), state_(std::move(state)), request_(std::move(request)) {}

  ~SessionExchange() override {
    {
      const std::lock_guard lock(state_->mutex);
      if (state_->ended) return;
      if (state_->head_sent) {
        state_->broken = state_->ended = true;
        ask_flush();
        return;
      }
    }
    respond(error_response(HttpError(500, "The request was left unanswered.")));
  }

  const ServerRequest& request() const override { return request_; }
  std::stop_token stop() const override { return state_->stop.get_token(); }

  void respond(ServerResponse response) override {
    const std::unique_lock lock(state_->mutex);
    if (state_->head_sent || state_->ended) return;
    std::string head = head_of(*state_, response.status, response.content_type);
    for (const HttpHeader& header : response.headers)
      head += header.name + ": " + header_value(header.value) + "\r\n";
    const bool bodiless = response.status == 204 || response.status == 304;
    if (!bodiless) head += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    head += "\r\n";
    state_->status = response.status;
    state_->head_sent = state_->ended = true;
    state_->pending += head;
    if (!bodiless && !state_->head_only) state_->pending += response.body;
    ask_flush();
  }

  void begin_stream(std::string_view content_type) override {
    const std::unique_lock lock(state_->mutex);
    if (state_->head_sent || state_->ended) return;
    // Without chunks the end of the connection is the end of the stream.
    if (!state_->chunked) state_->close_after = true;
    std::string head = head_of(*state_, 200, content_type);
    head += "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n";
    if (state_->chunked) head += "Transfer-Encoding: chunked\r\n";
    head += "\r\n";
    state_->status = 200;
    state_->head_sent = true;
    state_->events = content_type.starts_with("text/event-stream");
    state_->pending += head;
    ask_flush();
  }

  bool write(std::string_view bytes) override {
    const std::unique_lock lock(state_->mutex);
    if (state_->gone || state_->ended || !state_->head_sent) return false;
    if (bytes.empty() || state_->head_only) return true;
    if (state_->pending.size() + state_->in_flight > session_->options().most_backlog_bytes) {
      state_->broken = state_->ended = true;
      ask_flush();
      return false;
    }
    append(bytes);
    ask_flush();
    return true;
  }

  void end() override {
    const std::unique_lock lock(state_->mutex);
    end_locked();
  }

  void wait_for_room() override {
    std::unique_lock lock(state_->mutex);
    state_->room.wait(lock, [this] {
      return state_->gone || state_->ended || state_->pending.size() + state_->in_flight <= kLittle;
    });
  }

  void fail(const HttpError& error) override {
    respond(error_response(error));  // unless a stream has begun
    const std::unique_lock lock(state_->mutex);
    if (state_->ended) return;
    if (!state_->events) {
      state_->broken = true;
    } else if (!state_->head_only) {
      append("data: " + error_json(error) + "\n\n");
    }
    end_locked();
  }

  void note(RequestNotes notes) override {
    const std::lock_guard lock(state_->mutex);
    state_->notes = std::move(notes);
  }

 private:
  void append(std::string_view bytes) {
    if (!state_->chunked) {
      state_->pending += bytes;
      return;
    }
    std::array<char, 20> size{};
    const auto end = std::to_chars(size.data(), size.data() + size.size(), bytes.size(), 16).ptr;
    state_->pending.append(size.data(), end);
    state_->pending += "\r\n";
    state_->pending += bytes;
    state_->pending += "\r\n";
  }

  void end_locked() {
    if (state_->ended || !state_->head_sent) return;
    if (state_->chunked && !state_->broken && !state_->head_only) state_->pending += "0\r\n\r\n";
    state_->ended = true;
    ask_flush();
  }

  void ask_flush() {
    // Once its connection is closed nothing is posted any more: an ended server runs nothing, and
    // what waits in its queue would own the queue's owner.
    if (state_->flush_asked || state_->gone) return;
    state_->flush_asked = true;
    session_->flush_from_anywhere();
  }

  std::shared_ptr<Session> session_;
  std::shared_ptr<ExchangeState> state_;
  ServerRequest request_;
};

}  // namespace

void ExchangeState::abandon() {
  {
    const std::lock_guard lock(mutex);
    gone = true;
    pending.clear();
  }
  room.notify_all();
  stop.request_stop();
}

std::shared_ptr<Exchange> make_exchange(std::shared_ptr<Session> session,
                                        std::shared_ptr<ExchangeState> state,
                                        ServerRequest request) {
  return std::make_shared<SessionExchange>(std::move(session), std::move(state),
                                           std::move(request));
}

}  // namespace onmal
