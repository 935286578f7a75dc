// The splitter's two states: within a length, within a body.
#include "codec/packet_splitter.h"

#include <algorithm>

#include "codec/byte_writer.h"

namespace rookery {

PacketResult PacketSplitter::fail(std::size_t consumed, StreamError error) noexcept {
  error_ = error;
  return {PacketOutcome::error, consumed, 0, error};
}

/// Reads on in the length; need_more when the chunk ends in it, or directly behind it.
PacketResult PacketSplitter::read_length(std::string_view chunk, std::uint32_t max_bytes) noexcept {
  for (std::size_t at = 0; at < chunk.size();) {
    const auto byte = static_cast<unsigned char>(chunk[at++]);
    const std::uint64_t part = std::uint64_t{byte & 0x7Fu} << (7 * length_bytes_);
    const bool last = (byte & 0x80) == 0;
    ++length_bytes_;
    const bool shortest = !last || byte != 0 || length_bytes_ == 1;
    if (!shortest || part > 0xFFFFFFFFu || (!last && length_bytes_ == codec::max_varint_bytes)) {
      return fail(at, StreamError::bad_format);
    }
    length_ |= static_cast<std::uint32_t>(part);
    if (length_ > max_bytes) return fail(at, StreamError::policy_violation);
    if (!last) continue;
    if (length_ == 0) {
      length_bytes_ = 0;
      return {PacketOutcome::keep_alive, at, 0, StreamError::none};
    }
    in_body_ = true;
    return {PacketOutcome::need_more, at, 0, StreamError::none};
  }
  return {PacketOutcome::need_more, chunk.size(), 0, StreamError::none};
}

PacketResult PacketSplitter::feed(std::string_view chunk, std::uint32_t max_bytes) noexcept {
  if (error_ != StreamError::none) return {PacketOutcome::error, 0, 0, error_};
  std::size_t consumed = 0;
  if (!in_body_) {
    const PacketResult result = read_length(chunk, max_bytes);
    if (!in_body_) return result;
    consumed = result.consumed;
  }
  const std::size_t here = std::min<std::size_t>(chunk.size() - consumed, length_);
  length_ -= static_cast<std::uint32_t>(here);
  consumed += here;
  if (length_ != 0) return {PacketOutcome::need_more, consumed, 0, StreamError::none};
  const PacketResult done{PacketOutcome::packet, consumed, length_bytes_, StreamError::none};
  length_bytes_ = 0;
  in_body_ = false;
  return done;
}

}  // namespace rookery
