#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace onmal {

// The bytes of one connection, plain or through TLS. One read and one write may be under way at a
// time; all calls and completions come on the connection's own executor.
class Transport {
 public:
  // False: an error or the end of the stream.
  using Done = std::function<void(bool good, size_t bytes)>;

  virtual ~Transport() = default;
  virtual boost::asio::any_io_executor executor() = 0;
  virtual void handshake(std::function<void(bool)> done) = 0;
  virtual void read_some(void* data, size_t size, Done done) = 0;
  // Of all the bytes, which must live until then.
  virtual void write(std::string_view bytes, Done done) = 0;
  // Tells the other side that nothing more comes.
  virtual void shutdown_send() = 0;
  // Ends what is under way.
  virtual void close() = 0;
};

std::unique_ptr<Transport> make_plain_transport(boost::asio::ip::tcp::socket socket);

// Certificate and key of a server that speaks TLS 1.2 and later. Throws Error(kBadFile).
class TlsContext {
 public:
  TlsContext(const std::string& certificate_file, const std::string& key_file);
  ~TlsContext();
  std::unique_ptr<Transport> make_transport(boost::asio::ip::tcp::socket socket);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace onmal
