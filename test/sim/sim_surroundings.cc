// Simulated sockets and disk.
#include "sim/sim_surroundings.h"

#include <sys/uio.h>

#include <algorithm>
#include <cstring>

#include "boundary/boundary.gen.h"
#include "session/connection.h"

namespace rookery::sim {
namespace {

constexpr int first_listener = 1;  // Of each shard; sockets begin at 1000.
constexpr std::size_t socket_buffer_bytes = 16 * 1024;
constexpr std::size_t max_waiting_batches = 8;
constexpr std::size_t max_waiting_reads = 64;
constexpr std::size_t max_in_flight_handovers = 4;

}  // namespace

int SimInternet::connect(bool compact) {
  auto& backlog = backlog_[compact ? 1 : 0];
  if (backlog.empty()) return -1;
  const auto shard = static_cast<ShardId>(chance_.below(backlog.size()));
  auto socket = std::make_unique<SimSocket>();
  socket->owner = shard;
  const int descriptor = next_++;
  sockets_.emplace(descriptor, std::move(socket));
  backlog[shard].push_back(descriptor);
  return descriptor;
}

void SimInternet::crash() {
  for (auto& arrivals : arrivals_) {
    for (const Arrival& arrival : arrivals) {
      const std::unique_ptr<TravellingConnection> freed(
          static_cast<TravellingConnection*>(arrival.payload));
    }
  }
  for (auto& [descriptor, socket] : sockets_) {
    // A machine that is killed resets connections with unread input, and loses what TCP had not
    // brought to the client yet.
    if (socket->open && !socket->to_client.empty() && chance_.one_in(2)) {
      socket->to_client.resize(chance_.below(socket->to_client.size() + 1));
    }
    socket->server_closed = true;
    socket->open = false;
  }
  sends_left_.reset();
  by_shard_.clear();
  for (auto& backlog : backlog_) backlog.clear();
  arrivals_.clear();
}

void SimInternet::client_done(int descriptor) {
  const auto found = sockets_.find(descriptor);
  if (found == sockets_.end()) return;
  found->second->client_closed = true;
  // What lies between client and server is lost or not, as it happens.
  if (!found->second->to_server.empty() && chance_.one_in(2)) {
    found->second->to_server.resize(chance_.below(found->second->to_server.size() + 1));
  }
  if (found->second->server_closed && !found->second->open) sockets_.erase(found);
}

SimNetwork::SimNetwork(SimInternet& internet, ShardId id, std::uint32_t shards)
    : internet_(internet), id_(id) {
  internet_.by_shard_.resize(shards);
  internet_.arrivals_.resize(shards);
}

int SimNetwork::listen(std::string_view address, std::uint64_t token, std::string&) {
  const std::size_t kind = address == sim_compact_address ? 1 : 0;
  listeners_[kind] = {true, token};
  internet_.backlog_[kind].resize(internet_.by_shard_.size());
  return first_listener + static_cast<int>(kind);
}

Accepted SimNetwork::accept(int listener) {
  auto& backlog = internet_.backlog_[listener - first_listener][id_];
  if (backlog.empty()) return {};
  const int descriptor = backlog.front();
  backlog.pop_front();
  SimSocket& socket = internet_.socket(descriptor);
  socket.open = true;
  socket.accepted = true;
  Accepted accepted;
  accepted.status = AcceptStatus::accepted;
  accepted.descriptor = descriptor;
  accepted.peer.ip[15] = 1;
  return accepted;
}

std::size_t SimNetwork::wait(std::span<NetworkEvent> out, std::int64_t) {
  std::size_t count = 0;
  for (std::size_t kind = 0; kind < sim_listener_kinds; ++kind) {
    if (listeners_[kind].open && !internet_.backlog_[kind][id_].empty()) {
      out[count++] = {listeners_[kind].token, true, false, false};
    }
  }
  for (const int descriptor : internet_.by_shard_[id_]) {
    if (count == out.size()) break;
    const SimSocket& socket = internet_.socket(descriptor);
    const bool readable = socket.want_read && (!socket.to_server.empty() || socket.client_closed);
    const bool writable = socket.want_write && socket.to_client.size() < socket_buffer_bytes;
    const bool hangup = socket.client_closed && socket.to_server.empty();
    if (readable || writable || hangup) {
      out[count++] = {socket.token, readable, writable, hangup};
    }
  }
  return count;
}

bool SimNetwork::watch(int descriptor, std::uint64_t token) {
  SimSocket& socket = internet_.socket(descriptor);
  socket.token = token;
  socket.owner = id_;
  socket.want_read = true;
  socket.want_write = false;
  internet_.by_shard_[id_].push_back(descriptor);
  return true;
}

void SimNetwork::rewatch(int descriptor, std::uint64_t token, bool read, bool write) {
  if (descriptor < 1000) return;  // the listener: never exhausted here
  SimSocket& socket = internet_.socket(descriptor);
  socket.token = token;
  socket.want_read = read;
  socket.want_write = write;
}

IoResult SimNetwork::receive(int descriptor, std::span<char> into) {
  SimSocket& socket = internet_.socket(descriptor);
  if (socket.to_server.empty()) {
    if (!socket.client_closed) return {IoStatus::would_block, 0};
    return {internet_.chance_.one_in(2) ? IoStatus::closed : IoStatus::failed, 0};
  }
  const std::size_t most = std::min(into.size(), socket.to_server.size());
  const std::size_t bytes = internet_.chance_.one_in(4) ? 1 + internet_.chance_.below(most) : most;
  std::memcpy(into.data(), socket.to_server.data(), bytes);
  socket.to_server.erase(0, bytes);
  return {IoStatus::ok, bytes};
}

IoResult SimNetwork::send(int descriptor, std::span<const iovec> parts) {
  SimSocket& socket = internet_.socket(descriptor);
  if (socket.client_closed) return {IoStatus::failed, 0};
  if (internet_.sends_left_.has_value()) {
    if (*internet_.sends_left_ == 0) return {IoStatus::would_block, 0};
    --*internet_.sends_left_;
  }
  const std::size_t used = socket.to_client.size();
  if (used >= socket_buffer_bytes || internet_.chance_.one_in(50)) {
    return {IoStatus::would_block, 0};
  }
  std::size_t room = socket_buffer_bytes - used;
  if (internet_.chance_.one_in(10)) room = 1 + internet_.chance_.below(room);
  std::size_t sent = 0;
  for (const iovec& part : parts) {
    const std::size_t bytes = std::min(part.iov_len, room - sent);
    socket.to_client.append(static_cast<const char*>(part.iov_base), bytes);
    sent += bytes;
  }
  return {IoStatus::ok, sent};
}

std::size_t SimNetwork::unacknowledged(int descriptor) {
  return internet_.socket(descriptor).to_client.size();
}

void SimNetwork::finish(int descriptor) { internet_.socket(descriptor).server_closed = true; }

void SimNetwork::close(int descriptor) {
  if (descriptor < 1000) {
    listeners_[descriptor - first_listener].open = false;
    return;
  }
  std::erase(internet_.by_shard_[id_], descriptor);
  SimSocket& socket = internet_.socket(descriptor);
  socket.open = false;
  socket.server_closed = true;
  if (socket.client_closed) internet_.sockets_.erase(descriptor);
}

HandOver SimNetwork::hand_over(ShardId to, int descriptor, void* payload) {
  auto& arrivals = internet_.arrivals_[to];
  if (arrivals.size() >= max_in_flight_handovers) return HandOver::busy;
  std::erase(internet_.by_shard_[id_], descriptor);
  arrivals.push_back({descriptor, payload});
  return HandOver::gone;
}

bool SimNetwork::take_arrival(Arrival& out) {
  auto& arrivals = internet_.arrivals_[id_];
  if (arrivals.empty()) return false;
  out = arrivals.front();
  arrivals.pop_front();
  return true;
}

bool SimStorePort::submit(std::uint64_t token, std::span<const RecordInput> records) {
  if (waiting_.size() >= max_waiting_batches) return false;
  Batch batch{token, 0, {}};
  for (const RecordInput& record : records) {
    batch.records.push_back({record.kind, std::string(record.user), std::string(record.payload)});
  }
  waiting_.push_back(std::move(batch));
  return true;
}

bool SimStorePort::read(std::uint64_t token, LogSequence sequence) {
  if (reads_.size() >= max_waiting_reads) return false;
  reads_.emplace_back(token, sequence);
  return true;
}

bool SimStorePort::poll(StoreEvent& out) {
  if (ready_.empty()) return false;
  out = std::move(ready_.front());
  ready_.pop_front();
  return true;
}

void SimStorePort::step() {
  if (stalled_steps_ > 0) {
    --stalled_steps_;
    return;
  }
  if (chance_.one_in(300)) stalled_steps_ = chance_.below(chance_.one_in(8) ? 600 : 40);
  switch (stage_) {
    case Stage::idle: write(); break;
    case Stage::written: sync(); break;
    case Stage::synced:
    case Stage::refused: tell(); break;
  }
  answer_reads();
}

void SimStorePort::write() {
  if (waiting_.empty()) return;
  for (std::size_t count = 1 + chance_.below(waiting_.size()); count > 0; --count) {
    Batch& batch = group_.emplace_back(std::move(waiting_.front()));
    waiting_.pop_front();
    batch.first = disk_.next;
    disk_.next += batch.records.size();
  }
  stage_ = Stage::written;
}

void SimStorePort::sync() {
  if (failing_groups_ == 0 && chance_.one_in(disk_.groups_per_refusal)) {
    failing_groups_ = 1 + (chance_.one_in(4) ? chance_.below(10) : 0);
  }
  if (failing_groups_ > 0) {
    --failing_groups_;
    stage_ = Stage::refused;
    return;
  }
  make_durable();
  stage_ = Stage::synced;
}

void SimStorePort::make_durable() {
  for (Batch& batch : group_) {
    LogSequence sequence = batch.first;
    for (SimDisk::Record& record : batch.records) {
      if (record.kind == RecordKind::settlement) {
        for (std::size_t at = 0; at + sizeof(LogSequence) <= record.payload.size();
             at += sizeof(LogSequence)) {
          LogSequence settled = 0;
          std::memcpy(&settled, record.payload.data() + at, sizeof settled);
          disk_.records.erase(settled);
        }
      } else {
        disk_.records.emplace(sequence, std::move(record));
      }
      ++sequence;
    }
  }
}

void SimStorePort::tell() {
  const bool good = stage_ == Stage::synced;
  for (const Batch& batch : group_) {
    ready_.push_back({StoreEvent::Kind::committed,
                      good ? StoreStatus::ok : StoreStatus::failed,
                      batch.token,
                      good ? batch.first : 0,
                      {}});
  }
  group_.clear();
  stage_ = Stage::idle;
}

void SimStorePort::answer_reads() {
  while (!reads_.empty() && !chance_.one_in(4)) {
    const auto [token, sequence] = reads_.front();
    reads_.pop_front();
    const auto found = disk_.records.find(sequence);
    const bool there = found != disk_.records.end();
    ready_.push_back({StoreEvent::Kind::record_read, there ? StoreStatus::ok : StoreStatus::missing,
                      token, sequence, there ? found->second.payload : std::string()});
  }
}

bool SimPasswords::submit(Handle connection, std::string_view user,
                          std::unique_ptr<PasswordCheck> check) {
  if (chance_.one_in(50)) return false;
  waiting_.push_back({connection, std::string(user), std::move(check)});
  return true;
}

void SimPasswords::step() {
  while (!waiting_.empty() && !chance_.one_in(3)) {
    const Waiting& oldest = waiting_.front();
    auto batch = std::make_unique<std::string>();
    const bool fits = password_fits(*oldest.check);
    boundary::AuthReply{oldest.connection.bits, static_cast<std::uint8_t>(fits), oldest.user}
        .encode(*batch);
    if (!mesh_.commands(oldest.connection.shard()).push(batch.get())) return;
    static_cast<void>(batch.release());  // the shard's now
    waiting_.pop_front();
  }
}

SimStorePort::Stage SimStorePort::crash() {
  if (stage_ == Stage::written && chance_.one_in(2)) make_durable();
  return stage_;
}

}  // namespace rookery::sim
