// The WebSocket of a load client: the upgrade, and documents in masked text frames (RFC 7395). The
// mask is zero, which is a mask like any other to the server and costs the client nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "session/stream_wire.h"

namespace rookery::load {

class WebSocketStream {
 public:
  /// The request that begins it.
  static std::string request(const std::string& host);
  static std::string open(const std::string& domain);
  static constexpr std::string_view close = "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>";

  /// Appends an element, as it stands in a stream on TCP, as a message.
  void append(std::string& out, std::string_view xml);

  /// Takes what came. Each message is handed to `take` until it returns false; then false is
  /// returned and this object may be gone. Answers to the server's own frames are not needed: it
  /// sends no pings. `upgraded` is called once.
  template <typename Upgraded, typename Take>
  bool receive(std::string_view bytes, const Upgraded& upgraded, const Take& take) {
    std::string held = std::move(pending_);
    held.append(bytes);
    std::string_view rest = held;
    if (!upgraded_) {
      const std::size_t end = rest.find("\r\n\r\n");
      if (end == std::string_view::npos) {
        pending_ = std::move(held);
        return true;
      }
      rest.remove_prefix(end + 4);
      upgraded_ = true;
      upgraded();
    }
    std::string_view message;
    // What is incomplete is put away first: the owner may end everything in the call.
    std::vector<std::string_view> messages;
    while (next(rest, message)) messages.push_back(message);
    pending_ = rest;
    for (const std::string_view each : messages) {
      if (!take(each)) return false;
    }
    return true;
  }

 private:
  /// Takes a whole frame off the front; false when there is none.
  static bool next(std::string_view& bytes, std::string_view& payload);

  std::string frame_;
  std::string pending_;
  bool upgraded_ = false;
};

}  // namespace rookery::load
