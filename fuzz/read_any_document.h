#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "knowledge/document.h"

// Any bytes under this name are a document, or an Error. PDF is left out: pdftotext is not ours.
inline void read_any_document(const uint8_t* data, size_t size, const char* name) {
  onmal::ReadLimits limits;
  limits.text_bytes = uint64_t{8} << 20;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.substr(0, 1024).find("%PDF-") != bytes.npos) return;
  try {
    onmal::read_document_bytes(bytes, name, limits);
  } catch (const onmal::Error&) {
  }
}
