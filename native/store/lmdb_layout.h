// Where things stand in an LMDB 0.9 data file on a 64-bit machine, as the page walker reads it.
// Offsets in bytes; all numbers little-endian.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rookery::lmdb_layout {

inline constexpr std::uint32_t kMagic = 0xBEEFC0DE;
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint64_t kNoPage = ~std::uint64_t{0};
inline constexpr std::uint64_t kMetaPages = 2;
inline constexpr std::uint64_t kMaxPages = std::uint64_t{1} << 40;
inline constexpr std::uint16_t kMaxDepth = 32;
inline constexpr std::uint32_t kMinPageBytes = 512;
inline constexpr std::uint32_t kMaxPageBytes = 32768;
/// A file may be shorter than its last page says when the missing pages are free; the bound keeps a
/// damaged number from asking for memory that no file could need.
inline constexpr std::uint64_t kMaxFreeTail = 1u << 20;

// A page's header.
inline constexpr std::size_t kPageFlags = 10;
inline constexpr std::size_t kPageLower = 12;  ///< Of an overflow page: its number of pages, u32.
inline constexpr std::size_t kPageUpper = 14;
inline constexpr std::size_t kPageHeader = 16;
inline constexpr std::uint16_t kFlagBranch = 0x01;
inline constexpr std::uint16_t kFlagLeaf = 0x02;
inline constexpr std::uint16_t kFlagOverflow = 0x04;
inline constexpr std::uint16_t kFlagMeta = 0x08;

// A node: data size or child page (with the flags as its top), flags, key size, key, data.
inline constexpr std::size_t kNodeFlags = 4;
inline constexpr std::size_t kNodeKeyBytes = 6;
inline constexpr std::size_t kNodeHeader = 8;
inline constexpr std::uint16_t kKeyBytes = 8;
inline constexpr std::uint16_t kNodeOverflow = 0x01;

// A meta page, from the page's beginning. A tree's record has 48 bytes; the first field of the free
// tree's is the page size.
inline constexpr std::size_t kMetaMagic = 16;
inline constexpr std::size_t kMetaVersion = 20;
inline constexpr std::size_t kMetaAddress = 24;
inline constexpr std::size_t kMetaMapBytes = 32;
inline constexpr std::size_t kMetaFree = 40;
inline constexpr std::size_t kMetaMain = 88;
inline constexpr std::size_t kMetaLastPage = 136;
inline constexpr std::size_t kMetaTransaction = 144;
inline constexpr std::size_t kMetaEnd = 152;

// Integer keys; the free tree's flags also hold "no subfolder", with which the file was made.
inline constexpr std::uint16_t kMainTreeFlags = 0x08;
inline constexpr std::uint16_t kFreeTreeFlags = 0x4008;

/// The largest node that stands on a leaf page itself; a bigger value lies on overflow pages.
constexpr std::uint32_t largest_node(std::uint32_t page_bytes) {
  return (((page_bytes - static_cast<std::uint32_t>(kPageHeader)) / 2) & ~1u) - 2;
}

}  // namespace rookery::lmdb_layout
