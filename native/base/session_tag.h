// A session's tag as clients see it (the id of XEP-0198): sixteen hexadecimal digits.
#pragma once

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/types.h"

namespace rookery {

inline std::string session_tag_text(SessionTag tag) {
  char text[20];
  std::snprintf(text, sizeof text, "%016" PRIx64, tag);
  return text;
}

/// 0: not a tag.
inline SessionTag parse_session_tag(std::string_view text) {
  if (text.size() != 16) return 0;
  const std::string copy(text);
  char* end = nullptr;
  const SessionTag tag = std::strtoull(copy.c_str(), &end, 16);
  return *end == '\0' ? tag : 0;
}

}  // namespace rookery
