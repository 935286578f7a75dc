// What the transport of the compact protocol costs the server: CPU per handshake by pattern, CPU
// per frame each way, bytes per idle connection (malloc's own account). Both ends run in this
// process; only the server's calls are timed.
// Usage: noise_bench [--connections 2000] [--handshakes 1000] [--frames 50000] [--rounds 5]
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "load/args.h"
#include "load/noise_client.h"
#include "transport/noise_transport.h"
#include "transport/transport_scratch.h"

namespace rookery::load {
namespace {

using load::NoiseClient;

const char* name_of(NoisePattern pattern) { return pattern == NoisePattern::xx ? "XX" : "IK"; }

/// CPU time of this thread: other work on the machine does not count.
std::uint64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

struct Spread {
  std::vector<double> values;
  void print(const std::string& what, const char* unit) {
    std::sort(values.begin(), values.end());
    std::printf("  %-44s %10.1f %s  (%.1f to %.1f)\n", what.c_str(), values[values.size() / 2],
                unit, values.front(), values.back());
  }
};

/// The server, and a device of it.
struct Keys {
  explicit Keys(TransportScratch& scratch) {
    NoiseKeyPair server;
    NoiseKeyPair seed;
    std::string error;
    if (!scratch.noise().make_key_pair(server) || !scratch.noise().make_key_pair(seed) ||
        !scratch.noise().make_key_pair(device)) {
      die("no keys");
    }
    identity = NoiseIdentity::create(
        {reinterpret_cast<const char*>(server.secret.data()), server.secret.size()},
        make_noise_certificate("example.org", 0, seed.secret, server.open), error);
    if (identity == nullptr) die(error);
  }
  NoiseKeyPair device;
  std::shared_ptr<const NoiseIdentity> identity;
};

/// One connection; counts the nanoseconds that the server's calls take.
struct Pair {
  Pair(TransportScratch& used, const Keys& keys, NoisePattern pattern)
      : scratch(used),
        client(used, pattern, keys.device, &keys.identity->keys().open),
        server(std::make_unique<NoiseTransport>(keys.identity)) {}

  std::uint64_t connect() {
    std::uint64_t spent = 0;
    std::string plain;
    std::string out;
    client.start(std::string(40, 'l'));
    while (!server->login_ready()) {
      const std::string wire = client.take_wire();
      const std::uint64_t start = now_ns();
      const TransportStatus status = server->receive(scratch, wire, plain, out);
      spent += now_ns() - start;
      if (status != TransportStatus::ok) die("the handshake failed");
      client.receive(std::exchange(out, {}));
    }
    const std::string text(60, 'a');
    const std::uint64_t start = now_ns();
    const TransportStatus status = server->answers_in_handshake()
                                       ? server->answer(scratch, text, out)
                                       : server->send(scratch, text, out);
    server->forget_channel_binding();
    spent += now_ns() - start;
    client.receive(out);
    if (status != TransportStatus::ok || !client.established()) die("the login failed");
    client.take_plain();
    return spent;
  }

  TransportScratch& scratch;
  NoiseClient client;
  std::unique_ptr<NoiseTransport> server;
};

void measure_memory(const Keys& keys, NoisePattern pattern, std::size_t count) {
  TransportScratch scratch;
  const auto one = [&] {
    Pair pair(scratch, keys, pattern);
    pair.connect();
    return std::move(pair.server);
  };
  // The first connections allocate what all share, and fill malloc's caches, which count as used.
  for (int warm_up = 0; warm_up < 300; ++warm_up) one();
  std::vector<std::unique_ptr<NoiseTransport>> kept;
  kept.reserve(count);
  const std::size_t before = mallinfo2().uordblks;
  for (std::size_t index = 0; index < count; ++index) kept.push_back(one());
  const std::size_t after = mallinfo2().uordblks;
  std::printf("  %-44s %10.1f B  (heap_bytes says %zu)\n",
              (std::string("idle, after ") + name_of(pattern)).c_str(),
              static_cast<double>(after - before) / static_cast<double>(count),
              kept.front()->heap_bytes());
}

void measure_handshakes(const Keys& keys, NoisePattern pattern, std::size_t count,
                        std::size_t rounds) {
  TransportScratch scratch;
  Spread spread;
  for (std::size_t round = 0; round < rounds; ++round) {
    std::uint64_t spent = 0;
    for (std::size_t index = 0; index < count; ++index) {
      spent += Pair(scratch, keys, pattern).connect();
    }
    spread.values.push_back(static_cast<double>(spent) / 1e3 / static_cast<double>(count));
  }
  spread.print(std::string("handshake ") + name_of(pattern) + " with its answer", "us");
}

/// Frames of one size, over many connections in turn (each needs its key loaded) or over one.
void measure_frames(const Keys& keys, std::size_t size, std::size_t count, std::size_t connections,
                    std::size_t rounds) {
  TransportScratch scratch;
  std::vector<std::unique_ptr<Pair>> pairs;
  for (std::size_t index = 0; index < connections; ++index) {
    pairs.push_back(std::make_unique<Pair>(scratch, keys, NoisePattern::ik));
    pairs.back()->connect();
  }
  const std::string text(size, 'x');
  constexpr std::size_t kBatch = 100;
  std::vector<std::string> wires(kBatch);
  std::vector<std::string> outs(connections);
  std::string plain;
  Spread sealed;
  Spread opened;
  for (std::size_t round = 0; round < rounds; ++round) {
    std::uint64_t sealing = 0;
    std::uint64_t opening = 0;
    for (std::size_t done = 0; done < count; done += kBatch) {
      for (std::size_t index = 0; index < kBatch; ++index) {
        Pair& pair = *pairs[index % connections];
        pair.client.send(text);
        wires[index] = pair.client.take_wire();
      }
      plain.clear();
      const std::uint64_t start = now_ns();
      for (std::size_t index = 0; index < kBatch; ++index) {
        pairs[index % connections]->server->receive(scratch, wires[index], plain, outs[0]);
      }
      const std::uint64_t middle = now_ns();
      for (std::size_t index = 0; index < kBatch; ++index) {
        pairs[index % connections]->server->send(scratch, text, outs[index % connections]);
      }
      sealing += now_ns() - middle;
      opening += middle - start;
      if (plain.size() != size * kBatch) die("a frame was lost");
      for (std::size_t index = 0; index < connections; ++index) {
        pairs[index]->client.receive(outs[index]);
        outs[index].clear();
        if (pairs[index]->client.take_plain().size() != size * kBatch / connections) {
          die("a frame was lost");
        }
      }
    }
    sealed.values.push_back(static_cast<double>(sealing) / static_cast<double>(count));
    opened.values.push_back(static_cast<double>(opening) / static_cast<double>(count));
  }
  const std::string label =
      std::to_string(size) + " B, " + std::to_string(connections) + " connections";
  sealed.print("encrypt " + label, "ns");
  opened.print("decrypt " + label, "ns");
}

/// One primitive in its own loop, to see what a handshake is made of.
template <typename Call>
void measure_call(const char* what, std::size_t count, Call call) {
  const std::uint64_t start = now_ns();
  for (std::size_t index = 0; index < count; ++index) {
    if (!call()) die(std::string(what) + " failed");
  }
  std::printf("  %-44s %10.1f us\n", what,
              static_cast<double>(now_ns() - start) / 1e3 / static_cast<double>(count));
}

void measure_primitives(const Keys& keys, std::size_t count) {
  TransportScratch scratch;
  NoiseKeyPair pair;
  NoiseKey shared{};
  NoiseHash hash{};
  measure_call("ephemeral key", count, [&] { return scratch.noise().make_key_pair(pair); });
  measure_call("X25519", count, [&] {
    return scratch.noise().x25519(NoiseCrypto::Own::ephemeral_pair, keys.device,
                                  keys.identity->keys().open, shared);
  });
  measure_call("HKDF", count, [&] { return scratch.noise().hkdf(hash, shared, hash, hash); });
}

int run(int count, char** values) {
  Args args(count, values);
  const auto connections = static_cast<std::size_t>(args.number("connections", 2000));
  const auto handshakes = static_cast<std::size_t>(args.number("handshakes", 1000));
  const auto frames = static_cast<std::size_t>(args.number("frames", 50000));
  const auto rounds = static_cast<std::size_t>(args.number("rounds", 5));
  args.finish();
  // The heap keeps what is freed: page faults of growing it anew would pass for cipher time.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  TransportScratch scratch;
  const Keys keys(scratch);
  std::printf("Noise\n");
  for (const NoisePattern pattern : {NoisePattern::xx, NoisePattern::ik}) {
    measure_memory(keys, pattern, connections);
  }
  for (const NoisePattern pattern : {NoisePattern::xx, NoisePattern::ik}) {
    measure_handshakes(keys, pattern, handshakes, rounds);
  }
  measure_primitives(keys, handshakes);
  measure_frames(keys, 100, frames, 100, rounds);
  measure_frames(keys, 100, frames, 1, rounds);
  measure_frames(keys, 16000, frames / 20, 100, rounds);
  return 0;
}

}  // namespace
}  // namespace rookery::load

int main(int count, char** values) { return rookery::load::run(count, values); }
