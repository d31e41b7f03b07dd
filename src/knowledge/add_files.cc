#include "knowledge/add_files.h"

#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <map>
#include <new>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "knowledge/analyzer.h"
#include "knowledge/dense/quantized_vector.h"
#include "knowledge/lexical/terms.h"
#include "text/utf8.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostFilesAtOnce = 512;
constexpr size_t kChunkHashBytes = 16;

std::string sha256(std::initializer_list<std::string_view> parts) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   EVP_MD_CTX_free);
  bool done = context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  for (const std::string_view part : parts)
    done = done && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  done = done && EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1;
  if (!done) throw Error(ErrorCode::kResource, "SHA-256", "could not be computed");
  return {reinterpret_cast<const char*>(digest.data()), size};
}

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<uint8_t>(byte) >> 4];
    text += kDigits[static_cast<uint8_t>(byte) & 15];
  }
  return text;
}

struct Candidate {
  std::string source;  // absolute, without . and ..
  int64_t bytes = 0;
  int64_t modified_ns = 0;
};

bool is_hidden(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.size() > 1 && name[0] == '.';
}

std::string source_of(const fs::path& path) {
  std::string source = fs::absolute(path).lexically_normal().string();
  if (source.size() > 1 && source.back() == '/') source.pop_back();
  return source;
}

class FileList {
 public:
  void add(const fs::path& path, std::vector<RefusedFile>& refused) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (error || !fs::exists(status)) {
      throw Error(ErrorCode::kIo, path.string(), "is not there",
                  "give files or folders that can be read");
    }
    if (!fs::is_directory(status)) return add_file(path, refused);
    auto entry = fs::recursive_directory_iterator(
        path, fs::directory_options::skip_permission_denied, error);
    if (error) throw Error(ErrorCode::kIo, path.string(), "cannot be listed: " + error.message());
    for (const fs::recursive_directory_iterator end; entry != end; entry.increment(error)) {
      if (error) break;
      if (is_hidden(entry->path())) {
        if (entry->is_directory(error)) entry.disable_recursion_pending();
        continue;
      }
      if (entry->is_regular_file(error)) add_file(entry->path(), refused);
    }
  }

  // In the order of their names.
  std::vector<Candidate> take() {
    std::sort(files_.begin(), files_.end(),
              [](const Candidate& a, const Candidate& b) { return a.source < b.source; });
    return std::move(files_);
  }

 private:
  void add_file(const fs::path& path, std::vector<RefusedFile>& refused) {
    Candidate file{source_of(path)};
    if (!seen_.insert(file.source).second) return;
    struct stat about {};
    if (::stat(file.source.c_str(), &about) != 0)
      return refused.push_back({file.source, "cannot be read"});
    if (find_invalid_utf8(file.source) != std::string::npos ||
        file.source.find('\n') != std::string::npos)
      return refused.push_back({file.source, "its name is no UTF-8 text of one line; rename it"});
    file.bytes = about.st_size;
    file.modified_ns = about.st_mtim.tv_sec * int64_t{1'000'000'000} + about.st_mtim.tv_nsec;
    files_.push_back(std::move(file));
  }

  std::vector<Candidate> files_;
  std::unordered_set<std::string> seen_;
};

// What became of one file.
struct Prepared {
  enum class Kind : uint8_t { kNothing, kTouch, kAdd, kRefused };
  Kind kind = Kind::kNothing;
  NewDocument document;
  uint64_t text_bytes = 0;
  std::string reason;
};

class FileAdder {
 public:
  FileAdder(KnowledgeStore& store, Embedder* embedder, ThreadPool& pool, const AddOptions& options,
            const std::stop_token& stop)
      : store_(store), embedder_(embedder), pool_(pool), options_(options), stop_(stop) {
    for (int i = 0; i < pool.threads(); ++i) analyzers_.emplace_back();
    Access access;
    access.collections = {options.collection};
    for (StoredDocument& document : store.documents(access))
      known_.emplace(document.source, std::move(document));
    // What a document's chunks depend on beside its bytes.
    std::string settings = "chunks 1 " + std::to_string(options.chunk.most_tokens) + " " +
                           std::to_string(options.chunk.overlap_tokens) + "\n";
    for (const std::string& label : options.labels) settings += label + "\n";
    settings_hash_ = hexadecimal(sha256({settings}).substr(0, 4));
  }

  void run(std::vector<Candidate> files, FunctionRef<void(const AddProgress&)> progress) {
    AddProgress done;
    done.all_files = files.size();
    for (const Candidate& file : files) done.all_bytes += static_cast<uint64_t>(file.bytes);
    for (size_t next = 0; next < files.size();) {
      check_stop();
      std::vector<Candidate> batch;
      uint64_t bytes = 0;
      for (; next < files.size() && bytes < options_.batch_bytes && batch.size() < kMostFilesAtOnce;
           ++next) {
        ++done.files;
        done.bytes += static_cast<uint64_t>(files[next].bytes);
        if (is_unchanged(files[next])) continue;
        bytes += static_cast<uint64_t>(files[next].bytes);
        batch.push_back(std::move(files[next]));
      }
      commit(batch);
      progress(done);
    }
  }

  void remove_missing(std::span<const fs::path> roots, const std::vector<Candidate>& files) {
    std::unordered_set<std::string> there;
    for (const Candidate& file : files) there.insert(file.source);
    StoreBatch batch;
    for (const auto& [source, document] : known_) {
      if (there.contains(source)) continue;
      const bool below = std::any_of(roots.begin(), roots.end(), [&](const fs::path& root) {
        const std::string folder = source_of(root) + "/";
        return source.starts_with(folder == "//" ? "/" : folder);
      });
      if (below) batch.remove.push_back(document.id);
    }
    if (batch.remove.empty()) return;
    store_.apply(batch);
    report.removed += static_cast<int64_t>(batch.remove.size());
  }

  AddReport report;

 private:
  void check_stop() const {
    if (stop_.stop_requested())
      throw Error(ErrorCode::kCancelled, "know add", "stopped", "run it again to go on");
  }

  bool is_unchanged(const Candidate& file) {
    const auto known = known_.find(file.source);
    if (known == known_.end() || known->second.hash.empty()) return false;
    const StoredDocument& document = known->second;
    if (document.bytes != file.bytes || document.modified_ns != file.modified_ns ||
        document.labels != options_.labels || !document.hash.ends_with(settings_hash_))
      return false;
    ++report.unchanged;
    return true;
  }

  void commit(const std::vector<Candidate>& files) {
    if (files.empty()) return;
    std::vector<Prepared> prepared(files.size());
    pool_.run(static_cast<int64_t>(files.size()), [&](int64_t task, int thread) {
      if (stop_.stop_requested()) return;
      const auto i = static_cast<size_t>(task);
      try {
        prepare(files[i], analyzers_[static_cast<size_t>(thread)], prepared[i]);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kCancelled) throw;
        refuse(prepared[i], error.what());
      } catch (const std::bad_alloc&) {
        refuse(prepared[i], "too little memory to read it");
      }
    });
    check_stop();
    embed(prepared);
    StoreBatch batch;
    for (size_t i = 0; i < files.size(); ++i) sort(files[i], prepared[i], batch);
    store_.apply(batch);
  }

  static void refuse(Prepared& out, std::string reason) {
    out = Prepared();
    out.kind = Prepared::Kind::kRefused;
    out.reason = std::move(reason);
  }

  void prepare(const Candidate& file, const Analyzer& analyzer, Prepared& out) const {
    const std::string bytes = read_file(file.source, options_.limits.file_bytes);
    StoredDocument& info = out.document.info;
    info.hash = hexadecimal(sha256({bytes})) + settings_hash_;
    info.bytes = static_cast<int64_t>(bytes.size());
    info.modified_ns = file.modified_ns;
    const auto known = known_.find(file.source);
    if (known != known_.end() && known->second.hash == info.hash) {
      info.id = known->second.id;
      out.kind = Prepared::Kind::kTouch;
      return;
    }
    const Document document = read_document_bytes(bytes, file.source, options_.limits);
    info.collection = options_.collection;
    info.source = file.source;
    info.title = document.title;
    info.format = document.format;
    info.labels = options_.labels;
    out.kind = Prepared::Kind::kAdd;
    out.text_bytes = document.text.size();
    int64_t character = 0;
    uint64_t counted = 0;  // bytes whose characters are counted
    const auto count = [](std::string_view text) { return estimate_tokens(text); };
    for (Chunk& chunk : chunk_document(document, options_.chunk, count)) {
      NewChunk made;
      const std::string_view text = document.text;
      // Overlapping chunks begin before the last one's end: counted back from there.
      if (chunk.begin < counted) {
        character -=
            static_cast<int64_t>(count_characters(text.substr(chunk.begin, counted - chunk.begin)));
      } else {
        character +=
            static_cast<int64_t>(count_characters(text.substr(counted, chunk.begin - counted)));
      }
      counted = chunk.begin;
      made.begin = chunk.begin;
      made.end = chunk.end;
      made.begin_character = character;
      made.page = chunk.page;
      made.text = text.substr(chunk.begin, chunk.end - chunk.begin);
      made.headings = std::move(chunk.headings);
      for (std::string& heading : made.headings)
        std::replace(heading.begin(), heading.end(), '\n', ' ');
      made.terms = chunk_terms(analyzer, titles(document.title, made.headings), made.text);
      if (embedder_ != nullptr)
        made.hash = sha256({join(made.headings), made.text}).substr(0, kChunkHashBytes);
      out.document.chunks.push_back(std::move(made));
    }
  }

  // A document's title is often its first heading.
  static std::string titles(const std::string& title, const std::vector<std::string>& headings) {
    const bool twice = !headings.empty() && headings.front() == title;
    return (twice ? "" : title + "\n") + join(headings);
  }

  static std::string join(const std::vector<std::string>& headings) {
    std::string text;
    for (const std::string& heading : headings) text += heading + "\n";
    return text;
  }

  // Gives every new chunk its vector: that of an equal chunk, else the model's.
  void embed(std::vector<Prepared>& prepared) {
    if (embedder_ == nullptr) return;
    std::vector<NewChunk*> missing;
    std::vector<std::string> texts;
    for (Prepared& one : prepared) {
      for (NewChunk& chunk : one.document.chunks) {
        chunk.vector = store_.find_vector(chunk.hash);
        if (!chunk.vector.empty()) {
          ++report.vectors_kept;
          continue;
        }
        missing.push_back(&chunk);
        texts.push_back(join(chunk.headings) + chunk.text);
      }
    }
    const std::vector<float> values = embedder_->embed(texts, EmbedSide::kPassage, stop_);
    const auto dimensions = static_cast<size_t>(embedder_->dimensions());
    for (size_t i = 0; i < missing.size(); ++i) {
      missing[i]->vector =
          encode_vector(quantize_vector(std::span(values).subspan(i * dimensions, dimensions)));
      ++report.vectors_made;
    }
  }

  void sort(const Candidate& file, Prepared& prepared, StoreBatch& batch) {
    switch (prepared.kind) {
      case Prepared::Kind::kNothing:
        break;
      case Prepared::Kind::kTouch:
        ++report.unchanged;
        batch.touch.push_back(std::move(prepared.document.info));
        break;
      case Prepared::Kind::kAdd:
        ++(known_.contains(file.source) ? report.changed : report.added);
        report.chunks += static_cast<int64_t>(prepared.document.chunks.size());
        report.text_bytes += prepared.text_bytes;
        batch.add.push_back(std::move(prepared.document));
        break;
      case Prepared::Kind::kRefused:
        report.refused.push_back({file.source, prepared.reason});
        break;
    }
  }

  KnowledgeStore& store_;
  Embedder* embedder_;
  ThreadPool& pool_;
  const AddOptions& options_;
  const std::stop_token& stop_;
  std::vector<Analyzer> analyzers_;  // one a thread
  std::unordered_map<std::string, StoredDocument> known_;
  std::string settings_hash_;
};

void check_names(const AddOptions& options) {
  const auto check = [](const std::string& name, const char* what) {
    if (!name.empty() && find_invalid_utf8(name) == std::string::npos &&
        name.find('\n') == std::string::npos && name.find('\0') == std::string::npos)
      return;
    throw Error(ErrorCode::kInvalidArgument, "know add",
                std::string("a ") + what + " is a line of text, not '" + name + "'");
  };
  check(options.collection, "collection");
  for (const std::string& label : options.labels) check(label, "label");
}

}  // namespace

AddReport add_files(KnowledgeStore& store, Embedder* embedder, ThreadPool& pool,
                    std::span<const std::filesystem::path> paths, const AddOptions& options,
                    FunctionRef<void(const AddProgress&)> progress, const std::stop_token& stop) {
  check_names(options);
  if (embedder != nullptr) store.set_embedder(embedder->identity(), embedder->dimensions());
  FileAdder adder(store, embedder, pool, options, stop);
  FileList list;
  for (const fs::path& path : paths) list.add(path, adder.report.refused);
  const std::vector<Candidate> files = list.take();
  adder.run(files, progress);
  if (options.remove_missing) adder.remove_missing(paths, files);
  return std::move(adder.report);
}

}  // namespace onmal
