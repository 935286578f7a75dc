// The table and its sequence locks.
#include "transport/noise_shared_secrets.h"

#include <openssl/crypto.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace rookery {

void NoiseSharedSecrets::Free::operator()(Entry* entries) const {
  std::free(entries);  // NOLINT(cppcoreguidelines-no-malloc): see the constructor
}

// From calloc(), whose zeros are pages that take no memory until a device is remembered in them.
NoiseSharedSecrets::NoiseSharedSecrets()
    : entries_(static_cast<Entry*>(std::calloc(kEntries, sizeof(Entry)))) {  // NOLINT
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
  if (entries_ == nullptr) throw std::bad_alloc();
}

NoiseSharedSecrets::~NoiseSharedSecrets() {
  for (std::size_t index = 0; index < kEntries; ++index) {
    // Untouched pages stay untouched.
    if (entries_[index].sequence.load(std::memory_order_relaxed) == 0) continue;
    OPENSSL_cleanse(&entries_[index].words, sizeof entries_[index].words);
  }
}

NoiseSharedSecrets::Entry& NoiseSharedSecrets::entry_of(const NoiseKey& device) const {
  // Public keys are as good as random, and only those of known devices come here.
  std::uint64_t word = 0;
  std::memcpy(&word, device.data(), sizeof word);
  return entries_[word % kEntries];
}

bool NoiseSharedSecrets::find(const NoiseKey& device, NoiseKey& shared) const {
  const Entry& entry = entry_of(device);
  const std::uint64_t before = entry.sequence.load(std::memory_order_acquire);
  if (before == 0 || before % 2 != 0) return false;
  Words words;
  for (std::size_t index = 0; index < words.size(); ++index) {
    words[index] = entry.words[index].load(std::memory_order_relaxed);
  }
  std::atomic_thread_fence(std::memory_order_acquire);
  const bool whole = entry.sequence.load(std::memory_order_relaxed) == before;
  const bool found = whole && std::memcmp(words.data(), device.data(), device.size()) == 0;
  if (found) std::memcpy(shared.data(), words.data() + kWords, shared.size());
  OPENSSL_cleanse(words.data(), sizeof words);
  return found;
}

void NoiseSharedSecrets::remember(const NoiseKey& device, const NoiseKey& shared) {
  Entry& entry = entry_of(device);
  std::uint64_t before = entry.sequence.load(std::memory_order_relaxed);
  // Somebody else writes here: one of the two is remembered, which is as good.
  if (before % 2 != 0 ||
      !entry.sequence.compare_exchange_strong(before, before + 1, std::memory_order_acquire)) {
    return;
  }
  std::atomic_thread_fence(std::memory_order_release);
  Words words;
  std::memcpy(words.data(), device.data(), device.size());
  std::memcpy(words.data() + kWords, shared.data(), shared.size());
  for (std::size_t index = 0; index < words.size(); ++index) {
    entry.words[index].store(words[index], std::memory_order_relaxed);
  }
  entry.sequence.store(before + 2, std::memory_order_release);
  OPENSSL_cleanse(words.data(), sizeof words);
}

}  // namespace rookery
