#include "cli/serve_command.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/memory_size.h"
#include "cli/bundled_model.h"
#include "cli/json_output.h"
#include "cli/know_store_options.h"
#include "models/model_file.h"
#include "serve/api/api.h"
#include "serve/api/page.h"
#include "serve/http/server.h"

namespace onmal {
namespace {

struct ServeOptions {
  std::vector<std::string> models;    // [NAME=]PATH
  std::vector<std::string> adapters;  // [[BASE:]NAME=]PATH
  std::string uploads, prices, words;
  KnowStoreOptions store;
  bool no_store = false;
  std::string ask_model;
  std::string keys_file, audit_file;
  std::string policy;
  bool no_moderation = false;
  std::string new_key;  // "NAME" or "NAME:admin": make one and leave
  double watts = 0;
  uint64_t model_memory_bytes = 0;
  EngineOptions engine;
  RateLimits limits;
  HttpServerOptions http;
};

ServedKind kind_of(const std::filesystem::path& path) {
  return open_model_file(path).kind() == ModelKind::kEncoder ? ServedKind::kEmbedding
                                                             : ServedKind::kChat;
}

void add_models(ServedModels& models, const ServeOptions& options) {
  std::vector<std::string> wanted = options.models;
  if (const std::filesystem::path starter = find_bundled_model("starter");
      wanted.empty() && !starter.empty())
    wanted.push_back("starter=" + starter.string());
  for (const std::string& one : wanted) {
    const size_t equals = one.find('=');
    const std::filesystem::path path = one.substr(equals == std::string::npos ? 0 : equals + 1);
    const std::string name =
        equals == std::string::npos ? path.filename().stem().string() : one.substr(0, equals);
    if (!std::filesystem::exists(path))
      throw Error(ErrorCode::kIo, path.string(), "is not there", "name a model file or folder");
    models.add(name, path, kind_of(path));
  }
  for (const std::string& one : options.adapters) {
    const size_t equals = one.find('=');
    const std::filesystem::path path = one.substr(equals == std::string::npos ? 0 : equals + 1);
    std::string name =
        equals == std::string::npos ? path.filename().stem().string() : one.substr(0, equals);
    std::string base;
    if (const size_t colon = name.find(':'); colon != std::string::npos) {
      base = name.substr(0, colon);
      name.erase(0, colon + 1);
    }
    models.add_adapter(base, name, path);
  }
}

// Files that clients send lie beside the store's file; a server's address names no place here.
std::filesystem::path upload_folder(const ServeOptions& options) {
  const bool elsewhere = options.store.store.find("://") != std::string::npos;
  const std::string usual = elsewhere ? "knowledge.files" : options.store.store + ".files";
  return std::filesystem::absolute(options.uploads.empty() ? usual : options.uploads);
}

// Every connection is an open file: as many as the system lets this program have.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::unique_ptr<Moderator> make_moderator(const ServeOptions& options) {
  if (options.no_moderation) return nullptr;
  auto moderator = std::make_unique<Moderator>(Moderator::standard());
  if (!options.policy.empty()) moderator->set_policy(Policy::read(options.policy));
  return moderator;
}

// The first address at hand for a reader; the bare one for programs.
void announce(CommandContext& context, const ServeOptions& options, uint16_t port) {
  const std::string scheme = options.http.certificate_file.empty() ? "http" : "https";
  const std::string address = fmt::format("{}://{}:{}", scheme, options.http.host, port);
  if (context.json) {
    print_json(context, {{"address", address}, {"port", port}});
  } else {
    context.out << address << "\n";
  }
  context.out.flush();
  context.err << "the page is at the address above, the API at its /v1; Ctrl-C ends it\n"
              << std::flush;
}

void wait_for_end(CommandContext& context) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait(lock, context.interrupts.token(), [] { return false; });
}

void require_safe(const ServeOptions& options, const ApiKeys& keys) {
  const std::string& host = options.http.host;
  const bool local = host == "127.0.0.1" || host == "::1" || host == "localhost";
  if (local || !keys.empty()) return;
  throw Error(ErrorCode::kInvalidArgument, "--host " + options.http.host,
              "would let everybody in the network use this machine",
              "make keys with --new-key and give --api-keys, or serve on 127.0.0.1");
}

void serve(CommandContext& context, ServeOptions& options) {
  if (!options.new_key.empty()) {
    const bool admin = options.new_key.ends_with(":admin");
    const std::string name =
        admin ? options.new_key.substr(0, options.new_key.size() - 6) : options.new_key;
    context.out << ApiKeys::add(options.keys_file, name, admin ? Role::kAdmin : Role::kUser)
                << "\n";
    return;
  }
  const ApiKeys keys = options.keys_file.empty() ? ApiKeys() : ApiKeys(options.keys_file);
  require_safe(options, keys);
  ThreadPool pool(context.threads);
  ServedModels models({context.threads, options.engine, options.model_memory_bytes});
  add_models(models, options);
  const std::unique_ptr<KnowledgeStore> store =
      options.no_store ? nullptr : open_store(options.store, false);
  const std::unique_ptr<Embedder> embedder =
      store == nullptr ? nullptr : open_embedder(options.store, *store, pool);
  const std::unique_ptr<Reranker> reranker = open_reranker(options.store, pool);
  Metrics metrics;
  Api api(metrics, options.watts);
  api.models = &models;
  api.store = store.get();
  api.embedder = embedder.get();
  api.reranker = reranker.get();
  api.rerank_depth = options.store.rerank_depth;
  api.pool = &pool;
  api.version = kVersion;
  api.ask_model = options.ask_model;
  const std::unique_ptr<Moderator> moderator = make_moderator(options);
  api.moderator = moderator.get();
  api.upload_folder = upload_folder(options);
  api.word_vectors = options.words;
  if (!options.prices.empty()) api.prices = PriceList::read(options.prices);
  Router router;
  add_api_routes(router, api);
  add_static_files(router, page_files());
  RateLimiter limiter(options.limits);
  std::unique_ptr<AuditLog> audit;
  if (!options.audit_file.empty()) audit = std::make_unique<AuditLog>(options.audit_file);
  HttpServerParts parts{&router, &keys, &limiter, &metrics, audit.get()};
  std::mutex log_mutex;
  parts.log = [&](std::string_view line) {
    const std::lock_guard lock(log_mutex);
    context.err << "onmal serve: " << line << "\n" << std::flush;
  };
  raise_file_limit();
  HttpServer server(options.http, parts);
  announce(context, options, server.port());
  wait_for_end(context);
  context.err << "ending\n" << std::flush;
  server.stop();
}

void add_engine_options(CLI::App& command, ServeOptions& options) {
  options.engine.generator.speculation.draft_tokens = 0;
  command
      .add_option("--context", options.engine.generator.context,
                  "Most tokens of a request and its answer; 0: the model's own")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      .add_option("--parallel", options.engine.most_running,
                  "Requests that a model answers together")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command
      .add_option("--cache-tokens", options.engine.cache_tokens,
                  "Tokens of requests, answers and those to come that a model remembers; 0: four "
                  "times --context, or what half of the free memory holds")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--cache-folder", options.engine.cache_folder,
                     "Folder for what --cache-tokens has no room for; found again after a restart");
  command
      .add_option("--cache-folder-size", options.engine.cache_folder_bytes,
                  "Most bytes in that folder (10GB)")
      ->transform(CLI::AsSizeValue(false));
  command
      .add_option("--queue", options.engine.most_waiting,
                  "Requests that may wait beyond those; others get 429")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  command
      .add_option("--model-memory", options.model_memory_bytes,
                  "Bytes of weights to keep loaded (2GB); beyond, the longest unused go, never one "
                  "in use; 0: all")
      ->transform(CLI::AsSizeValue(false));
}

void add_network_options(CLI::App& command, ServeOptions& options) {
  command.add_option("--host", options.http.host, "Address to listen at")->capture_default_str();
  command.add_option("--port", options.http.port, "0: any free one")->capture_default_str();
  command.add_option("--api-keys", options.keys_file,
                     "File of keys that are let in (their hashes); without: everybody who reaches "
                     "the address");
  command.add_option("--new-key", options.new_key,
                     "NAME or NAME:admin: make a key, add it to --api-keys, print it and leave");
  command.add_option("--audit", options.audit_file,
                     "Append a JSON line for each request (no texts)");
  command
      .add_option("--cors", options.http.cors_origins, "An origin whose pages may call; '*': any")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command
      .add_option("--allow-host", options.http.allowed_hosts,
                  "A name that the server is reached by, beside localhost and --host; others are "
                  "refused (DNS rebinding); '*': any")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command.add_option("--tls-certificate", options.http.certificate_file, "PEM");
  command.add_option("--tls-key", options.http.key_file, "PEM");
  command
      .add_option("--rate", options.limits.requests_per_minute,
                  "Requests a minute of one client; 0: any number")
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--most-body", options.http.most_body_bytes,
                  "Bytes of a request's body (files may be larger)")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
}

}  // namespace

void add_serve_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<ServeOptions>();
  CLI::App* command =
      app.add_subcommand("serve", "An OpenAI-compatible API and a page, for models and documents");
  command
      ->add_option("-m,--model", options->models,
                   "[NAME=]PATH of a model; several may be given (default: the one "
                   "that comes with the program)")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command
      ->add_option("--adapter", options->adapters,
                   "[[BASE:]NAME=]PATH of a LoRA adapter, served as the models BASE:NAME and NAME; "
                   "several may be given")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  add_know_store_options(*command, options->store, false);
  command->add_option("--uploads", options->uploads,
                      "Folder of the files that clients send (default: STORE.files)");
  command->add_option("--words", options->words,
                      "Word vectors that the page's map shows; without: a chat model's own");
  add_rerank_options(*command, options->store);
  command->add_flag("--no-store", options->no_store, "Keep no documents");
  command->add_option("--ask-model", options->ask_model,
                      "Name of the model that writes answers from documents; without: their own "
                      "sentences are the answer");
  command->add_option("--policy", options->policy,
                      "TOML file: what is done about which category where");
  command->add_flag("--no-moderation", options->no_moderation, "Let everything through unjudged");
  command
      ->add_option("--watts", options->watts,
                   "What the processor draws, to estimate energy where it cannot be read")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--prices", options->prices,
                      "TOML file: what tokens and energy cost (see docs/SERVE.md)");
  add_engine_options(*command, *options);
  add_network_options(*command, *options);
  command->callback([&context, options] {
    if (!options->new_key.empty() && options->keys_file.empty())
      throw CLI::ValidationError("--new-key", "needs --api-keys FILE to add it to");
    serve(context, *options);
  });
}

}  // namespace onmal
