// Cuts an XML stream into its top-level elements.
#include "load/stream_reader.h"

#include <cstring>

namespace rookery::load {
namespace {

constexpr std::size_t none = std::string_view::npos;

// The position behind the tag that starts at `start`, or none when its end is not there yet.
std::size_t tag_end(std::string_view bytes, std::size_t start) {
  char quote = '\0';
  for (std::size_t at = start + 1; at < bytes.size(); ++at) {
    const char character = bytes[at];
    if (quote != '\0') {
      if (character == quote) quote = '\0';
    } else if (character == '\'' || character == '"') {
      quote = character;
    } else if (character == '>') {
      return at + 1;
    }
  }
  return none;
}

}  // namespace

StreamReader::Item StreamReader::next(std::string_view bytes) {
  while (true) {
    const void* found = scanned_ < bytes.size()
                            ? std::memchr(bytes.data() + scanned_, '<', bytes.size() - scanned_)
                            : nullptr;
    if (found == nullptr) {
      // Between elements only white space may stand; it is consumed with the next element.
      scanned_ = bytes.size();
      return {};
    }
    const auto start = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
    scanned_ = start;
    const std::size_t end = tag_end(bytes, start);
    if (end == none) return {};
    scanned_ = end;
    const char first = bytes[start + 1];
    if (first == '?') continue;
    if (first == '!') return {Kind::broken, bytes.substr(0, end)};
    if (first == '/') {
      if (depth_ == 0) {
        scanned_ = 0;
        return {Kind::stream_close, bytes.substr(0, end)};
      }
      --depth_;
    } else if (!in_stream_) {
      in_stream_ = true;
      scanned_ = 0;
      return {Kind::stream_open, bytes.substr(0, end)};
    } else if (bytes[end - 2] != '/') {
      ++depth_;
    }
    if (depth_ == 0) {
      scanned_ = 0;
      return {Kind::element, bytes.substr(0, end)};
    }
  }
}

std::string_view attribute(std::string_view element, std::string_view name) {
  const std::size_t open = element.find('<');
  if (open == none) return {};
  const std::size_t end = tag_end(element, open);
  if (end == none) return {};
  const std::string_view tag = element.substr(open, end - open);
  std::size_t at = 0;
  while ((at = tag.find(name, at)) != none) {
    const std::size_t behind = at + name.size();
    const bool starts = at > 0 && (tag[at - 1] == ' ' || tag[at - 1] == '\n');
    if (starts && behind + 1 < tag.size() && tag[behind] == '=') {
      const char quote = tag[behind + 1];
      const std::size_t close = tag.find(quote, behind + 2);
      if (close == none) return {};
      return tag.substr(behind + 2, close - behind - 2);
    }
    at = behind;
  }
  return {};
}

std::string_view element_name(std::string_view element) {
  const std::size_t open = element.find('<');
  if (open == none) return {};
  std::string_view name = element.substr(open + 1);
  name = name.substr(0, name.find_first_of(" \t\r\n/>"));
  const std::size_t colon = name.find(':');
  return colon == none ? name : name.substr(colon + 1);
}

}  // namespace rookery::load
