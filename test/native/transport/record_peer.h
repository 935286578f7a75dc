// The client's end of an established TLS 1.3 record layer, written from RFC 8446 section 5 for the
// tests and the fuzz target: it can also make what no decent client sends.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transport/aead_contexts.h"

namespace rookery::tls_test {

/// One direction's keys.
class RecordKeys {
 public:
  RecordKeys(AeadContexts& aead, AeadSuite suite, std::string secret)
      : aead_(aead), suite_(suite), secret_(std::move(secret)) {
    derive();
  }

  void update() {
    secret_ = expand("traffic upd", secret_.size());
    derive();
  }
  void set_sequence(std::uint64_t sequence) { sequence_ = sequence; }

  AeadNonce next_nonce() {
    AeadNonce nonce{};
    for (std::size_t index = 0; index < nonce.size(); ++index) {
      nonce[index] = static_cast<std::uint8_t>(iv_[index]);
      const std::size_t from_end = nonce.size() - 1 - index;
      if (from_end < 8) nonce[index] ^= static_cast<std::uint8_t>(sequence_ >> (8 * from_end));
    }
    ++sequence_;
    return nonce;
  }
  [[nodiscard]] const std::uint8_t* key() const {
    return reinterpret_cast<const std::uint8_t*>(key_.data());
  }

 private:
  void derive() {
    key_ = expand("key", aead_key_bytes(suite_));
    iv_ = expand("iv", kAeadNonceBytes);
    sequence_ = 0;
  }
  std::string expand(std::string_view label, std::size_t size) {
    std::string out(size, '\0');
    aead_.expand_label(suite_,
                       {reinterpret_cast<const std::uint8_t*>(secret_.data()), secret_.size()},
                       label, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
    return out;
  }

  AeadContexts& aead_;
  AeadSuite suite_;
  std::string secret_;
  std::string key_;
  std::string iv_;
  std::uint64_t sequence_ = 0;
};

struct PeerRecord {
  int type = -1;  ///< -1: it did not authenticate.
  std::string content;
};

class RecordPeer {
 public:
  static constexpr int kAlert = 21;
  static constexpr int kHandshake = 22;
  static constexpr int kData = 23;

  RecordPeer(AeadContexts& aead, AeadSuite suite, const std::string& client_secret,
             const std::string& server_secret)
      : aead_(aead),
        suite_(suite),
        writing_(aead, suite, client_secret),
        reading_(aead, suite, server_secret) {}

  RecordKeys& writing() { return writing_; }
  RecordKeys& reading() { return reading_; }

  /// A record whose TLSInnerPlaintext is `content`, then `type` (nothing when negative), then
  /// `padding` zeros.
  std::string seal(int type, std::string_view content, std::size_t padding = 0, int outer = kData) {
    std::string inner(content);
    if (type >= 0) inner.push_back(static_cast<char>(type));
    inner.append(padding, '\0');
    const std::size_t length = inner.size() + kAeadTagBytes;
    std::string record = {static_cast<char>(outer), 3, 3, static_cast<char>(length >> 8),
                          static_cast<char>(length)};
    record += inner;
    record.append(kAeadTagBytes, '\0');
    auto* const bytes = reinterpret_cast<std::uint8_t*>(record.data());
    aead_.seal(suite_, writing_.key(), writing_.next_nonce(), {bytes, 5},
               {bytes + 5, inner.size()});
    return record;
  }
  std::string seal_key_update(bool request) {
    std::string record = seal(kHandshake, std::string{24, 0, 0, 1, static_cast<char>(request)});
    writing_.update();
    return record;
  }
  std::string seal_alert(int description, int level = 1) {
    return seal(kAlert, std::string{static_cast<char>(level), static_cast<char>(description)});
  }

  /// Everything the server sent; follows its key updates.
  std::vector<PeerRecord> open(std::string_view wire) {
    std::vector<PeerRecord> records;
    while (wire.size() >= 5) {
      const std::size_t length =
          static_cast<std::uint8_t>(wire[3]) << 8 | static_cast<std::uint8_t>(wire[4]);
      std::string record(wire.substr(0, 5 + length));
      wire.remove_prefix(record.size());
      records.push_back(open_one(record));
      const PeerRecord& latest = records.back();
      if (latest.type == kHandshake && latest.content.size() == 5 && latest.content[0] == 24) {
        reading_.update();
      }
    }
    return records;
  }

 private:
  PeerRecord open_one(std::string& record) {
    if (record.size() < 5 + 1 + kAeadTagBytes) return {};
    auto* const bytes = reinterpret_cast<std::uint8_t*>(record.data());
    std::size_t size = record.size() - 5 - kAeadTagBytes;
    if (!aead_.open(suite_, reading_.key(), reading_.next_nonce(), {bytes, 5}, {bytes + 5, size})) {
      return {};
    }
    while (size > 0 && bytes[5 + size - 1] == 0) --size;
    if (size == 0) return {0, {}};
    return {bytes[5 + size - 1], record.substr(5, size - 1)};
  }

  AeadContexts& aead_;
  AeadSuite suite_;
  RecordKeys writing_;
  RecordKeys reading_;
};

}  // namespace rookery::tls_test
