// A set of positions within one segment of the log. A full segment is a bitmap; a segment of which
// little is left is a short sorted list, so that old stragglers cost bytes, not pages.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace rookery {

inline constexpr std::uint32_t kSegmentRecords = 4096;

class SegmentSet {
 public:
  /// False when it was there already.
  bool insert(std::uint32_t position);
  /// False when it was not there.
  bool erase(std::uint32_t position);
  [[nodiscard]] bool contains(std::uint32_t position) const;
  [[nodiscard]] std::uint32_t size() const { return count_; }
  /// The first member at or after `from`; kSegmentRecords when there is none.
  [[nodiscard]] std::uint32_t next(std::uint32_t from) const;

 private:
  using Bitmap = std::array<std::uint64_t, kSegmentRecords / 64>;
  void to_bitmap();
  void to_list();

  std::uint32_t count_ = 0;
  std::unique_ptr<Bitmap> bitmap_;
  std::vector<std::uint16_t> list_;
};

}  // namespace rookery
