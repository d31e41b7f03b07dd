#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "serve/http/allowed_host.h"
#include "serve/http/http_testing.h"
#include "serve/http/server.h"
#include "serve/http/static_files.h"

namespace onmal {
namespace {

using testing::TestClient;

constexpr StaticFile kPage = {"/index.html", "text/html; charset=utf-8", "<p>hello</p>", "tag1"};

int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

class HttpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options.port = 0;
    options.grace_seconds = 0.2;
    options.allowed_hosts = {"test", "t"};
    add("POST", "/echo", [](Exchange& exchange) {
      exchange.respond({200, "text/plain", exchange.request().body, {}});
    });
    add("GET", "/part/{a}/of/{b}", [](Exchange& exchange) {
      const auto& parts = exchange.request().parts;
      exchange.respond(
          {200,
           "text/plain",
           parts[0] + "," + parts[1] + "," + std::string(exchange.request().query_value("q")),
           {}});
    });
    add("GET", "/throw", [](Exchange&) {
      throw Error(ErrorCode::kIo, "/secret/place/model.gguf", "cannot be read");
    });
    add("GET", "/forget", [](Exchange&) {});
    router.add({"GET", "/quick",
                [](const std::shared_ptr<Exchange>& exchange) { exchange->respond({}); },
                Role::kAnyone, true});
    // A stream that says one thing and then waits for its client to leave.
    router.add({"GET", "/hold", [this](const std::shared_ptr<Exchange>& exchange) {
                  exchange->begin_stream("text/event-stream");
                  exchange->write_event("hello");
                  const std::lock_guard lock(mutex);
                  held.push_back(exchange);
                }});
    router.add({"GET", "/flood", [this](const std::shared_ptr<Exchange>& exchange) {
                  exchange->begin_stream("text/event-stream");
                  const std::string much(100'000, 'x');
                  while (exchange->write(much)) ++flooded;
                  flood_ended = true;
                }});
    router.add({"GET", "/stop", [this](const std::shared_ptr<Exchange>& exchange) {
                  std::mutex wait;
                  std::unique_lock lock(wait);
                  std::condition_variable_any().wait(lock, exchange->stop(), [] { return false; });
                  stopped = true;
                }});
    add_static_files(router, {kPage});
  }

  void add(const std::string& method, const std::string& pattern,
           const std::function<void(Exchange&)>& handle) {
    router.add({method, pattern,
                [handle](const std::shared_ptr<Exchange>& exchange) { handle(*exchange); }});
  }

  void start() {
    server = std::make_unique<HttpServer>(
        options, HttpServerParts{&router, &keys, limiter.get(), &metrics, audit.get(),
                                 [this](std::string_view line) { log += line; }});
  }
  TestClient client() { return TestClient(server->port()); }

  static bool wait_for(const std::function<bool()>& what, int seconds = 5) {
    for (int i = 0; i < seconds * 100; ++i) {
      if (what()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  HttpServerOptions options;
  Router router;
  ApiKeys keys;
  std::unique_ptr<RateLimiter> limiter;
  Metrics metrics;
  std::unique_ptr<AuditLog> audit;
  std::string log;
  std::mutex mutex;
  std::vector<std::shared_ptr<Exchange>> held;
  std::atomic<int> flooded{0};
  std::atomic<bool> flood_ended{false};
  std::atomic<bool> stopped{false};
  std::unique_ptr<HttpServer> server;  // ends first
};

TEST_F(HttpTest, KeepsConnectionsAndPipelines) {
  start();
  TestClient one = client();
  for (int i = 0; i < 3; ++i) {
    const auto answer = one.ask("POST", "/echo", "text " + std::to_string(i));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "text " + std::to_string(i));
  }
  const std::string request = "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\n";
  one.send(request + "ab" + request + "cd" + request + "ef");
  for (const char* text : {"ab", "cd", "ef"}) EXPECT_EQ(one.read_answer().body, text);
  one.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  one.send("2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(one.read_answer().body, "abcde");
}

TEST_F(HttpTest, DecodesAddresses) {
  start();
  TestClient one = client();
  EXPECT_EQ(one.ask("GET", "/part/%ED%95%9C/of/b?q=a+%26b").body, "한,b,a &b");
  EXPECT_EQ(one.ask("GET", "/part/%FF/of/b").status, 400);
}

TEST_F(HttpTest, TellsErrorsAsOpenAiDoes) {
  start();
  EXPECT_EQ(client().ask("GET", "/nothing").status, 404);
  const auto wrong = client().ask("GET", "/echo");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_NE(wrong.head.find("Allow: POST"), std::string::npos);
  const auto thrown = client().ask("GET", "/throw");
  EXPECT_EQ(thrown.status, 500);
  EXPECT_EQ(thrown.body.find("secret"), std::string::npos);
  EXPECT_NE(thrown.body.find(R"("type":"server_error")"), std::string::npos);
  EXPECT_NE(log.find("/secret/place"), std::string::npos);
  EXPECT_EQ(client().ask("GET", "/forget").status, 500);
}

TEST_F(HttpTest, RefusesWhatIsNoHttp) {
  options.most_body_bytes = 1000;
  start();
  for (const std::string bad :
       {"hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET noslash HTTP/1.1\r\n\r\n",
        "GET /\x01 HTTP/1.1\r\n\r\n", "POST /echo HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: -5\r\n\r\n"}) {
    TestClient one = client();
    one.send(bad);
    bool closed = false;
    const std::string answer = one.read_all(&closed);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400")) << bad << answer;
    EXPECT_TRUE(closed);
  }
  TestClient head = client();
  head.send("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'));
  EXPECT_EQ(head.read_answer().status, 431);
  EXPECT_EQ(client().ask("POST", "/echo", std::string(1001, 'x')).status, 413);
  TestClient chunks = client();
  chunks.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i) chunks.send("64\r\n" + std::string(100, 'x') + "\r\n");
  EXPECT_EQ(chunks.read_answer().status, 413);
  EXPECT_EQ(client().ask("POST", "/echo", "fine").body, "fine");
}

TEST_F(HttpTest, EndsSlowRequests) {
  options.head_seconds = 0.3;
  options.body_seconds = 0.3;
  options.idle_seconds = 0.3;
  start();
  TestClient head = client();
  head.send("GET / HT");
  EXPECT_EQ(head.read_answer().status, 408);
  // Bytes that keep trickling in do not prolong it.
  TestClient body = client();
  body.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\n");
  std::thread trickle([&] {
    for (int i = 0; i < 20; ++i) {
      if (!body.send("x")) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  EXPECT_EQ(body.read_answer().status, 408);
  trickle.join();
  bool closed = false;
  EXPECT_EQ(client().read_all(&closed), "");
  EXPECT_TRUE(closed);
}

TEST_F(HttpTest, TellsHandlersThatTheClientHasGone) {
  start();
  TestClient one = client();
  one.send("GET /stop HTTP/1.1\r\nHost: t\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(stopped);
  one.close();
  EXPECT_TRUE(wait_for([&] { return stopped.load(); }));
  EXPECT_TRUE(wait_for([&] { return server->connections() == 0; }));
}

TEST_F(HttpTest, LetsGoOfClientsThatDoNotRead) {
  options.most_backlog_bytes = 1 << 20;
  start();
  TestClient one = client();
  one.send("GET /flood HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_TRUE(wait_for([&] { return flood_ended.load(); }));
  EXPECT_LT(flooded, 1000);  // 100 MB
  EXPECT_TRUE(wait_for([&] { return server->connections() == 0; }));
}

TEST_F(HttpTest, StreamsEventsAndComments) {
  options.heartbeat_seconds = 0.05;
  start();
  TestClient one = client();
  one.send("GET /hold HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_NE(one.read_until("data: hello\n\n").find("text/event-stream"), std::string::npos);
  EXPECT_NE(one.read_until(":\n\n").find(":\n\n"), std::string::npos);
  ASSERT_TRUE(wait_for([&] {
    const std::lock_guard lock(mutex);
    return held.size() == 1;
  }));
  held[0]->write_event("two\nlines");
  one.read_until("data: two\ndata: lines\n\n");
  held[0]->fail(HttpError(500, "broke"));
  EXPECT_NE(one.read_until("0\r\n\r\n").find(R"(data: {"error":{"message":"broke")"),
            std::string::npos);
  EXPECT_FALSE(held[0]->write("more"));
}

TEST_F(HttpTest, HoldsAThousandIdleStreams) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4096);
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < 2100) GTEST_SKIP() << "too few files may be open";
  start();
  const int64_t before = resident_bytes();
  std::vector<TestClient> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(client());
    ASSERT_TRUE(clients.back().send("GET /hold HTTP/1.1\r\nHost: t\r\n\r\n"));
  }
  for (TestClient& one : clients)
    ASSERT_NE(one.read_until("hello\n\n").find("hello"), std::string::npos);
  const int64_t bytes = resident_bytes() - before;
  std::printf("1,000 idle streams: %.1f MB\n", static_cast<double>(bytes) / 1e6);
  EXPECT_LT(bytes, int64_t{300} << 20);
  EXPECT_EQ(client().ask("GET", "/quick").status, 200);
  clients.clear();
  EXPECT_TRUE(wait_for([&] { return server->connections() == 0; }));
}

TEST_F(HttpTest, TurnsAwayTooManyConnections) {
  options.most_connections = 3;
  start();
  std::vector<TestClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(client());
    EXPECT_EQ(clients.back().ask("GET", "/quick").status, 200);
  }
  TestClient fourth = client();
  EXPECT_TRUE(fourth.read_all().starts_with("HTTP/1.1 503"));
  clients.pop_back();
  EXPECT_TRUE(wait_for([&] { return client().ask("GET", "/quick").status == 200; }));
}

TEST_F(HttpTest, AsksForKeys) {
  const auto file = std::filesystem::temp_directory_path() / "onmal_http_test_keys";
  std::filesystem::remove(file);
  const std::string user = ApiKeys::add(file, "kim", Role::kUser);
  const std::string admin = ApiKeys::add(file, "lee", Role::kAdmin);
  EXPECT_EQ(read_file(file).find(user), std::string::npos);
  EXPECT_THROW(ApiKeys::add(file, "kim", Role::kUser), Error);
  keys = ApiKeys(file);
  router.add(
      {"GET", "/admin", [](const std::shared_ptr<Exchange>& e) { e->respond({}); }, Role::kAdmin});
  start();
  const auto with = [](const std::string& key) { return "Authorization: Bearer " + key + "\r\n"; };
  EXPECT_EQ(client().ask("POST", "/echo", "x").status, 401);
  EXPECT_EQ(client().ask("POST", "/echo", "x", with("sk-onmal-wrong")).status, 401);
  EXPECT_EQ(client().ask("POST", "/echo", "x", with(user)).status, 200);
  EXPECT_EQ(client().ask("GET", "/admin", "", with(user)).status, 403);
  EXPECT_EQ(client().ask("GET", "/admin", "", with(admin)).status, 200);
  EXPECT_EQ(client().ask("GET", "/quick").status, 200);  // open to all
  write_file(file, "sha256:12 user kim\n");
  EXPECT_THROW(ApiKeys{file}, Error);
}

TEST_F(HttpTest, LimitsWrongKeysAndLetsRightOnesIn) {
  const auto file = std::filesystem::temp_directory_path() / "onmal_http_test_wrong_keys";
  std::filesystem::remove(file);
  const std::string right = "Authorization: Bearer " + ApiKeys::add(file, "kim", Role::kUser);
  keys = ApiKeys(file);
  options.wrong_keys = {60, 3, 0};
  start();
  TestClient one = client();
  std::vector<int> statuses;
  for (int i = 0; i < 5; ++i)
    statuses.push_back(client().ask("POST", "/echo", "x", "Authorization: Bearer no\r\n").status);
  EXPECT_EQ(statuses, (std::vector<int>{401, 401, 401, 429, 429}));
  const auto last = client().ask("POST", "/echo", "x", "Authorization: Basic no\r\n");
  EXPECT_EQ(last.status, 429);
  EXPECT_NE(last.head.find("Retry-After: 1"), std::string::npos);
  EXPECT_EQ(one.ask("POST", "/echo", "x", right + "\r\n").status, 200);
  EXPECT_EQ(one.ask("POST", "/echo", "x").status, 401);  // none is no guess
}

TEST_F(HttpTest, AnswersToItsOwnNamesAlone) {
  options.allowed_hosts = {"Friend.example"};
  start();
  const auto status = [&](const std::string& headers) {
    TestClient one = client();
    one.send("GET / HTTP/1.1\r\n" + headers + "\r\n");
    return one.read_answer().status;
  };
  for (const char* host : {"localhost", "LOCALHOST:8080", "localhost.", "127.0.0.1:1", "[::1]:8080",
                           "friend.example", "friend.example:443"})
    EXPECT_EQ(status(std::string("Host: ") + host + "\r\n"), 200) << host;
  for (const char* host :
       {"evil.example", "evil.example:8080", "localhost.evil.example", "10.0.0.1",
        "127.0.0.1.evil.example", "[::2]", "[::1", "localhost:80:80"})
    EXPECT_EQ(status(std::string("Host: ") + host + "\r\n"), 403) << host;
  EXPECT_EQ(status(""), 400);
  EXPECT_EQ(status("Host: localhost\r\nHost: evil.example\r\n"), 400);
  EXPECT_EQ(client().ask("OPTIONS", "/echo", "", "").status, 403);
  EXPECT_TRUE(is_allowed_host("10.0.0.1:80", "0.0.0.0", {}));
  EXPECT_TRUE(is_allowed_host("[fe80::1]", "::", {}));
  EXPECT_TRUE(is_allowed_host("any.example", "127.0.0.1", {"*"}));
  EXPECT_FALSE(is_allowed_host("any.example", "0.0.0.0", {}));
}

TEST_F(HttpTest, TakesJsonAloneWhereARouteSaysSo) {
  Route route{"POST", "/json", [](const std::shared_ptr<Exchange>& e) { e->respond({}); }};
  route.json_body = true;
  router.add(std::move(route));
  start();
  for (const char* type : {"application/json", "Application/JSON ; charset=utf-8"})
    EXPECT_EQ(
        client().ask("POST", "/json", "{}", std::string("Content-Type: ") + type + "\r\n").status,
        200);
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "application/jsonp"})
    EXPECT_EQ(
        client().ask("POST", "/json", "{}", std::string("Content-Type: ") + type + "\r\n").status,
        415);
  EXPECT_EQ(client().ask("POST", "/json", "{}", "").status, 415);
}

TEST_F(HttpTest, LimitsRates) {
  limiter = std::make_unique<RateLimiter>(RateLimits{60, 2, 0});
  start();
  TestClient one = client();
  EXPECT_EQ(one.ask("POST", "/echo", "x").status, 200);
  EXPECT_EQ(one.ask("POST", "/echo", "x").status, 200);
  const auto third = client().ask("POST", "/echo", "x");
  EXPECT_EQ(third.status, 429);
  EXPECT_NE(third.head.find("Retry-After: 1"), std::string::npos);
}

TEST(RateLimiter, CountsOpenRequestsAndRefills) {
  RateLimiter limiter({60, 2, 2});
  const auto start = RateLimiter::Clock::now();
  int wait = 0;
  const auto one = limiter.admit("a", wait, start);
  auto two = limiter.admit("a", wait, start);
  EXPECT_TRUE(one != nullptr && two != nullptr);
  EXPECT_EQ(limiter.admit("a", wait, start + std::chrono::minutes(1)), nullptr);  // both open
  EXPECT_NE(limiter.admit("b", wait, start), nullptr);
  two.reset();
  EXPECT_NE(limiter.admit("a", wait, start + std::chrono::minutes(2)), nullptr);
  RateLimiter slow({6, 1, 0});
  EXPECT_NE(slow.admit("a", wait, start), nullptr);
  EXPECT_EQ(slow.admit("a", wait, start + std::chrono::seconds(4)), nullptr);
  EXPECT_EQ(wait, 6);
  EXPECT_NE(slow.admit("a", wait, start + std::chrono::seconds(10)), nullptr);
}

TEST_F(HttpTest, KnowsOrigins) {
  options.cors_origins = {"https://friend.example"};
  start();
  EXPECT_EQ(client().ask("POST", "/echo", "x", "Origin: https://evil.example\r\n").status, 403);
  EXPECT_EQ(client().ask("POST", "/echo", "x", "Origin: http://test\r\n").status, 200);
  const auto friendly = client().ask("POST", "/echo", "x", "Origin: https://friend.example\r\n");
  EXPECT_EQ(friendly.status, 200);
  EXPECT_NE(friendly.head.find("Access-Control-Allow-Origin: https://friend.example"),
            std::string::npos);
  const auto asked = client().ask("OPTIONS", "/echo", "", "Origin: https://friend.example\r\n");
  EXPECT_EQ(asked.status, 204);
  EXPECT_NE(asked.head.find("Access-Control-Allow-Methods: POST"), std::string::npos);
}

TEST_F(HttpTest, ServesFilesFromMemory) {
  start();
  TestClient one = client();
  const auto page = one.ask("GET", "/");
  EXPECT_EQ(page.body, "<p>hello</p>");
  EXPECT_NE(page.head.find("Content-Security-Policy: default-src 'self'"), std::string::npos);
  EXPECT_EQ(one.ask("GET", "/index.html", "", "If-None-Match: \"tag1\"\r\n").status, 304);
  one.send("HEAD / HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_NE(one.read_until("\r\n\r\n").find("Content-Length: 12"), std::string::npos);
  EXPECT_EQ(one.ask("GET", "/quick").status, 200);
  EXPECT_EQ(client().ask("GET", "/../../etc/passwd").status, 404);
  EXPECT_EQ(client().ask("GET", "/%2e%2e/%2e%2e/etc/passwd").status, 404);
}

TEST_F(HttpTest, CountsAndWritesDown) {
  const auto file = std::filesystem::temp_directory_path() / "onmal_http_test_audit";
  std::filesystem::remove(file);
  audit = std::make_unique<AuditLog>(file);
  start();
  client().ask("POST", "/echo", "a secret text");
  client().ask("GET", "/part/secret/of/x");
  ASSERT_TRUE(wait_for([&] { return server->connections() == 0; }));
  const std::string lines = read_file(file);
  EXPECT_EQ(lines.find("secret"), std::string::npos);
  EXPECT_NE(lines.find(R"("route":"/part/{a}/of/{b}","status":200)"), std::string::npos) << lines;
  const std::string text = metrics.text();
  EXPECT_NE(text.find("onmal_http_requests_total{route=\"/echo\",status=\"200\"} 1\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("onmal_http_request_seconds_bucket{route=\"/echo\",le=\"+Inf\"} 1\n"),
            std::string::npos);
}

TEST_F(HttpTest, EndsGracefully) {
  options.grace_seconds = 5;
  start();
  TestClient idle = client();
  EXPECT_EQ(idle.ask("GET", "/quick").status, 200);
  TestClient busy = client();
  busy.send("GET /hold HTTP/1.1\r\nHost: t\r\n\r\n");
  busy.read_until("hello\n\n");
  std::thread stopper([&] { server->stop(); });
  bool closed = false;
  idle.read_all(&closed);
  EXPECT_TRUE(closed);
  ASSERT_TRUE(wait_for([&] {
    const std::lock_guard lock(mutex);
    return held.size() == 1;
  }));
  held[0]->write_event("bye");
  held[0]->end();
  EXPECT_NE(busy.read_all().find("bye"), std::string::npos);
  stopper.join();
}

// The leak checker sees what is left in a cycle.
TEST_F(HttpTest, LeavesNothingOfStreamsThatOutliveIt) {
  start();
  TestClient begun = client(), unread = client(), idle = client();
  begun.send("GET /hold HTTP/1.1\r\nHost: t\r\n\r\n");
  begun.read_until("hello\n\n");
  unread.send("GET /flood HTTP/1.1\r\nHost: t\r\n\r\n");
  server.reset();
  ASSERT_EQ(held.size(), 1U);
  EXPECT_TRUE(held[0]->stop().stop_requested());
  EXPECT_FALSE(held[0]->write("more"));
  held[0]->end();
  held.clear();
}

TEST_F(HttpTest, StopsWhatDoesNotEnd) {
  start();
  TestClient one = client();
  one.send("GET /stop HTTP/1.1\r\nHost: t\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  server->stop();
  EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace onmal
