#include "serve/http/transport.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "base/error.h"

namespace onmal {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorOf = boost::system::error_code;

constexpr unsigned char kTlsHandshake = 0x16;  // the first byte of every TLS connection
constexpr std::string_view kNotTls =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n"
    "Content-Length: 127\r\n\r\n"
    R"({"error":{"message":"This port speaks HTTPS: use https://.","type":"invalid_request_error","code":"https_needed","param":null}})";

class PlainTransport : public Transport {
 public:
  explicit PlainTransport(tcp::socket socket) : socket_(std::move(socket)) {}

  asio::any_io_executor executor() override { return socket_.get_executor(); }
  void handshake(std::function<void(bool)> done) override { done(true); }
  void read_some(void* data, size_t size, Done done) override {
    socket_.async_read_some(
        asio::buffer(data, size),
        [done = std::move(done)](ErrorOf error, size_t bytes) { done(!error, bytes); });
  }
  void write(std::string_view bytes, Done done) override {
    asio::async_write(
        socket_, asio::buffer(bytes.data(), bytes.size()),
        [done = std::move(done)](ErrorOf error, size_t written) { done(!error, written); });
  }
  void shutdown_send() override {
    ErrorOf ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }
  void close() override {
    ErrorOf ignored;
    socket_.close(ignored);
  }

 private:
  tcp::socket socket_;
};

class TlsTransport : public Transport {
 public:
  TlsTransport(tcp::socket socket, asio::ssl::context& context)
      : stream_(std::move(socket), context) {}

  asio::any_io_executor executor() override { return stream_.get_executor(); }
  // Plain HTTP is told what is wrong in plain HTTP.
  void handshake(std::function<void(bool)> done) override {
    stream_.next_layer().async_wait(
        tcp::socket::wait_read, [this, done = std::move(done)](ErrorOf error) mutable {
          unsigned char first = 0;
          if (!error) {
            stream_.next_layer().non_blocking(true, error);
            stream_.next_layer().receive(asio::buffer(&first, 1), tcp::socket::message_peek, error);
          }
          if (error) return done(false);
          if (first != kTlsHandshake) return refuse_plain(std::move(done));
          stream_.async_handshake(asio::ssl::stream_base::server,
                                  [done = std::move(done)](ErrorOf failed) { done(!failed); });
        });
  }
  void read_some(void* data, size_t size, Done done) override {
    stream_.async_read_some(
        asio::buffer(data, size),
        [done = std::move(done)](ErrorOf error, size_t bytes) { done(!error, bytes); });
  }
  void write(std::string_view bytes, Done done) override {
    asio::async_write(
        stream_, asio::buffer(bytes.data(), bytes.size()),
        [done = std::move(done)](ErrorOf error, size_t written) { done(!error, written); });
  }
  // Without TLS's own farewell: HTTP knows by itself where a message ends.
  void shutdown_send() override {
    ErrorOf ignored;
    stream_.next_layer().shutdown(tcp::socket::shutdown_send, ignored);
  }
  void close() override {
    ErrorOf ignored;
    stream_.next_layer().close(ignored);
  }

 private:
  void refuse_plain(std::function<void(bool)> done) {
    ErrorOf ignored;
    // What is left unread would make the system drop our answer.
    std::array<char, 16384> request;
    stream_.next_layer().receive(asio::buffer(request), 0, ignored);
    asio::async_write(stream_.next_layer(), asio::buffer(kNotTls.data(), kNotTls.size()),
                      [this, done = std::move(done)](ErrorOf, size_t) {
                        shutdown_send();
                        done(false);
                      });
  }

  asio::ssl::stream<tcp::socket> stream_;
};

}  // namespace

std::unique_ptr<Transport> make_plain_transport(tcp::socket socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

struct TlsContext::Context {
  asio::ssl::context tls{asio::ssl::context::tls_server};
};

TlsContext::TlsContext(const std::string& certificate_file, const std::string& key_file)
    : context_(std::make_unique<Context>()) {
  using Options = asio::ssl::context;
  asio::ssl::context& tls = context_->tls;
  tls.set_options(Options::default_workarounds | Options::no_sslv2 | Options::no_sslv3 |
                  Options::no_tlsv1 | Options::no_tlsv1_1);
  ErrorOf error;
  tls.use_certificate_chain_file(certificate_file, error);
  if (error)
    throw Error(ErrorCode::kBadFile, certificate_file, "is no certificate: " + error.message(),
                "give a PEM file with the certificate and its chain");
  tls.use_private_key_file(key_file, asio::ssl::context::pem, error);
  if (error)
    throw Error(ErrorCode::kBadFile, key_file, "is no private key: " + error.message(),
                "give the certificate's key as a PEM file");
}

TlsContext::~TlsContext() = default;

std::unique_ptr<Transport> TlsContext::make_transport(tcp::socket socket) {
  return std::make_unique<TlsTransport>(std::move(socket), context_->tls);
}

}  // namespace onmal
