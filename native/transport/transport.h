// What lies between a socket's bytes and the protocol's bytes. No I/O: bytes in, bytes out. A plain
// connection has no Transport object at all. A Transport moves between shards with its connection,
// so it must not point at anything of a thread; what is shared by a thread's connections is in the
// TransportScratch that the caller passes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace rookery {

class TransportScratch;  // transport/transport_scratch.h: the shard's cipher contexts and buffers

enum class TransportStatus : std::uint8_t {
  ok,
  closed,  ///< The peer closed in order (close_notify). Bytes before it are in `plain`.
  failed,  ///< Protocol violation; an alert may have been appended to `wire_out`.
};

class Transport {
 public:
  virtual ~Transport() = default;

  /// Consumes all of `wire`; appends decrypted bytes to `plain` and any reply (handshake flights,
  /// alerts, key updates) to `wire_out`. An incomplete record is kept until its rest arrives; a
  /// connection at rest keeps no buffer.
  virtual TransportStatus receive(TransportScratch& scratch, std::string_view wire,
                                  std::string& plain, std::string& wire_out) = 0;

  /// Encrypts `plain` and appends the records to `wire_out`. Only after established().
  virtual TransportStatus send(TransportScratch& scratch, std::string_view plain,
                               std::string& wire_out) = 0;

  /// Appends close_notify. The transport sends nothing after it.
  virtual void close(TransportScratch& scratch, std::string& wire_out) = 0;

  [[nodiscard]] virtual bool established() const = 0;

  /// Once established, a transport that can be exchanged for a smaller one (the TLS 1.3 record
  /// layer takeover) returns it here; the caller replaces and destroys this one. Null otherwise.
  virtual std::unique_ptr<Transport> take_over(TransportScratch& scratch) = 0;

  /// It is what take_over() returns: our own record layer.
  [[nodiscard]] virtual bool own_record_layer() const { return false; }

  /// "TLSv1.3" …, for the log and the counters.
  [[nodiscard]] virtual std::string_view version() const = 0;

  /// Channel binding data: "tls-exporter" (RFC 9266, TLS 1.3) or "tls-server-end-point" (RFC 5929);
  /// "tls-unique" for TLS 1.2 and, undefined there but used, for TLS 1.3. Empty when this transport
  /// has none of that type.
  [[nodiscard]] virtual std::string channel_binding(std::string_view type) const = 0;

  /// Drops what is only needed until the login is complete (channel binding data, Noise's login).
  virtual void forget_channel_binding() = 0;

  /// Heap bytes of this object with everything it owns, for the memory figures.
  [[nodiscard]] virtual std::size_t heap_bytes() const = 0;
};

}  // namespace rookery
