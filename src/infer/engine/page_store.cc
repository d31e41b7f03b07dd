#include "infer/engine/page_store.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

namespace onmal {
namespace {

// A file: this mark, its own name, the page's bytes, FNV-1a of all before.
constexpr std::string_view kMark = "OnmalPg1";
constexpr std::string_view kEnding = ".page";
constexpr size_t kNameSize = 64;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view number_bytes(const uint64_t& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

// A few stretches of a tensor's bytes, spread over all of it.
void add_sample(Sha256& digest, const Tensor& tensor) {
  constexpr int64_t kStretches = 16;
  constexpr int64_t kBytes = 64;
  const int64_t size = tensor.bytes();
  for (int64_t i = 0; i < kStretches; ++i) {
    const int64_t begin = (size - std::min(size, kBytes)) * i / (kStretches - 1);
    const int64_t count = std::min(size - begin, kBytes);
    digest.add({tensor.data_as<std::byte>() + begin, static_cast<size_t>(count)});
  }
}

}  // namespace

std::string page_fingerprint(const LanguageModel& model, const PagePool& pool, int64_t context,
                             int precision) {
  Sha256 digest;
  const Tensor& keys = pool.layer(0).keys;
  const auto add = [&](const std::string& text) { digest.add(bytes_of(text + "\n")); };
  add(model.decoder->config().architecture);
  add(std::string(dtype_info(keys.dtype()).name));
  for (const int64_t number :
       {pool.layers(), keys.dim(2), keys.dim(3), context, static_cast<int64_t>(precision)})
    add(std::to_string(number));
  model.decoder->visit([&](const Param& param) {
    add(param.name + param.shape.to_string() + std::string(dtype_info(param.value.dtype()).name));
    add_sample(digest, param.value);
  });
  model.decoder->visit_linears([&](LinearLayer& layer) {
    for (LowRank& change : layer.changes) {
      add("change of " + layer.weight.name + std::to_string(change.scale) +
          (change.active ? " on" : " off"));
      change.visit([&](const Param& param) { add_sample(digest, param.value); });
    }
  });
  return digest.finish();
}

PageStore::PageStore(std::filesystem::path folder, uint64_t most_bytes, std::string fingerprint)
    : folder_(std::move(folder)), most_bytes_(most_bytes), fingerprint_(std::move(fingerprint)) {
  std::error_code failed;
  std::filesystem::create_directories(folder_, failed);
  std::vector<std::pair<std::filesystem::file_time_type, std::string>> by_age;
  std::filesystem::directory_iterator entries(folder_, failed);
  if (failed) {
    throw Error(ErrorCode::kIo, folder_.string(), "cannot be used: " + failed.message(),
                "name a folder that can be written");
  }
  for (const auto& entry : entries) {
    const std::filesystem::path& path = entry.path();
    if (path.extension() != kEnding || path.stem().string().size() != kNameSize) continue;
    const auto written = entry.last_write_time(failed);
    const uint64_t bytes = failed ? 0 : entry.file_size(failed);
    if (failed) continue;
    files_[path.stem().string()].bytes = bytes;
    bytes_ += bytes;
    by_age.emplace_back(written, path.stem().string());
  }
  std::sort(by_age.begin(), by_age.end());
  for (const auto& [written, name] : by_age) files_[name].last_used = ++clock_;
}

std::string PageStore::name_of(std::span<const int32_t> ids) const {
  Sha256 digest;
  digest.add(bytes_of(fingerprint_));
  digest.add(std::as_bytes(ids));
  return digest.finish();
}

void PageStore::forget(const std::string& name) {
  const auto found = files_.find(name);
  if (found == files_.end()) return;
  bytes_ -= found->second.bytes;
  files_.erase(found);
  std::error_code ignored;
  std::filesystem::remove(folder_ / (name + std::string(kEnding)), ignored);
}

void PageStore::put(std::span<const int32_t> ids, const PagePool& pool, int32_t page) {
  const std::string name = name_of(ids);
  const auto known = files_.find(name);
  if (known != files_.end()) {
    known->second.last_used = ++clock_;
    return;
  }
  const uint64_t size =
      kMark.size() + kNameSize + static_cast<uint64_t>(pool.page_bytes()) + sizeof(uint64_t);
  if (size > most_bytes_) return;
  while (bytes_ + size > most_bytes_) {
    const auto oldest = std::min_element(
        files_.begin(), files_.end(),
        [](const auto& a, const auto& b) { return a.second.last_used < b.second.last_used; });
    forget(std::string(oldest->first));
  }
  try {
    AtomicFile file(folder_ / (name + std::string(kEnding)));
    uint64_t sum = kFnv1aStart;
    const auto write = [&](std::string_view bytes) {
      sum = fnv1a(bytes, sum);
      file.write(bytes);
    };
    write(kMark);
    write(name);
    for (const std::span<std::byte> part : pool.parts(page)) write(text_of(part));
    file.write(number_bytes(sum));
    file.commit_unsynced();  // the checksum tells what a power cut left
  } catch (const Error&) {
    return;  // a full disk, say: the page is computed again
  }
  files_[name] = {size, ++clock_};
  bytes_ += size;
}

bool PageStore::get(std::span<const int32_t> ids, const PagePool& pool, int32_t page) {
  const std::string name = name_of(ids);
  const auto known = files_.find(name);
  if (known == files_.end()) return false;
  const std::vector<std::span<std::byte>> parts = pool.parts(page);
  try {
    const std::string text = read_file(folder_ / (name + std::string(kEnding)), most_bytes_);
    const std::string_view whole = text;
    const size_t begin = kMark.size() + kNameSize;
    const size_t end = begin + static_cast<size_t>(pool.page_bytes());
    const bool fits = whole.size() == end + sizeof(uint64_t) && whole.starts_with(kMark) &&
                      whole.substr(kMark.size(), kNameSize) == name;
    const uint64_t sum = fnv1a(whole.substr(0, std::min(end, whole.size())));
    if (!fits || number_bytes(sum) != whole.substr(end)) {
      forget(name);
      return false;
    }
    size_t at = begin;
    for (const std::span<std::byte> part : parts) {
      std::memcpy(part.data(), text.data() + at, part.size());
      at += part.size();
    }
  } catch (const Error&) {
    forget(name);
    return false;
  }
  known->second.last_used = ++clock_;
  return true;
}

}  // namespace onmal
