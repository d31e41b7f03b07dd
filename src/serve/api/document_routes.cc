#include <filesystem>
#include <set>
#include <utility>

#include "base/file.h"
#include "knowledge/add_files.h"
#include "serve/api/api.h"
#include "serve/http/multipart.h"

namespace onmal {
namespace {

constexpr uint64_t kMostUploadBytes = uint64_t{256} << 20;

KnowledgeStore& store_of(Api& api) {
  if (api.store != nullptr) return *api.store;
  throw HttpError(404, "This server keeps no documents.", "no_documents");
}

// A name that may also be a folder's: no separators, nothing hidden.
std::string collection_of(const Exchange& exchange) {
  const std::string& name = exchange.request().parts[0];
  if (name.empty() || name.size() > 100 || safe_file_name(name) != name)
    throw HttpError(400, "The name of the collection is not usable.", "invalid_value", "name");
  return name;
}

std::vector<StoredDocument> documents_of(Api& api, const std::string& collection) {
  Access access;
  access.collections = {collection};
  return store_of(api).documents(access);
}

ApiJson document_json(const StoredDocument& document) {
  return {{"id", document.id},
          {"file", std::filesystem::path(document.source).filename().string()},
          {"title", document.title},
          {"format", document.format},
          {"passages", document.chunks},
          {"characters", nullptr},
          {"bytes", document.bytes}};
}

void list_collections(Api& api, const std::shared_ptr<Exchange>& exchange) {
  std::map<std::string, int64_t> counts;
  for (const StoredDocument& document : store_of(api).documents({})) ++counts[document.collection];
  ApiJson rows = ApiJson::array();
  for (const auto& [name, count] : counts) rows.push_back({{"name", name}, {"documents", count}});
  respond_json(*exchange, {{"collections", std::move(rows)}});
}

void list_documents(Api& api, const std::shared_ptr<Exchange>& exchange) {
  ApiJson rows = ApiJson::array();
  for (const StoredDocument& document : documents_of(api, collection_of(*exchange)))
    rows.push_back(document_json(document));
  respond_json(*exchange, {{"documents", std::move(rows)}});
}

void remove_document(Api& api, const std::shared_ptr<Exchange>& exchange) {
  const std::string collection = collection_of(*exchange);
  for (const StoredDocument& document : documents_of(api, collection)) {
    if (std::to_string(document.id) != exchange->request().parts[1]) continue;
    StoreBatch batch;
    batch.remove.push_back(document.id);
    store_of(api).apply(batch);
    // What was uploaded goes too; what lies elsewhere on the machine is not ours.
    const std::filesystem::path file = document.source;
    std::error_code ignored;
    if (file.parent_path() == api.upload_folder / collection)
      std::filesystem::remove(file, ignored);
    return respond_json(*exchange, {{"deleted", true}, {"id", document.id}});
  }
  throw HttpError(404, "There is no such document.", "not_found", "id");
}

// Writes the file whole, then reads it into the store; it is acknowledged after both.
void add_one(Api& api, Exchange& exchange, const std::string& collection, const FormPart& part) {
  const auto say = [&](const ApiJson& event) { exchange.write_event(dump(event)); };
  const std::string name = safe_file_name(part.file_name);
  const auto refuse = [&](const std::string& reason) {
    say({{"type", "refused"}, {"file", part.file_name}, {"reason", reason}});
  };
  if (name.empty()) return refuse("the file has no usable name");
  say({{"type", "progress"},
       {"file", part.file_name},
       {"done_bytes", 0},
       {"total_bytes", part.bytes.size()}});
  const std::filesystem::path folder = api.upload_folder / collection;
  const std::filesystem::path path = folder / name;
  std::filesystem::create_directories(folder);
  write_file(path, part.bytes);
  AddOptions how;
  how.collection = collection;
  const std::lock_guard lock(api.pool_mutex);
  const std::array<std::filesystem::path, 1> paths = {path};
  const AddReport report =
      add_files(store_of(api), api.embedder, *api.pool, paths, how, [](const AddProgress&) {});
  if (!report.refused.empty()) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    return refuse(without_paths(report.refused[0].reason));
  }
  say({{"type", "progress"},
       {"file", part.file_name},
       {"done_bytes", part.bytes.size()},
       {"total_bytes", part.bytes.size()}});
  for (const StoredDocument& document : documents_of(api, collection)) {
    if (std::filesystem::path(document.source).filename() != name) continue;
    ApiJson event = {{"type", "document"}};
    event.update(document_json(document));
    event["file"] = part.file_name;
    event["characters"] = report.text_bytes;
    return say(event);
  }
}

void add_documents(Api& api, const std::shared_ptr<Exchange>& exchange) {
  store_of(api);
  const std::string collection = collection_of(*exchange);
  const ServerRequest& request = exchange->request();
  const std::vector<FormPart> parts = parse_multipart(request.header("Content-Type"), request.body);
  exchange->begin_stream("text/event-stream");
  for (const FormPart& part : parts) {
    if (part.file_name.empty()) continue;
    if (exchange->stop().stop_requested()) break;
    try {
      add_one(api, *exchange, collection, part);
    } catch (const Error& error) {
      const HttpError told = to_http_error(error);
      exchange->write_event(
          dump({{"type", "refused"}, {"file", part.file_name}, {"reason", told.what()}}));
    }
  }
  exchange->write_event("[DONE]");
  exchange->end();
}

std::string neighbour(const std::vector<Passage>& all, size_t at, int step) {
  const auto other = static_cast<int64_t>(at) + step;
  if (other < 0 || other >= static_cast<int64_t>(all.size())) return "";
  return all[static_cast<size_t>(other)].text;
}

void show_passage(Api& api, const std::shared_ptr<Exchange>& exchange) {
  const std::string collection = collection_of(*exchange);
  const std::string& id = exchange->request().parts[1];
  if (id.empty() || id.size() > 18 || id.find_first_not_of("0123456789") != std::string::npos)
    throw HttpError(404, "There is no such passage.", "not_found", "id");
  const std::array<int64_t, 1> wanted = {std::stoll(id)};
  const std::vector<Passage> found = store_of(api).passages(wanted);
  std::set<int64_t> visible;
  for (const StoredDocument& document : documents_of(api, collection)) visible.insert(document.id);
  if (found.empty() || !visible.contains(found[0].document))
    throw HttpError(404, "There is no such passage.", "not_found", "id");
  const Passage& passage = found[0];
  const std::vector<Passage> all = store_of(api).document_passages(passage.document);
  size_t at = 0;
  while (at < all.size() && all[at].chunk != passage.chunk) ++at;
  ApiJson out = {{"id", passage.chunk},
                 {"source", std::filesystem::path(passage.source).filename().string()},
                 {"title", passage.title}};
  if (passage.page > 0) out["page"] = passage.page;
  out["text"] = passage.text;
  out["start"] = passage.begin_character;
  out["end"] = passage.end;
  out["before"] = neighbour(all, at, -1);
  out["after"] = neighbour(all, at, 1);
  respond_json(*exchange, out);
}

}  // namespace

void add_document_routes(Router& router, Api& api) {
  add_api_route(router, api, "GET", "/api/collections", list_collections);
  add_api_route(router, api, "GET", "/api/collections/{name}/documents", list_documents);
  add_api_route(router, api, "POST", "/api/collections/{name}/documents", add_documents,
                kMostUploadBytes);
  add_api_route(router, api, "DELETE", "/api/collections/{name}/documents/{id}", remove_document);
  add_api_route(router, api, "GET", "/api/collections/{name}/passages/{id}", show_passage);
}

}  // namespace onmal
