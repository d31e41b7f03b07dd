#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

// A client for tests that sends what it is told, byte by byte.
namespace onmal::testing {

class TestClient {
 public:
  explicit TestClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    set_timeout(10);
  }
  ~TestClient() { close(); }
  TestClient(TestClient&& other) noexcept : socket_(other.socket_), connected_(other.connected_) {
    other.socket_ = -1;
  }
  TestClient& operator=(TestClient&&) = delete;

  bool connected() const { return connected_; }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  void set_timeout(int seconds) {
    const timeval time{seconds, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // Up to and with `end`; all that came when the other side closes or is silent.
  std::string read_until(std::string_view end) {
    while (input_.find(end) == std::string::npos) {
      if (!read_some()) break;
    }
    const size_t found = input_.find(end);
    const size_t size = found == std::string::npos ? input_.size() : found + end.size();
    std::string text = input_.substr(0, size);
    input_.erase(0, size);
    return text;
  }

  // Everything up to the end of the connection; `closed` tells whether it came in time.
  std::string read_all(bool* closed = nullptr) {
    while (read_some()) {
    }
    if (closed != nullptr) *closed = ended_;
    std::string text;
    text.swap(input_);
    return text;
  }

  struct Answer {
    int status = 0;
    std::string head;
    std::string body;
  };
  // One answer with a length.
  Answer read_answer() {
    Answer answer;
    answer.head = read_until("\r\n\r\n");
    if (answer.head.size() > 12) answer.status = std::atoi(answer.head.c_str() + 9);
    const size_t at = answer.head.find("Content-Length: ");
    if (at == std::string::npos) return answer;
    const auto length = static_cast<size_t>(std::atol(answer.head.c_str() + at + 16));
    while (input_.size() < length && read_some()) {
    }
    answer.body = input_.substr(0, length);
    input_.erase(0, length);
    return answer;
  }

  Answer ask(const std::string& method, const std::string& path, const std::string& body = "",
             const std::string& headers = "Content-Type: application/json\r\n") {
    send(method + " " + path + " HTTP/1.1\r\nHost: test\r\n" + headers +
         (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") + "\r\n" +
         body);
    return read_answer();
  }

 private:
  bool read_some() {
    char bytes[65536];
    const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
    if (got <= 0) {
      ended_ = got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
      return false;
    }
    input_.append(bytes, static_cast<size_t>(got));
    return true;
  }

  int socket_;
  bool connected_ = false;
  bool ended_ = false;
  std::string input_;
};

}  // namespace onmal::testing
