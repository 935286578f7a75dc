// A loopback server for the interoperability tests: it echoes whatever arrives over TLS. One
// thread, poll(), any number of connections; it drives the transports as the shards do.
// Usage: tls_echo_server CERT KEY [--keep-ssl] [--tickets N] [--records-per-key N]
// Prints "port N", and a line for each connection that ends: its version, whether it was taken
// over, how it ended and how many bytes it brought. Ends when its standard input does.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "transport/tls_context.h"
#include "transport/transport_scratch.h"

namespace rookery {
namespace {

/// Above this much unsent, the client is not read.
constexpr std::size_t kMaxUnsentBytes = 1 << 20;

struct Connection {
  int descriptor = -1;
  std::unique_ptr<Transport> transport;
  std::string unsent;
  std::uint64_t received = 0;
  bool taken_over = false;
  const char* end = nullptr;  ///< Why it is to end once everything is sent.
};

class EchoServer {
 public:
  EchoServer(TlsContext& context, TransportScratch& scratch)
      : context_(context), scratch_(scratch) {}

  bool listen() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, generic, &size) != 0) {
      return false;
    }
    std::printf("port %d\n", ntohs(address.sin_port));
    return true;
  }

  void run() {
    while (!stopped_) {
      std::vector<pollfd> polled = {{STDIN_FILENO, POLLIN, 0}, {listener_, POLLIN, 0}};
      for (const Connection& connection : connections_) {
        short events = connection.unsent.size() < kMaxUnsentBytes ? POLLIN : 0;
        if (!connection.unsent.empty()) events |= POLLOUT;
        polled.push_back({connection.descriptor, events, 0});
      }
      if (::poll(polled.data(), polled.size(), -1) < 0) return;
      if (polled[0].revents != 0) read_input();
      for (std::size_t index = 2; index < polled.size(); ++index) {
        Connection& connection = connections_[index - 2];
        if ((polled[index].revents & (POLLIN | POLLHUP | POLLERR)) != 0) read(connection);
        write(connection);
      }
      std::erase_if(connections_, [this](Connection& connection) { return finish(connection); });
      if (polled[1].revents != 0) accept();
    }
  }

 private:
  void read_input() {
    std::array<char, 256> ignored{};
    if (::read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0) stopped_ = true;
  }

  void accept() {
    const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    connections_.push_back({.descriptor = descriptor, .transport = context_.accept()});
  }

  void read(Connection& connection) {
    const ssize_t got = ::read(connection.descriptor, buffer_.data(), buffer_.size());
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      if (connection.end == nullptr) connection.end = "cut";
      connection.unsent.clear();
      return;
    }
    if (connection.end != nullptr) return;
    std::string plain;
    std::string& out = connection.unsent;
    const TransportStatus status = connection.transport->receive(
        scratch_, {buffer_.data(), static_cast<std::size_t>(got)}, plain, out);
    if (auto smaller = connection.transport->take_over(scratch_)) {
      connection.transport = std::move(smaller);
      connection.taken_over = true;
    }
    connection.received += plain.size();
    if (!plain.empty()) connection.transport->send(scratch_, plain, out);
    if (status == TransportStatus::closed) connection.transport->close(scratch_, out);
    if (status != TransportStatus::ok) {
      connection.end = status == TransportStatus::closed ? "closed" : "failed";
    }
  }

  static void write(Connection& connection) {
    if (connection.unsent.empty()) return;
    const ssize_t sent = ::send(connection.descriptor, connection.unsent.data(),
                                connection.unsent.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      connection.unsent.erase(0, static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN) {
      connection.end = "cut";
      connection.unsent.clear();
    }
  }

  static bool finish(Connection& connection) {
    if (connection.end == nullptr || !connection.unsent.empty()) return false;
    const std::string version(connection.transport->version());
    std::printf("%s %s %s %llu\n", version.empty() ? "none" : version.c_str(),
                connection.taken_over ? "taken-over" : "kept", connection.end,
                static_cast<unsigned long long>(connection.received));
    ::close(connection.descriptor);
    return true;
  }

  TlsContext& context_;
  TransportScratch& scratch_;
  int listener_ = -1;
  bool stopped_ = false;
  std::vector<Connection> connections_;
  std::array<char, 65536> buffer_{};
};

int serve(const std::vector<std::string>& arguments) {
  TlsOptions options;
  TransportScratchOptions scratch_options;
  if (arguments.size() < 2) {
    std::fputs("usage: tls_echo_server CERT KEY [options]\n", stderr);
    return 2;
  }
  options.certificate_file = arguments[0];
  options.key_file = arguments[1];
  for (std::size_t index = 2; index < arguments.size(); ++index) {
    const bool valued = index + 1 < arguments.size();
    if (arguments[index] == "--keep-ssl") {
      options.takeover = false;
    } else if (arguments[index] == "--tickets" && valued) {
      options.tickets = static_cast<unsigned>(std::atoi(arguments[++index].c_str()));
    } else if (arguments[index] == "--records-per-key" && valued) {
      scratch_options.records_per_key =
          static_cast<std::uint64_t>(std::atoll(arguments[++index].c_str()));
    } else {
      std::fprintf(stderr, "what is %s?\n", arguments[index].c_str());
      return 2;
    }
  }
  std::string error;
  const std::unique_ptr<TlsContext> context = TlsContext::create(options, error);
  if (context == nullptr) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 1;
  }
  TransportScratch scratch(scratch_options);
  EchoServer server(*context, scratch);
  if (!server.listen()) {
    std::perror("listen");
    return 1;
  }
  server.run();
  return 0;
}

}  // namespace
}  // namespace rookery

int main(int count, char** values) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return rookery::serve({values + 1, values + count});
}
