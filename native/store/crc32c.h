// CRC-32C (Castagnoli), the checksum of stored records. Uses the processor's instruction when it
// has one (asked at run time), a table otherwise; both give the same result.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rookery {

/// Continues a checksum over `bytes` bytes. Begin with 0; the parts may be fed one by one.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t bytes);

/// The table form, for machines without the instruction and for comparing in tests.
[[nodiscard]] std::uint32_t crc32c_by_table(std::uint32_t crc, const void* data, std::size_t bytes);

}  // namespace rookery
