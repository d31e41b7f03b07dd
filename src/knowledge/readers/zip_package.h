#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/document.h"

struct zip;

namespace onmal {

// The parts of a zip-based document, read from bytes that must outlive it. What all of its parts
// unpack to is bounded by limits.text_bytes and by the file's own size (a zip bomb stops there).
// Throws Error(kBadFile), Error(kUnsupported) for encrypted parts, Error(kResource).
class ZipPackage {
 public:
  ZipPackage(std::string_view bytes, std::string where, const ReadLimits& limits);
  ~ZipPackage();
  ZipPackage(const ZipPackage&) = delete;
  ZipPackage& operator=(const ZipPackage&) = delete;

  std::vector<std::string> names() const;
  bool has(const std::string& name) const;
  // nullopt where there is no such part.
  std::optional<std::string> read(const std::string& name);
  // The part as XML; false where there is none. Elements and attributes are counted beforehand.
  bool read_xml(const std::string& name, pugi::xml_document& xml);

 private:
  std::string where_;
  uint64_t left_;  // bytes that may still be unpacked
  zip* archive_ = nullptr;
};

// Does the zip's list of names (not its contents) hold this one? For recognising formats.
bool zip_mentions(std::string_view bytes, std::string_view name);

// "p" of "w:p".
std::string_view local_name(const pugi::xml_node& node);
// The value of the attribute whose local name is this; "" without it.
std::string_view attribute_of(const pugi::xml_node& node, std::string_view local);
// First child with this local name.
pugi::xml_node child_of(const pugi::xml_node& node, std::string_view local);

}  // namespace onmal
