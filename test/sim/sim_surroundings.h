// The injected surroundings of simulated shards: time, chance, sockets and a disk, all in one
// thread under one seed. What survives a crash of the simulated server is exactly what SimDisk says
// is durable.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "engine/mesh.h"
#include "reactor/network.h"
#include "session/password_checker.h"
#include "store/store_port.h"

namespace rookery::sim {

class SimClock final : public Clock {
 public:
  [[nodiscard]] MonoUs now_us() const override { return now_; }
  [[nodiscard]] WallMs wall_ms() const override { return 1'700'000'000'000 + now_ / 1000; }
  void advance(MonoUs by) { now_ += by; }

 private:
  MonoUs now_ = 1'000'000;
};

/// The only source of chance.
class Chance final : public Random {
 public:
  explicit Chance(std::uint64_t seed) : engine_(seed) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(engine_());
  }
  /// 0 to bound - 1.
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  /// True once in `times`.
  bool one_in(std::uint64_t times) { return below(times) == 0; }

 private:
  std::mt19937_64 engine_;
};

/// One TCP connection. Bytes in `to_client` have been sent and not been taken by the client's TCP.
struct SimSocket {
  std::string to_server;
  std::string to_client;
  bool client_closed = false;  ///< FIN or reset by the client.
  bool server_closed = false;
  ShardId owner = 0;
  std::uint64_t token = 0;
  bool open = false;  ///< The server has a descriptor for it.
  bool accepted = false;
  bool want_read = true;
  bool want_write = false;
};

/// XMPP, and the compact protocol.
inline constexpr std::size_t sim_listener_kinds = 2;
inline constexpr std::string_view sim_compact_address = "sim:5299";

/// All sockets of a run; a crash of the server closes every one of them, and may take along what
/// was on its way to the clients.
class SimInternet {
 public:
  explicit SimInternet(Chance& chance) : chance_(chance) {}
  /// A client connects, to the listeners of XMPP or of the compact protocol; returns the socket, or
  /// -1 while none is open.
  int connect(bool compact);
  void crash();
  /// The server dies in the middle of a phase: after so many more calls of send() nothing that it
  /// sends leaves the machine. To be followed by crash().
  void die_after(std::uint64_t sends) { sends_left_ = sends; }
  [[nodiscard]] SimSocket& socket(int descriptor) { return *sockets_[descriptor]; }
  /// A socket that neither side uses any more is freed.
  void client_done(int descriptor);

 private:
  friend class SimNetwork;
  Chance& chance_;
  std::map<int, std::unique_ptr<SimSocket>> sockets_;
  std::vector<std::vector<int>> by_shard_;
  std::array<std::vector<std::deque<int>>, sim_listener_kinds> backlog_;
  std::vector<std::deque<Arrival>> arrivals_;
  int next_ = 1000;
  std::optional<std::uint64_t> sends_left_;
};

class SimNetwork final : public Network {
 public:
  SimNetwork(SimInternet& internet, ShardId id, std::uint32_t shards);
  int listen(std::string_view address, std::uint64_t token, std::string& error) override;
  [[nodiscard]] std::uint16_t local_port(int) const override { return 5222; }
  Accepted accept(int listener) override;
  Accepted accept_to_pass_on(int listener) override { return accept(listener); }
  [[nodiscard]] std::uint32_t room(ShardId) override { return 1'000'000; }
  std::size_t wait(std::span<NetworkEvent> out, std::int64_t timeout_us) override;
  bool watch(int descriptor, std::uint64_t token) override;
  void rewatch(int descriptor, std::uint64_t token, bool read, bool write) override;
  IoResult receive(int descriptor, std::span<char> into) override;
  IoResult send(int descriptor, std::span<const iovec> parts) override;
  std::size_t unacknowledged(int descriptor) override;
  void finish(int descriptor) override;
  void close(int descriptor) override;
  HandOver hand_over(ShardId to, int descriptor, void* payload) override;
  bool take_arrival(Arrival& out) override;
  void arm() override {}
  void notify() override {}

 private:
  SimInternet& internet_;
  ShardId id_;
  struct Listener {
    bool open = false;
    std::uint64_t token = 0;
  };
  std::array<Listener, sim_listener_kinds> listeners_;
};

/// What is durable, whoever runs.
class SimDisk {
 public:
  /// Of so many groups it refuses one, or several in a row.
  std::uint64_t groups_per_refusal = 50;
  struct Record {
    RecordKind kind;
    std::string user;
    std::string payload;
  };
  std::map<LogSequence, Record> records;
  LogSequence next = 1;
};

/// One shard's port, with a store behind it that works when step() is called. A group of batches is
/// written, then synced, then its shard is told, and the server may crash between any two of these.
class SimStorePort final : public StorePort {
 public:
  /// How far a group that the store works on has come.
  enum class Stage : std::uint8_t { idle, written, synced, refused };

  SimStorePort(SimDisk& disk, Chance& chance) : disk_(disk), chance_(chance) {}
  bool submit(std::uint64_t token, std::span<const RecordInput> records) override;
  bool read(std::uint64_t token, LogSequence sequence) override;
  bool poll(StoreEvent& out) override;
  [[nodiscard]] std::uint8_t own_store() const override { return 0; }

  /// One step of the store's work. Now and then it stalls for a while, or refuses.
  void step();
  /// The machine stops: what was written and not synced is there as a whole or not at all, as a
  /// transaction of LMDB is. Returns how far the group had come.
  Stage crash();
  /// A group was refused, and its shard is not told yet.
  [[nodiscard]] bool refuses() const { return stage_ == Stage::refused; }

 private:
  struct Batch {
    std::uint64_t token = 0;
    LogSequence first = 0;
    std::vector<SimDisk::Record> records;
  };
  void write();
  void sync();
  void make_durable();
  void tell();
  void answer_reads();

  SimDisk& disk_;
  Chance& chance_;
  std::deque<Batch> waiting_;
  std::vector<Batch> group_;
  Stage stage_ = Stage::idle;
  std::uint64_t stalled_steps_ = 0;
  std::uint64_t failing_groups_ = 0;
  std::deque<std::pair<std::uint64_t, LogSequence>> reads_;
  std::deque<StoreEvent> ready_;
};

/// Compares passwords when step() is called, some turns after it was asked to, and is full at
/// times.
class SimPasswords final : public PasswordChecker {
 public:
  SimPasswords(Mesh& mesh, Chance& chance) : mesh_(mesh), chance_(chance) {}
  bool submit(Handle connection, std::string_view user,
              std::unique_ptr<PasswordCheck> check) override;

  /// Answers some of those that wait, oldest first.
  void step();

 private:
  struct Waiting {
    Handle connection;
    std::string user;
    std::unique_ptr<PasswordCheck> check;
  };
  Mesh& mesh_;
  Chance& chance_;
  std::deque<Waiting> waiting_;
};

}  // namespace rookery::sim
