// Writing and checking record frames.
#include "store/record_frame.h"

#include <bit>
#include <cstring>

#include "store/crc32c.h"

namespace rookery {
namespace {

static_assert(std::endian::native == std::endian::little,
              "LMDB's files are in the host's byte order; the stored format is little-endian");

constexpr std::size_t kCrcAt = 16;
constexpr std::size_t kPayloadBytesAt = 20;
constexpr std::size_t kUserBytesAt = 24;
constexpr std::size_t kVersionAt = 26;
constexpr std::size_t kKindAt = 27;

std::uint32_t checksum(const char* frame, std::size_t bytes) {
  const std::uint32_t head = crc32c(0, frame, kCrcAt);
  return crc32c(head, frame + kPayloadBytesAt, bytes - kPayloadBytesAt);
}

}  // namespace

std::uint16_t load16(const void* at) {
  std::uint16_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::uint32_t load32(const void* at) {
  std::uint32_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::uint64_t load64(const void* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

void store64(void* at, std::uint64_t value) { std::memcpy(at, &value, sizeof value); }

void write_frame(void* out, std::uint64_t salt, const FrameView& frame) {
  auto* at = static_cast<char*>(out);
  const auto payload_bytes = static_cast<std::uint32_t>(frame.payload.size());
  const auto user_bytes = static_cast<std::uint16_t>(frame.user.size());
  store64(at, salt);
  store64(at + 8, frame.sequence);
  std::memcpy(at + kPayloadBytesAt, &payload_bytes, sizeof payload_bytes);
  std::memcpy(at + kUserBytesAt, &user_bytes, sizeof user_bytes);
  at[kVersionAt] = static_cast<char>(kFrameVersion);
  at[kKindAt] = static_cast<char>(frame.kind);
  if (user_bytes > 0) std::memcpy(at + kFrameHeaderBytes, frame.user.data(), user_bytes);
  if (payload_bytes > 0) {
    std::memcpy(at + kFrameHeaderBytes + user_bytes, frame.payload.data(), payload_bytes);
  }
  const std::uint32_t crc = checksum(at, frame_bytes(user_bytes, payload_bytes));
  std::memcpy(at + kCrcAt, &crc, sizeof crc);
}

std::size_t claimed_frame_bytes(const void* data, std::uint64_t salt) {
  const auto* at = static_cast<const char*>(data);
  if (load64(at) != salt) return 0;
  if (static_cast<std::uint8_t>(at[kVersionAt]) != kFrameVersion) return 0;
  if (!is_known_kind(static_cast<std::uint8_t>(at[kKindAt]))) return 0;
  const std::size_t payload_bytes = load32(at + kPayloadBytesAt);
  if (payload_bytes > kMaxPayloadBytes) return 0;
  return frame_bytes(load16(at + kUserBytesAt), payload_bytes);
}

FrameCheck read_frame(const void* data, std::size_t bytes, std::uint64_t salt, FrameView& out) {
  if (bytes < kFrameHeaderBytes) return FrameCheck::bad_header;
  const std::size_t total = claimed_frame_bytes(data, salt);
  if (total == 0 || total > bytes) return FrameCheck::bad_header;
  const auto* at = static_cast<const char*>(data);
  const std::size_t user_bytes = load16(at + kUserBytesAt);
  out.sequence = load64(at + 8);
  out.kind = static_cast<std::uint8_t>(at[kKindAt]);
  out.user = {at + kFrameHeaderBytes, user_bytes};
  out.payload = {at + kFrameHeaderBytes + user_bytes, total - kFrameHeaderBytes - user_bytes};
  return load32(at + kCrcAt) == checksum(at, total) ? FrameCheck::ok : FrameCheck::bad_crc;
}

}  // namespace rookery
