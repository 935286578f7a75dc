// The frame around a record on the disk. It carries everything that a record needs to prove itself
// wherever it is found in a damaged file: the folder's salt, its own sequence, its lengths, and a
// CRC-32C over all of it.
//
// Layout, little-endian, no padding:
//   0 salt u64 · 8 sequence u64 · 16 crc u32 · 20 payload bytes u32 · 24 user bytes u16 ·
//   26 version u8 · 27 kind u8 · 28 user · payload
//
// The salt is a secret random number of the data folder. A peer that writes the image of a frame
// into a message therefore cannot make recovery take it for a record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "store/store_port.h"

namespace rookery {

inline constexpr std::size_t kFrameHeaderBytes = 28;
inline constexpr std::uint8_t kFrameVersion = 1;
inline constexpr std::size_t kMaxPayloadBytes = 64u << 20;
inline constexpr std::size_t kMaxUserBytes = 0xffff;

/// Kinds that the store writes for itself; recovery does not deliver them.
/// A marker is written at every start, so that no sequence is ever used twice.
inline constexpr std::uint8_t kMarkerKind = 0xf0;
/// A ledger names sequences that have been physically deleted; see cleaner.h.
inline constexpr std::uint8_t kLedgerKind = 0xf1;

struct FrameView {
  std::uint64_t sequence = 0;
  std::uint8_t kind = 0;
  std::string_view user;
  std::string_view payload;
};

enum class FrameCheck : std::uint8_t {
  ok,
  bad_header,  ///< Not a frame of this folder and version, or longer than the bytes given.
  bad_crc,
};

[[nodiscard]] constexpr std::size_t frame_bytes(std::size_t user, std::size_t payload) {
  return kFrameHeaderBytes + user + payload;
}

/// Writes a frame of frame_bytes() bytes.
void write_frame(void* out, std::uint64_t salt, const FrameView& frame);

/// The whole length that the header at `data` claims; 0 when that is no possible header.
/// Needs kFrameHeaderBytes readable bytes.
[[nodiscard]] std::size_t claimed_frame_bytes(const void* data, std::uint64_t salt);

/// Reads the frame that begins at `data`; it may be shorter than `bytes`. On bad_crc the fields are
/// filled with what stands there.
[[nodiscard]] FrameCheck read_frame(const void* data, std::size_t bytes, std::uint64_t salt,
                                    FrameView& out);

/// Unaligned little-endian access, for this format and LMDB's.
[[nodiscard]] std::uint16_t load16(const void* at);
[[nodiscard]] std::uint32_t load32(const void* at);
[[nodiscard]] std::uint64_t load64(const void* at);
void store64(void* at, std::uint64_t value);

[[nodiscard]] constexpr bool is_known_kind(std::uint8_t kind) {
  return (kind >= 1 && kind <= 3) || kind == kMarkerKind || kind == kLedgerKind;
}

inline constexpr unsigned kStoreShift = 56;
inline constexpr std::uint64_t kOrdinalMask = (std::uint64_t{1} << kStoreShift) - 1;

/// The store of a sequence, from its top 8 bits.
[[nodiscard]] constexpr std::uint8_t store_of(LogSequence sequence) {
  return static_cast<std::uint8_t>(sequence >> kStoreShift);
}

}  // namespace rookery
