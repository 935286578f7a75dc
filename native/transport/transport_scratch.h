// What the transports of one shard share, so that a connection at rest holds only its keys: cipher
// contexts (rekeyed for each record), the primitives of Noise, the BIO through which OpenSSL sees
// the bytes at hand, and a read buffer. Used by one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct bio_st;
struct ssl_st;

namespace rookery {

class AeadContexts;  // transport/aead_contexts.h
class NoiseCrypto;   // transport/noise_crypto.h
class Random;        // base/random.h

struct TransportScratchOptions {
  /// Records written under one AES-GCM key before the record layer changes it by itself; RFC 8446
  /// section 5.5 allows 2^24.5.
  std::uint64_t records_per_key = std::uint64_t{1} << 24;
  /// Frames of a direction of a Noise connection, which has no new keys: then it ends.
  std::uint32_t noise_frames = 0xffffffff;
  /// Where the ephemeral keys of Noise come from; outlives the scratch. Null: OpenSSL's generator,
  /// from which the keys of TLS come in any case.
  Random* random = nullptr;
};

class TransportScratch {
 public:
  explicit TransportScratch(const TransportScratchOptions& options = {});
  ~TransportScratch();
  TransportScratch(const TransportScratch&) = delete;
  TransportScratch& operator=(const TransportScratch&) = delete;

  // What follows is for the transports.

  [[nodiscard]] AeadContexts& aead() { return *aead_; }
  [[nodiscard]] NoiseCrypto& noise() { return *noise_; }
  [[nodiscard]] std::uint64_t records_per_key() const { return options_.records_per_key; }
  [[nodiscard]] std::uint32_t noise_frames() const { return options_.noise_frames; }
  [[nodiscard]] std::span<char> read_buffer() { return read_buffer_; }

  /// Lends an SSL object this scratch's BIO, with `wire` to read and `wire_out` to append to, until
  /// the end of the scope. The SSL object holds nothing of this thread between two calls.
  class BioLoan {
   public:
    BioLoan(TransportScratch& scratch, ssl_st* ssl, std::string_view wire, std::string& wire_out);
    ~BioLoan();
    BioLoan(const BioLoan&) = delete;
    BioLoan& operator=(const BioLoan&) = delete;
    /// What OpenSSL has not read yet.
    [[nodiscard]] std::string_view unread() const { return scratch_.input_; }

   private:
    TransportScratch& scratch_;
    ssl_st* ssl_;
  };

 private:
  friend struct ScratchBio;

  TransportScratchOptions options_;
  std::unique_ptr<AeadContexts> aead_;
  std::unique_ptr<NoiseCrypto> noise_;
  bio_st* bio_ = nullptr;
  std::string_view input_;
  std::string* output_ = nullptr;
  std::array<char, 16384> read_buffer_;
};

}  // namespace rookery
