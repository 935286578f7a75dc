// What became of numbered messages from one sender, judged by the numbers that arrive: which are
// missing, which came twice, which came after a later one. Bounded: of a gap wider than the limit
// only the count is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>

namespace rookery::load {

enum class Arrival : std::uint8_t {
  in_order,   ///< Later than all before; numbers that it left out are missing for now.
  late,       ///< Had been missing: disorder.
  duplicate,  ///< Was here already.
};

class Sequence {
 public:
  static constexpr std::size_t kMostMissing = 65'536;

  Arrival take(std::uint64_t number) {
    if (number >= next_) {
      for (std::uint64_t gap = next_; gap < number; ++gap) {
        if (missing_.size() == kMostMissing) {
          untold_ += number - gap;
          break;
        }
        missing_.insert(missing_.end(), gap);
      }
      next_ = number + 1;
      return Arrival::in_order;
    }
    return missing_.erase(number) == 1 ? Arrival::late : Arrival::duplicate;
  }

  /// How many of the first `sent` numbers have not arrived.
  [[nodiscard]] std::uint64_t missing(std::uint64_t sent) const {
    return missing_.size() + untold_ + (sent > next_ ? sent - next_ : 0);
  }

 private:
  std::uint64_t next_ = 0;    ///< One above the highest number that arrived.
  std::uint64_t untold_ = 0;  ///< Missing ones that are not in the set.
  std::set<std::uint64_t> missing_;
};

}  // namespace rookery::load
