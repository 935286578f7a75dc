// A blocking XMPP client for tests of the engine with its real threads and sockets: logs in with
// PLAIN and XEP-0198, sends numbered messages, and reads until it has what it waits for.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "session/sasl.h"

namespace rookery::engine_test {

class EngineClient {
 public:
  EngineClient(std::uint16_t port, std::string name) : port_(port), name_(std::move(name)) {}
  ~EngineClient() { cut(); }
  EngineClient(const EngineClient&) = delete;
  EngineClient& operator=(const EngineClient&) = delete;

  /// Logs in with a new session.
  bool log_in() {
    if (!authenticate()) return false;
    send(
        "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
        "<resource>r</resource></bind></iq>");
    if (!wait_for("</iq>")) return false;
    send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    if (!wait_for("<enabled ")) return false;
    const std::size_t answer = read_to_;
    if (!wait_for("/>")) return false;
    const std::size_t at = input_.find("id='", answer) + 4;
    session_ = input_.substr(at, input_.find('\'', at) - at);
    handled_ = 0;
    send("<presence/>");
    return true;
  }

  /// Everything that came over the last connection.
  [[nodiscard]] const std::string& input() const { return input_; }

  /// Takes up the session that cut() has left behind.
  bool resume() {
    if (!authenticate()) return false;
    send("<resume xmlns='urn:xmpp:sm:3' previd='" + session_ + "' h='" + std::to_string(handled_) +
         "'/>");
    return wait_for("<resumed ");
  }

  void cut() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  void write_to(const std::string& user, unsigned number) {
    send("<message type='chat' to='" + user + "@here' id='" + name_ + "-" + std::to_string(number) +
         "'><body>hello</body></message>");
  }

  /// Asks until the server says that it has `count` stanzas of this session safely.
  bool accepted(std::uint32_t count) {
    send("<r xmlns='urn:xmpp:sm:3'/>");
    return wait_for("<a xmlns='urn:xmpp:sm:3' h='" + std::to_string(count) + "'/>");
  }

  /// Reads until `count` messages have come in all, and acknowledges; their ids, in order.
  const std::vector<std::string>& messages(std::size_t count) {
    do {
      take_stanzas();
      send("<a xmlns='urn:xmpp:sm:3' h='" + std::to_string(handled_) + "'/>");
    } while (ids_.size() < count && read_more());
    take_stanzas();
    return ids_;
  }

 private:
  bool authenticate() {
    if (!connect()) return false;
    std::string plain(1, '\0');
    plain += name_;
    plain += '\0';
    plain += "pw";
    send(header());
    if (!wait_for("</stream:features>")) return false;
    send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" +
         base64_encode(plain) + "</auth>");
    if (!wait_for("<success ")) return false;
    send(header());
    return wait_for("</stream:features>");
  }

  bool connect() {
    cut();
    input_.clear();
    read_to_ = 0;
    counted_to_ = 0;
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  static std::string header() {
    return "<?xml version='1.0'?><stream:stream to='here' xmlns='jabber:client' "
           "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
  }

  void send(std::string_view text) const {
    static_cast<void>(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL));
  }

  bool read_more() {
    char buffer[16384];
    const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    input_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  // What was waited for is not found twice; the messages before it are counted.
  bool wait_for(std::string_view text) {
    std::size_t at = 0;
    while ((at = input_.find(text, read_to_)) == std::string::npos) {
      if (!read_more()) return false;
    }
    take_stanzas();
    read_to_ = at + text.size();
    return true;
  }

  // Counts the stanzas that are there as a whole; messages are told by their ids.
  void take_stanzas() {
    for (;;) {
      const std::size_t message = input_.find("<message ", counted_to_);
      const std::size_t presence = input_.find("<presence ", counted_to_);
      const std::size_t at = std::min(message, presence);
      if (at == std::string::npos) return;
      const std::size_t tag_end = input_.find('>', at);
      if (tag_end == std::string::npos) return;
      const std::string_view end = message < presence ? "</message>" : "</presence>";
      const bool empty = input_[tag_end - 1] == '/';
      const std::size_t over = empty ? tag_end : input_.find(end, at);
      if (over == std::string::npos) return;
      if (message < presence) {
        const std::size_t id = input_.find(" id='", at) + 5;
        ids_.push_back(input_.substr(id, input_.find('\'', id) - id));
      }
      ++handled_;
      counted_to_ = empty ? over + 1 : over + end.size();
    }
  }

  std::uint16_t port_;
  std::string name_;
  int socket_ = -1;
  std::string input_;
  std::size_t read_to_ = 0;
  std::size_t counted_to_ = 0;
  std::string session_;
  std::uint32_t handled_ = 0;
  std::vector<std::string> ids_;
};

}  // namespace rookery::engine_test
