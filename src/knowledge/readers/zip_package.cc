#include "knowledge/readers/zip_package.h"

#include <zip.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"

namespace onmal {
namespace {

constexpr uint64_t kMostZipParts = 20000;
constexpr uint64_t kMostRatio = 300;                 // unpacked to packed, of all parts
constexpr uint64_t kFreeBytes = uint64_t{32} << 20;  // whatever the ratio
constexpr uint64_t kMostPart = uint64_t{256} << 20;
constexpr int64_t kMostXmlItems = 6'000'000;  // elements and attributes: about 600 MB of tree

struct CloseZipFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

}  // namespace

ZipPackage::ZipPackage(std::string_view bytes, std::string where, const ReadLimits& limits)
    : where_(std::move(where)),
      left_(std::min(limits.text_bytes * 2, std::max(kFreeBytes, bytes.size() * kMostRatio))) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source != nullptr) archive_ = zip_open_from_source(source, ZIP_RDONLY, &error);
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  if (archive_ != nullptr) {
    if (zip_get_num_entries(archive_, 0) <= static_cast<zip_int64_t>(kMostZipParts)) return;
    zip_discard(archive_);
    throw Error(ErrorCode::kResource, where_, "a zip file of more than 20000 parts");
  }
  if (source != nullptr) zip_source_free(source);
  throw Error(ErrorCode::kBadFile, where_, "broken or cut off zip file (" + reason + ")",
              "save it again");
}

ZipPackage::~ZipPackage() { zip_discard(archive_); }

std::vector<std::string> ZipPackage::names() const {
  std::vector<std::string> all;
  const zip_int64_t count = zip_get_num_entries(archive_, 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* name = zip_get_name(archive_, static_cast<zip_uint64_t>(i), 0);
    if (name != nullptr) all.emplace_back(name);
  }
  return all;
}

bool ZipPackage::has(const std::string& name) const {
  return zip_name_locate(archive_, name.c_str(), 0) >= 0;
}

std::optional<std::string> ZipPackage::read(const std::string& name) {
  const zip_int64_t index = zip_name_locate(archive_, name.c_str(), 0);
  if (index < 0) return std::nullopt;
  const auto part = static_cast<zip_uint64_t>(index);
  const std::string place = where_ + ": " + name;
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat_index(archive_, part, 0, &stat) != 0)
    throw Error(ErrorCode::kBadFile, place, "broken entry of the zip file");
  if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE)
    throw Error(ErrorCode::kUnsupported, place, "encrypted", "save it without a password");
  const uint64_t limit = std::min(left_, kMostPart);
  const auto too_much = [&] {
    return Error(ErrorCode::kResource, place,
                 "unpacks to more than " + std::to_string(limit) + " bytes (a zip bomb?)");
  };
  // What the entry claims is refused at once; what it then holds is counted.
  if ((stat.valid & ZIP_STAT_SIZE) != 0 && stat.size > limit) throw too_much();
  const std::unique_ptr<zip_file_t, CloseZipFile> file(zip_fopen_index(archive_, part, 0));
  if (file == nullptr) throw Error(ErrorCode::kBadFile, place, std::string(zip_strerror(archive_)));
  std::string content;
  std::array<char, 65536> buffer;
  for (;;) {
    const zip_int64_t got = zip_fread(file.get(), buffer.data(), buffer.size());
    if (got < 0)
      throw Error(ErrorCode::kBadFile, place, zip_file_strerror(file.get()), "save it again");
    if (got == 0) break;
    content.append(buffer.data(), static_cast<size_t>(got));
    if (content.size() > limit) throw too_much();
  }
  left_ -= content.size();
  return content;
}

bool ZipPackage::read_xml(const std::string& name, pugi::xml_document& xml) {
  std::optional<std::string> content = read(name);
  if (!content) return false;
  const auto items = std::count(content->begin(), content->end(), '<') +
                     std::count(content->begin(), content->end(), '=');
  if (items > kMostXmlItems)
    throw Error(ErrorCode::kResource, where_ + ": " + name,
                "more than 6 million elements and attributes", "split the document");
  // Entities of a DTD are never expanded: pugixml skips the DTD.
  const pugi::xml_parse_result result = xml.load_buffer(
      content->data(), content->size(), pugi::parse_default | pugi::parse_ws_pcdata);
  if (!result)
    throw Error(ErrorCode::kBadFile, where_ + ": " + name,
                std::string("broken XML: ") + result.description() + " at byte " +
                    std::to_string(result.offset));
  return true;
}

bool zip_mentions(std::string_view bytes, std::string_view name) {
  if (!bytes.starts_with("PK")) return false;
  // Local headers stand before each part, the central directory at the end.
  for (size_t at = bytes.find(name); at != bytes.npos; at = bytes.find(name, at + 1)) {
    if (at >= 30 && bytes.substr(at - 30, 4) == std::string_view("PK\x03\x04", 4)) return true;
    if (at >= 46 && bytes.substr(at - 46, 4) == std::string_view("PK\x01\x02", 4)) return true;
  }
  return false;
}

std::string_view local_name(const pugi::xml_node& node) {
  const std::string_view name = node.name();
  const size_t colon = name.find(':');
  return colon == name.npos ? name : name.substr(colon + 1);
}

std::string_view attribute_of(const pugi::xml_node& node, std::string_view local) {
  for (const pugi::xml_attribute& attribute : node.attributes()) {
    const std::string_view name = attribute.name();
    const size_t colon = name.find(':');
    if ((colon == name.npos ? name : name.substr(colon + 1)) == local) return attribute.value();
  }
  return {};
}

pugi::xml_node child_of(const pugi::xml_node& node, std::string_view local) {
  for (const pugi::xml_node& child : node.children())
    if (local_name(child) == local) return child;
  return {};
}

}  // namespace onmal
