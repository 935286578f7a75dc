// Fuzzes the server's side of the compact protocol's transport. The first input byte chooses: the
// bytes that follow arrive raw, behind a real prologue, behind a real first message, or they are a
// program for a client that makes a real handshake, then sends frames, garbles and cuts them.
// Checked: what a decent client sends is what arrives, everything that the server writes is a frame
// that the client can open or one refusal, nothing is kept at rest, nothing is given out before the
// client's key is known, and an end is an end.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/random.h"
#include "load/noise_client.h"
#include "transport/noise_transport.h"
#include "transport/transport_scratch.h"

namespace rookery {
namespace {

using load::frame_of;
using load::NoiseClient;
using load::prologue_of;

void require(bool condition) {
  if (!condition) std::abort();
}

/// The same keys in every run, so that an input does the same each time.
class CountingRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = next_++;
  }

 private:
  std::uint8_t next_ = 1;
};

class Input {
 public:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return value;
  }
  std::size_t word() { return std::size_t{byte()} << 8 | byte(); }
  std::string_view text(std::size_t size) {
    const std::string_view out = bytes_.substr(0, size);
    bytes_.remove_prefix(out.size());
    return out;
  }

 private:
  std::string_view bytes_;
};

/// What the runs share, as the connections of a server do.
struct World {
  World() {
    require(scratch.noise().make_key_pair(client_keys));
    NoiseKeyPair server;
    require(scratch.noise().make_key_pair(server));
    std::string error;
    identity = NoiseIdentity::create(
        {reinterpret_cast<const char*>(server.secret.data()), server.secret.size()},
        make_noise_certificate("example.org", 0, client_keys.open, server.open), error);
    require(identity != nullptr);
  }

  CountingRandom random;
  TransportScratch scratch{{.noise_frames = 40, .random = &random}};
  TransportScratch other_shard{{.noise_frames = 40, .random = &random}};
  NoiseKeyPair client_keys;
  std::shared_ptr<const NoiseIdentity> identity;
};

World& world() {
  static World shared;
  return shared;
}

class Session {
 public:
  explicit Session(NoisePattern pattern)
      : pattern_(pattern),
        client_(world().scratch, pattern, world().client_keys, &world().identity->keys().open),
        server_(std::make_unique<NoiseTransport>(world().identity)) {}

  /// Raw bytes, some of them behind a beginning as a client makes it.
  void run_raw(Input& input, int stage) {
    const std::size_t step = input.byte() % 64;
    clean_ = false;
    if (stage == 1) pending_ = prologue_of(pattern_);
    if (stage == 2) {
      client_.start(input.text(input.byte() % 32));
      pending_ = client_.take_wire();
      // One byte of it may be changed: it must then fail, except where XX does not look yet.
      if ((input.byte() & 1) != 0) pending_[input.word() % pending_.size()] ^= input.byte() | 1;
    }
    pending_ += input.text(100'000);
    while (!pending_.empty()) deliver(step == 0 ? pending_.size() : step);
    answer("answer");
    finish();
  }

  void run_program(Input& input) {
    const std::string login(input.text(input.byte()));
    const std::size_t step = input.byte();
    client_.start(login);
    while (!server_->login_ready()) {
      pending_ = client_.take_wire();
      while (!pending_.empty()) deliver(step == 0 ? pending_.size() : step);
      require(status_ == TransportStatus::ok);
      hear();
    }
    require(server_->login_payload() == login);
    require(std::equal(server_->client_key().begin(), server_->client_key().end(),
                       world().client_keys.open.begin()));
    answer(input.text(input.byte()));
    server_->forget_channel_binding();
    require(client_.established());
    require(server_->heap_bytes() <= 100);
    while (!input.empty()) do_step(input);
    deliver(pending_.size());
    if (clean_ && status_ == TransportStatus::ok) {
      require(plain_ == expected_);
      require(server_->heap_bytes() <= 100);
    }
    finish();
  }

 private:
  void do_step(Input& input) {
    switch (input.byte() % 9) {
      case 0: send(std::string(input.text(input.byte()))); break;
      case 1: send(std::string(input.word() % 65'520, 'x')); break;
      case 2:  // A frame of the wrong size or no key.
        pending_ += frame_of(input.text(input.byte()));
        clean_ = false;
        break;
      case 3:  // Bytes as they come.
        pending_ += input.text(input.byte());
        clean_ = false;
        break;
      case 4:  // One byte changed on its way.
        if (!pending_.empty()) pending_[input.word() % pending_.size()] ^= input.byte() | 1;
        clean_ = false;
        break;
      case 5: deliver(input.word()); break;
      case 6: deliver(input.byte() % 24); break;
      case 7: answer_back(input.word() * 3); break;
      case 8:
        server_->close(world().scratch, out_);
        closed_ = true;
        break;
    }
    if (pending_.size() > 300'000) deliver(pending_.size());
  }

  void send(const std::string& text) {
    client_.send(text);
    pending_ += client_.take_wire();
    // Beyond the last nonce the server ends the connection.
    if (++sent_ > 40) clean_ = false;
    expected_ += text;
  }

  void deliver(std::size_t size) {
    const std::string wire = pending_.substr(0, size);
    pending_.erase(0, wire.size());
    const TransportStatus before = status_;
    status_ = server_->receive(world().scratch, wire, plain_, out_);
    require(status_ != TransportStatus::closed);
    if (before == TransportStatus::failed) require(status_ == TransportStatus::failed);
    if (!server_->established() && !server_->login_ready()) require(plain_.empty());
    if (status_ == TransportStatus::failed) {
      require(!server_->login_ready());
      require(server_->heap_bytes() <= 100);
    }
    // No more than one frame is kept, in a buffer that may have doubled.
    require(server_->heap_bytes() <= (server_->established() ? 140'000u : 4'000u));
    if (clean_) require(plain_ == expected_.substr(0, plain_.size()));
  }

  /// The login is decided on another shard.
  void answer(std::string_view text) {
    if (!server_->login_ready()) return;
    const bool fits = text.size() <= 976;
    if (server_->answers_in_handshake() && !server_->established()) {
      const TransportStatus status = server_->answer(world().other_shard, text, out_);
      require(status == (fits ? TransportStatus::ok : TransportStatus::failed));
    } else if (status_ == TransportStatus::ok) {
      require(server_->send(world().other_shard, text, out_) == TransportStatus::ok);
    }
    hear();
  }

  void answer_back(std::size_t size) {
    const std::string text(size, 's');
    const TransportStatus status = server_->send(world().scratch, text, out_);
    if (closed_ || status_ == TransportStatus::failed) require(status != TransportStatus::ok);
    client_.take_plain();
    hear();
    if (status == TransportStatus::ok) require(client_.take_plain() == text);
    if (status == TransportStatus::failed) status_ = status;
  }

  void hear() {
    client_.receive(std::exchange(out_, {}));
    require(client_.state() != NoiseClient::State::broken);
  }

  void finish() {
    const bool refused = server_->refusal() != NoiseRefusal::none;
    // Alone, or behind the second message of XX.
    if (refused) require(out_.ends_with(std::string{0, 0, static_cast<char>(server_->refusal())}));
    if (status_ == TransportStatus::failed) {
      out_.clear();
      require(server_->send(world().scratch, "x", out_) == TransportStatus::failed);
      server_->refuse(NoiseRefusal::busy, out_);
      require(out_.empty());
    }
  }

  NoisePattern pattern_;
  NoiseClient client_;
  std::unique_ptr<NoiseTransport> server_;
  std::string pending_;
  std::string expected_;
  std::string plain_;
  std::string out_;
  TransportStatus status_ = TransportStatus::ok;
  unsigned sent_ = 0;
  bool clean_ = true;  ///< So far a decent client.
  bool closed_ = false;
};

}  // namespace
}  // namespace rookery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rookery;
  Input input({reinterpret_cast<const char*>(data), size});
  const std::uint8_t mode = input.byte();
  Session session((mode & 1) != 0 ? NoisePattern::ik : NoisePattern::xx);
  const int stage = (mode >> 1) % 4;
  if (stage == 3) {
    session.run_program(input);
  } else {
    session.run_raw(input, stage);
  }
  return 0;
}
