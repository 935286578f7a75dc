// The load client: sockets, TLS and the flow of bytes. The logins stand in xmpp_login.cc and
// compact_login.cc.
#include "load/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "load/args.h"

namespace rookery::load {
namespace {

constexpr std::size_t receive_buffer_bytes = 64 * 1024;
constexpr int events_per_turn = 512;

// 127.base.y.z: a source address of its own for every `clients_per_source` clients, because the
// kernel searches its ports ever longer when one address holds too many.
bool bind_source(int fd, const ClientSettings& settings, std::uint32_t index) {
  const std::uint32_t source = index / settings.clients_per_source + 1;
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_addr.s_addr = htonl(0x7f000000u | (settings.source_base & 0xffu) << 16 | source);
  const int on = 1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  return bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof local) == 0;
}

}  // namespace

Client::Client(Loop& loop, const ClientSettings& settings, ClientOwner& owner, std::uint32_t index,
               std::string user, std::string resource)
    : loop_(loop),
      settings_(settings),
      owner_(owner),
      password_(&settings.password),
      index_(index),
      user_(std::move(user)),
      resource_(std::move(resource)) {}

Client::~Client() { release(); }

std::string Client::address() const { return user_ + "@" + settings_.domain + "/" + resource_; }

void Client::connect(bool resume) {
  release();
  problem_.clear();
  want_resume_ = resume && !resume_id_.empty();
  resumed_ = false;
  authenticated_ = false;
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return fail(std::string("socket: ") + std::strerror(errno));
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (settings_.use_sources && !bind_source(fd_, settings_, index_)) {
    return fail(std::string("bind: ") + std::strerror(errno));
  }
  const int result =
      ::connect(fd_, reinterpret_cast<const sockaddr*>(&settings_.server), sizeof settings_.server);
  if (result != 0 && errno != EINPROGRESS) {
    return fail(std::string("connect: ") + std::strerror(errno));
  }
  state_ = State::connecting;
  watching_writes_ = true;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT;
  event.data.ptr = this;
  epoll_ctl(loop_.epoll_, EPOLL_CTL_ADD, fd_, &event);
}

void Client::watch(bool for_writing) {
  if (for_writing == watching_writes_) return;
  watching_writes_ = for_writing;
  epoll_event event{};
  event.events = for_writing ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.ptr = this;
  epoll_ctl(loop_.epoll_, EPOLL_CTL_MOD, fd_, &event);
}

void Client::release() {
  if (tls_ != nullptr) SSL_free(tls_);
  tls_ = nullptr;
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  state_ = State::closed;
  out_ = std::string();
  pending_ = std::string();
  reader_.restart();
  scram_.reset();
  compact_.reset();
  websocket_.reset();
}

void Client::fail(const std::string& why) {
  if (problem_.empty()) problem_ = why;
  release();
  owner_.on_closed(*this);
}

void Client::close(bool abruptly) {
  if (fd_ < 0) return;
  if (!abruptly && settings_.protocol != Protocol::relay) {
    send(compact_     ? "<close xmlns='urn:rookery:compact:1'/>"
         : websocket_ ? WebSocketStream::close
                      : "</stream:stream>");
    flush();
    resume_id_.clear();
  }
  release();
}

void Client::send(std::string_view bytes) {
  if (fd_ < 0) return;
  if (compact_) {
    compact_->send(bytes);
  } else if (websocket_) {
    websocket_->append(out_, bytes);
  } else {
    out_.append(bytes);
  }
  mark_dirty();
}

void Client::mark_dirty() {
  if (dirty_) return;
  dirty_ = true;
  loop_.dirty_.push_back(this);
}

void Client::send_stanza(std::string_view stanza) {
  ++stanzas_sent_;
  send(stanza);
}

void Client::request_ack() {
  if (settings_.protocol != Protocol::compact && settings_.protocol != Protocol::relay) {
    send("<r xmlns='urn:xmpp:sm:3'/>");
  }
}

long Client::transport_write(std::string_view bytes) {
  if (tls_ == nullptr) return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  const int written = SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()));
  if (written > 0) return written;
  const int error = SSL_get_error(tls_, written);
  errno = error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ ? EAGAIN : EIO;
  return -1;
}

long Client::transport_read(char* into, std::size_t size) {
  if (tls_ == nullptr) return recv(fd_, into, size, 0);
  const int count = SSL_read(tls_, into, static_cast<int>(size));
  if (count > 0) return count;
  const int error = SSL_get_error(tls_, count);
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  errno = error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ ? EAGAIN : EIO;
  return -1;
}

void Client::flush() {
  dirty_ = false;
  if (fd_ >= 0 && compact_) out_ += compact_->take_wire();
  if (fd_ < 0 || out_.empty() || state_ == State::handshake) return;
  const long written = transport_write(out_);
  if (written < 0) {
    if (errno != EAGAIN) return fail(std::string("write: ") + std::strerror(errno));
    return watch(true);
  }
  if (static_cast<std::size_t>(written) < out_.size()) {
    out_.erase(0, static_cast<std::size_t>(written));
    return watch(true);
  }
  out_.clear();
  if (out_.capacity() > 4096 || state_ != State::ready) out_.shrink_to_fit();
  watch(false);
}

void Client::on_event(std::uint32_t events) {
  if (state_ == State::connecting) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) return fail(std::string("connect: ") + std::strerror(error));
    if ((events & EPOLLOUT) == 0) return;
    watch(false);
    if (settings_.security == Security::direct) {
      if (!start_tls()) return;
    } else {
      open_stream();
    }
    return;
  }
  if (state_ == State::handshake) return continue_handshake();
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read();
  if (fd_ >= 0 && (events & EPOLLOUT) != 0) flush();
}

void Client::read() {
  // TLS may hold more than one record; without TLS one read a turn keeps the clients even.
  do {
    const long count = transport_read(loop_.buffer_.data(), loop_.buffer_.size());
    if (count == 0) return fail("closed by the server");
    if (count < 0) {
      if (errno == EAGAIN) break;
      return fail(std::string("read: ") + std::strerror(errno));
    }
    if (!handle_bytes(std::string_view(loop_.buffer_.data(), static_cast<std::size_t>(count)))) {
      return;
    }
  } while (tls_ != nullptr && fd_ >= 0 && state_ != State::handshake);
  if (answer_due_ && fd_ >= 0) {
    answer_due_ = false;
    if (compact_) {
      compact_->acknowledge();
      return mark_dirty();
    }
    send("<a xmlns='urn:xmpp:sm:3' h='" + std::to_string(stanzas_received_) + "'/>");
  }
}

// Returns false when the client was closed, or its transport changed, on the way.
bool Client::handle_bytes(std::string_view bytes) {
  if (compact_) return handle_compact(bytes);
  if (websocket_) return handle_websocket(bytes);
  if (state_ == State::relay_hello) {
    bytes.remove_prefix(1);
    reader_.skip_header();
    state_ = State::ready;
    owner_.on_ready(*this);
    if (bytes.empty()) return fd_ >= 0;
  }
  const int fd = fd_;
  std::string held;
  if (!pending_.empty()) {
    held.swap(pending_);
    held.append(bytes);
    bytes = held;
  }
  while (!bytes.empty()) {
    const StreamReader::Item item = reader_.next(bytes);
    if (item.kind == StreamReader::Kind::need_more) break;
    bytes.remove_prefix(item.text.size());
    if (!handle_item(item) || fd_ != fd) return false;
    if (state_ == State::handshake) return true;
  }
  // White space between stanzas (a keep-alive) is not worth remembering.
  if (bytes.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    reader_.forget_space();
  } else {
    pending_.assign(bytes);
  }
  return true;
}

bool Client::handle_websocket(std::string_view bytes) {
  const auto upgraded = [this] { send(WebSocketStream::open(settings_.domain)); };
  return websocket_->receive(bytes, upgraded, [this](std::string_view message) {
    const int fd = fd_;
    if (message.starts_with("<open ")) return true;
    if (message.starts_with("<close ")) {
      fail("stream closed by the server");
      return false;
    }
    if (state_ == State::ready) {
      handle_session(message);
    } else {
      handle_login(message);
    }
    return fd_ == fd && fd_ >= 0;
  });
}

bool Client::handle_item(const StreamReader::Item& item) {
  switch (item.kind) {
    case StreamReader::Kind::stream_open: return true;
    case StreamReader::Kind::stream_close: fail("stream closed by the server"); return false;
    case StreamReader::Kind::broken: fail("the server sent a declaration"); return false;
    default: break;
  }
  if (state_ != State::ready) {
    handle_login(item.text);
    return fd_ >= 0;
  }
  handle_session(item.text);
  return fd_ >= 0;
}

// The first letter tells stanzas (message, presence, iq) from what stream management sends.
void Client::handle_session(std::string_view element) {
  const std::size_t open = element.find('<');
  const char first = element[open + 1];
  if (first == 'm' || first == 'p' || first == 'i') {
    ++stanzas_received_;
    owner_.on_stanza(*this, element);
    return;
  }
  const std::string_view name = element_name(element);
  if (name == "r") {
    answer_due_ = true;
  } else if (name == "a") {
    const std::string handled(attribute(element, "h"));
    owner_.on_ack(*this, static_cast<std::uint32_t>(std::strtoul(handled.c_str(), nullptr, 10)));
  } else if (name == "error") {
    problem_ = "stream error: " + std::string(element.substr(0, 300));
  }
}

bool Client::start_tls() {
  tls_ = SSL_new(loop_.tls_context_);
  SSL_set_fd(tls_, fd_);
  SSL_set_tlsext_host_name(tls_, settings_.domain.c_str());
  SSL_set_connect_state(tls_);
  state_ = State::handshake;
  continue_handshake();
  return fd_ >= 0;
}

void Client::continue_handshake() {
  const int result = SSL_do_handshake(tls_);
  if (result == 1) {
    watch(false);
    open_stream();
    return;
  }
  const int error = SSL_get_error(tls_, result);
  if (error == SSL_ERROR_WANT_READ) return watch(false);
  if (error == SSL_ERROR_WANT_WRITE) return watch(true);
  char text[200] = "closed";
  if (const unsigned long code = ERR_get_error(); code != 0) {
    ERR_error_string_n(code, text, sizeof text);
  }
  fail(std::string("TLS handshake: ") + text);
}

Loop::Loop() : buffer_(receive_buffer_bytes) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  tls_context_ = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(tls_context_, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // The servers under test make their own certificates; nothing secret travels here.
  SSL_CTX_set_verify(tls_context_, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(tls_context_, SSL_SESS_CACHE_OFF);
}

Loop::~Loop() {
  SSL_CTX_free(tls_context_);
  ::close(epoll_);
}

void Loop::turn_ns(std::uint64_t timeout_ns) {
  epoll_event events[events_per_turn];
  flush_dirty();
  const timespec timeout{static_cast<time_t>(timeout_ns / 1'000'000'000),
                         static_cast<long>(timeout_ns % 1'000'000'000)};
  const int count = epoll_pwait2(epoll_, events, events_per_turn, &timeout, nullptr);
  for (int index = 0; index < count; ++index) {
    auto* client = static_cast<Client*>(events[index].data.ptr);
    if (client->connected()) client->on_event(events[index].events);
  }
  flush_dirty();
}

void Loop::flush_dirty() {
  // A write that fails tells the owner, who may queue more: hence by index.
  for (std::size_t index = 0; index < dirty_.size(); ++index) dirty_[index]->flush();
  dirty_.clear();
}

void set_server(ClientSettings& settings, const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) die("--server wants address:port, not " + address);
  settings.server.sin_family = AF_INET;
  settings.server.sin_port =
      htons(static_cast<std::uint16_t>(std::atoi(address.c_str() + colon + 1)));
  if (settings.server.sin_port == 0) die("--server wants a port, in " + address);
  if (inet_pton(AF_INET, address.substr(0, colon).c_str(), &settings.server.sin_addr) != 1) {
    die("--server wants an IPv4 address, not " + address);
  }
  // Only the loopback network has all its addresses here.
  settings.use_sources = ntohl(settings.server.sin_addr.s_addr) >> 24 == 127;
}

void raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace rookery::load
