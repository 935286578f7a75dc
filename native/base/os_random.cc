// The random source of production; see the header.
#include "base/os_random.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace rookery {

namespace {

void fill_from_kernel(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got > 0) {
      out = out.subspan(static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      std::perror("rookery: getrandom");
      std::abort();
    }
  }
}

}  // namespace

OsRandom::~OsRandom() { explicit_bzero(pool_.data(), pool_.size()); }

void OsRandom::fill(std::span<std::uint8_t> out) {
  if (out.size() >= pool_.size()) {
    fill_from_kernel(out);
    return;
  }
  while (!out.empty()) {
    if (left_ == 0) {
      fill_from_kernel(pool_);
      left_ = pool_.size();
    }
    const std::size_t count = std::min(out.size(), left_);
    std::uint8_t* from = pool_.data() + (left_ - count);
    std::memcpy(out.data(), from, count);
    explicit_bzero(from, count);
    left_ -= count;
    out = out.subspan(count);
  }
}

}  // namespace rookery
