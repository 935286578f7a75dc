// Fuzzes an established TLS 1.3 record layer. The input is a program for a client that knows the
// keys, so that its bytes reach what lies behind the decryption: records of any type, content and
// padding, key updates, raw and garbled bytes, cut into pieces anywhere, and the server's own sends
// and close between them. Checked: what was sent as data is what arrives, everything the server
// writes decrypts at the client, nothing is kept at rest, and an end is an end.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "native/transport/record_peer.h"
#include "transport/tls_record_layer.h"
#include "transport/transport_scratch.h"

namespace rookery {
namespace {

using tls_test::PeerRecord;
using tls_test::RecordPeer;

void require(bool condition) {
  if (!condition) std::abort();
}

class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const std::uint8_t value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }
  std::size_t word() { return std::size_t{byte()} << 8 | byte(); }
  std::string text(std::size_t size) {
    size = std::min(size, bytes_.size());
    std::string out(reinterpret_cast<const char*>(bytes_.data()), size);
    bytes_ = bytes_.subspan(size);
    return out;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

std::span<const std::uint8_t> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class Session {
 public:
  Session(TransportScratch& scratch, AeadContexts& aead, AeadSuite suite, std::uint8_t fragment)
      : scratch_(scratch) {
    const std::string client(aead_secret_bytes(suite), 'c');
    const std::string server(aead_secret_bytes(suite), 's');
    TlsTakeover takeover;
    takeover.suite = suite;
    takeover.client_secret = as_bytes(client);
    takeover.server_secret = as_bytes(server);
    takeover.max_fragment_code = fragment;
    layer_ = TlsRecordLayer::create(scratch, takeover);
    require(layer_ != nullptr);
    at_rest_ = layer_->heap_bytes();
    peer_ = std::make_unique<RecordPeer>(aead, suite, client, server);
  }

  void run(Input& input) {
    // The bytes of a step wait here until a step cuts and delivers them.
    while (!input.empty()) {
      step(input);
      if (pending_.size() > 200000) deliver(pending_.size());
    }
    deliver(pending_.size());
    check_output();
    if (status_ == TransportStatus::ok && clean_) {
      require(heard_ == expected_);
      require(layer_->heap_bytes() == at_rest_);
    }
  }

 private:
  void step(Input& input) {
    switch (input.byte() % 11) {
      case 0: data(input.text(input.byte()), 0); break;
      case 1: data(std::string(input.word() % 16385, 'x'), input.byte()); break;
      case 2: pending_ += peer_->seal_key_update((input.byte() & 1) != 0); break;
      case 3: {  // Any record that authenticates.
        const int type = input.byte();
        const std::size_t padding = input.byte();
        pending_ += peer_->seal(type, input.text(input.byte()), padding);
        clean_ = false;
        break;
      }
      case 4: {  // A large one, at and beyond the limits.
        const int type = input.byte();
        const std::size_t size = 16300 + input.word() % 400;
        pending_ += peer_->seal(type, std::string(size, 'y'), input.byte());
        clean_ = false;
        break;
      }
      case 5:  // Bytes as they come.
        pending_ += input.text(input.byte());
        clean_ = false;
        break;
      case 6:  // One byte changed on its way.
        if (!pending_.empty()) pending_[input.word() % pending_.size()] ^= input.byte() | 1;
        clean_ = false;
        break;
      case 7: deliver(input.word()); break;
      case 8: send(input.word()); break;
      case 9: close(); break;
      case 10: {  // An alert.
        const int level = input.byte();
        pending_ += peer_->seal_alert(input.byte(), level);
        clean_ = false;
        break;
      }
    }
  }

  void data(const std::string& text, std::size_t padding) {
    pending_ += peer_->seal(RecordPeer::kData, text, padding);
    expected_ += text;
  }

  void deliver(std::size_t size) {
    const std::string wire = pending_.substr(0, size);
    pending_.erase(0, wire.size());
    const TransportStatus before = status_;
    status_ = layer_->receive(scratch_, wire, heard_, out_);
    if (before != TransportStatus::ok) require(status_ != TransportStatus::ok);
    if (before == TransportStatus::failed) require(status_ == TransportStatus::failed);
    if (clean_) require(heard_ == expected_.substr(0, heard_.size()));
    // A record at most is kept, in a buffer that may have doubled.
    require(layer_->heap_bytes() <= at_rest_ + 2 * (16384 + 256 + 5) + 200);
    check_output();
  }

  void send(std::size_t size) {
    const std::string text(size, 'z');
    const TransportStatus result = layer_->send(scratch_, text, out_);
    require((result == TransportStatus::ok) == (status_ != TransportStatus::failed && !closed_));
    check_output();
  }

  void close() {
    layer_->close(scratch_, out_);
    closed_ = true;
    check_output();
  }

  /// The peer must be able to read everything, and nothing may follow the end.
  void check_output() {
    for (const PeerRecord& record : peer_->open(out_)) {
      require(record.type == RecordPeer::kData || record.type == RecordPeer::kAlert ||
              record.type == RecordPeer::kHandshake);
      require(!ended_);
      if (record.type == RecordPeer::kAlert) ended_ = true;
    }
    out_.clear();
  }

  TransportScratch& scratch_;
  std::unique_ptr<TlsRecordLayer> layer_;
  std::unique_ptr<RecordPeer> peer_;
  std::string pending_;
  std::string expected_;
  std::string heard_;
  std::string out_;
  std::size_t at_rest_ = 0;
  TransportStatus status_ = TransportStatus::ok;
  bool clean_ = true;  ///< So far a decent client.
  bool closed_ = false;
  bool ended_ = false;
};

}  // namespace
}  // namespace rookery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rookery;
  static TransportScratch scratch({.records_per_key = 6});
  static AeadContexts aead;
  Input input({data, size});
  const auto suite = static_cast<AeadSuite>(input.byte() % kAeadSuites);
  const std::uint8_t fragment = input.byte();
  // Mostly without the extension: it makes the decent client's large records indecent.
  Session session(scratch, aead, suite, fragment < 240 ? 0 : fragment % 5);
  session.run(input);
  return 0;
}
