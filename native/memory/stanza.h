// A serialized stanza that waits somewhere: in a mailbox, in a session's unacknowledged window, or
// in both, always as one copy. Counted references, for one thread: a stanza never leaves its shard,
// its bytes do. The fields behind the bytes belong to the mailbox that holds it.
#pragma once

#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "base/types.h"

namespace rookery {

class StanzaRef;

class Stanza {
 public:
  /// Copies `bytes` into a new stanza with one allocation.
  static StanzaRef make(std::string_view bytes);

  [[nodiscard]] std::string_view bytes() const {
    return {reinterpret_cast<const char*>(this + 1), size_};
  }

  std::uint64_t mailbox_sequence = 0;  ///< Its place in the owner's mailbox; 0: in none.
  WallMs accepted_ms = 0;              ///< When the server took it.
  Handle owner;                        ///< The session it was sent to and whose receipt is awaited.
  Handle preferred;                    ///< The session it was addressed to by resource.
  Handle origin;                       ///< The sender's session, to be told that it is safe.
  MonoUs received_us = 0;              ///< When a shard read it from its sender; 0: not known.
  std::uint64_t fingerprint = 0;       ///< To recognise a retransmission; 0: not wanted.
  std::uint32_t origin_number = 0;     ///< Its count in the sender's stream (XEP-0198).
  std::uint32_t sent_number = 0;       ///< Its number in the owner's stream (XEP-0198); 0: none.
  bool delayed = false;                ///< It waited: stamp it (XEP-0203) when it is sent.

 private:
  friend class StanzaRef;
  explicit Stanza(std::uint32_t size) : size_(size) {}
  std::uint32_t references_ = 0;
  std::uint32_t size_;
};

/// An owning reference to a Stanza.
class StanzaRef {
 public:
  StanzaRef() = default;
  explicit StanzaRef(Stanza* stanza) : stanza_(stanza) { retain(); }
  StanzaRef(const StanzaRef& other) : stanza_(other.stanza_) { retain(); }
  StanzaRef(StanzaRef&& other) noexcept : stanza_(std::exchange(other.stanza_, nullptr)) {}
  StanzaRef& operator=(StanzaRef other) noexcept {
    std::swap(stanza_, other.stanza_);
    return *this;
  }
  ~StanzaRef() { release(); }

  [[nodiscard]] explicit operator bool() const { return stanza_ != nullptr; }
  Stanza* operator->() const { return stanza_; }  // NOLINT: the analyser counts no references
  Stanza& operator*() const { return *stanza_; }
  [[nodiscard]] Stanza* get() const { return stanza_; }
  void reset() {
    release();
    stanza_ = nullptr;
  }

 private:
  void retain() const {
    if (stanza_ != nullptr) ++stanza_->references_;
  }
  void release() const {
    if (stanza_ != nullptr && --stanza_->references_ == 0) {
      stanza_->~Stanza();
      ::operator delete(stanza_);
    }
  }
  Stanza* stanza_ = nullptr;
};

inline StanzaRef Stanza::make(std::string_view bytes) {
  void* memory = ::operator new(sizeof(Stanza) + bytes.size());
  auto* stanza = new (memory) Stanza(static_cast<std::uint32_t>(bytes.size()));
  if (!bytes.empty()) std::memcpy(stanza + 1, bytes.data(), bytes.size());
  return StanzaRef(stanza);
}

}  // namespace rookery
