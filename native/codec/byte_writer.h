// Appends bytes to a string through a pointer: the room is made in large steps, so that most writes
// are a comparison and a copy, and never beyond a limit that is checked before memory is taken.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace rookery::codec {

class ByteWriter {
 public:
  /// Writes behind what `out` holds. `expected` bytes of room are made at once; more than
  /// `max_bytes` are refused.
  ByteWriter(std::string& out, std::size_t expected, std::size_t max_bytes)
      : out_(out), base_(out.size()), max_bytes_(max_bytes) {
    set_room(std::min(expected, max_bytes), 0);
  }
  ByteWriter(const ByteWriter&) = delete;
  ByteWriter& operator=(const ByteWriter&) = delete;

  /// Cuts the string to what was written, or to what it held before.
  void finish(bool keep) { out_.resize(base_ + (keep ? size() : 0)); }

  /// Makes room for so many bytes; false when the limit forbids it.
  [[nodiscard]] bool room(std::size_t bytes) {
    return static_cast<std::size_t>(end_ - at_) >= bytes || grow(bytes);
  }
  [[nodiscard]] bool put(char byte) {
    if (!room(1)) return false;
    *at_++ = byte;
    return true;
  }
  [[nodiscard]] bool put(std::string_view bytes) {
    if (!room(bytes.size())) return false;
    put_unchecked(bytes);
    return true;
  }
  /// After room() has said yes.
  void put_unchecked(char byte) { *at_++ = byte; }
  void put_unchecked(std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }

  /// After room() has said yes: where so many bytes are to be written. A loop that writes through
  /// this pointer keeps it in a register.
  [[nodiscard]] char* claim(std::size_t bytes) {
    char* const begin = at_;
    at_ += bytes;
    return begin;
  }

  /// What was written so far. Offsets stay good when it grows, pointers do not.
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }
  [[nodiscard]] char* data() { return begin_; }
  [[nodiscard]] std::string_view view(std::size_t offset, std::size_t bytes) const {
    return {begin_ + offset, bytes};
  }
  void cut(std::size_t bytes) { at_ = begin_ + bytes; }

  /// Moves what stands from `offset` on, so that `bytes` come free there.
  [[nodiscard]] bool open_gap(std::size_t offset, std::size_t bytes) {
    if (!room(bytes)) return false;
    std::memmove(begin_ + offset + bytes, begin_ + offset, size() - offset);
    at_ += bytes;
    return true;
  }

 private:
  void set_room(std::size_t bytes, std::size_t used) {
    out_.resize(base_ + bytes);
    begin_ = out_.data() + base_;
    at_ = begin_ + used;
    end_ = begin_ + bytes;
  }
  [[gnu::noinline]] bool grow(std::size_t bytes) {
    const std::size_t used = size();
    if (bytes > max_bytes_ - used) return false;
    set_room(std::min(std::max(used + bytes, 2 * used + 64), max_bytes_), used);
    return true;
  }

  std::string& out_;
  const std::size_t base_;
  const std::size_t max_bytes_;
  char* begin_ = nullptr;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

/// The most bytes of a varint of 32 bits.
inline constexpr std::size_t max_varint_bytes = 5;

constexpr std::size_t varint_size(std::uint32_t number) {
  std::size_t size = 1;
  for (; number >= 0x80; number >>= 7) ++size;
  return size;
}

/// Writes a varint to where there is room for it, and returns the byte behind it.
inline char* write_varint(char* at, std::uint32_t number) {
  for (; number >= 0x80; number >>= 7) *at++ = static_cast<char>(number | 0x80);
  *at++ = static_cast<char>(number);
  return at;
}

[[nodiscard]] inline bool put_varint(ByteWriter& out, std::uint32_t number) {
  if (!out.room(max_varint_bytes)) return false;
  for (; number >= 0x80; number >>= 7) out.put_unchecked(static_cast<char>(number | 0x80));
  out.put_unchecked(static_cast<char>(number));
  return true;
}

}  // namespace rookery::codec
