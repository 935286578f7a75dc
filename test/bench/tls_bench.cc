// What TLS costs the server: bytes per idle connection (malloc's own account), CPU per handshake,
// CPU per record each way, with the record layer takeover and without. Both ends run in this
// process; only the server's calls are timed, only its memory is counted.
// Usage: tls_bench [--connections 2000] [--handshakes 300] [--records 50000] [--rounds 5]
#include <malloc.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "load/args.h"
#include "native/transport/tls_peers.h"
#include "transport/ticket_keys.h"
#include "transport/tls_context.h"

namespace rookery::load {
namespace {

using tls_test::Client;
using tls_test::Server;
using tls_test::TestCertificate;

struct Mode {
  const char* name;
  int version;
  bool takeover;
  const char* suite;
};

constexpr Mode kModes[] = {
    {"TLS 1.3 taken over, AES-128", TLS1_3_VERSION, true, "TLS_AES_128_GCM_SHA256"},
    {"TLS 1.3 taken over, ChaCha20", TLS1_3_VERSION, true, "TLS_CHACHA20_POLY1305_SHA256"},
    {"TLS 1.3 taken over, AES-256", TLS1_3_VERSION, true, "TLS_AES_256_GCM_SHA384"},
    {"TLS 1.3 kept, AES-128", TLS1_3_VERSION, false, "TLS_AES_128_GCM_SHA256"},
    {"TLS 1.2 kept", TLS1_2_VERSION, true, nullptr},
};

/// CPU time of this thread: other work on the machine does not count.
std::uint64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

struct Spread {
  std::vector<double> values;
  void print(const char* what, const char* unit) {
    std::sort(values.begin(), values.end());
    std::printf("  %-44s %10.1f %s  (%.1f to %.1f)\n", what, values[values.size() / 2], unit,
                values.front(), values.back());
  }
};

std::unique_ptr<TlsContext> make_context(const TestCertificate& certificate, bool takeover,
                                         std::shared_ptr<TicketKeys> keys = nullptr) {
  TlsOptions options;
  options.certificate_file = certificate.certificate_file();
  options.key_file = certificate.key_file();
  options.takeover = takeover;
  options.ticket_keys = std::move(keys);
  std::string error;
  std::unique_ptr<TlsContext> context = TlsContext::create(options, error);
  if (context == nullptr) die(error);
  return context;
}

/// A handshake; returns the nanoseconds that the server's calls took.
std::uint64_t connect(Client& client, Server& server) {
  std::uint64_t spent = 0;
  while (!(client.established() && server.transport().established())) {
    if (!client.established()) client.handshake();
    const std::string wire = client.take_wire();
    const std::uint64_t start = now_ns();
    const TransportStatus status = server.receive(wire);
    spent += now_ns() - start;
    if (status != TransportStatus::ok) die("the handshake failed");
    client.feed(server.take_wire());
  }
  client.read();
  return spent;
}

void measure_memory(const Mode& mode, TlsContext& context, std::size_t count) {
  TransportScratch scratch;
  const auto one = [&] {
    Server server(context, scratch);
    Client client({.version = mode.version, .suites = mode.suite});
    connect(client, server);
    return server.release();
  };
  // The first connections allocate what all share, and fill malloc's caches, which count as used.
  for (int warm_up = 0; warm_up < 500; ++warm_up) one();
  std::vector<std::unique_ptr<Transport>> kept;
  kept.reserve(count);
  const std::size_t before = mallinfo2().uordblks;
  for (std::size_t index = 0; index < count; ++index) kept.push_back(one());
  const std::size_t fresh = mallinfo2().uordblks;
  for (auto& transport : kept) transport->forget_channel_binding();
  const std::size_t idle = mallinfo2().uordblks;
  const auto each = [&](std::size_t after) {
    return static_cast<double>(after - before) / static_cast<double>(count);
  };
  std::printf("  %-44s %10.1f B  (heap_bytes says %zu)\n", "idle", each(idle),
              kept.front()->heap_bytes());
  std::printf("  %-44s %10.1f B\n", "with channel binding, before the login", each(fresh));
}

void measure_unfinished(TlsContext& context, std::size_t count) {
  TransportScratch scratch;
  std::vector<std::unique_ptr<Transport>> kept;
  kept.reserve(count);
  Client client({});
  client.handshake();
  const std::string hello = client.take_wire();
  for (const std::size_t size : {std::size_t{0}, hello.size() - 1, hello.size()}) {
    kept.clear();
    const std::size_t before = mallinfo2().uordblks;
    for (std::size_t index = 0; index < count; ++index) {
      Server server(context, scratch);
      server.receive(std::string_view(hello).substr(0, size));
      server.take_wire();
      kept.push_back(server.release());
    }
    const std::size_t after = mallinfo2().uordblks;
    std::printf("  %-44s %10.1f B\n",
                ("after " + std::to_string(size) + " of " + std::to_string(hello.size()) +
                 " bytes of ClientHello")
                    .c_str(),
                static_cast<double>(after - before) / static_cast<double>(count));
  }
}

void measure_handshakes(const Mode& mode, TlsContext& context, std::size_t count,
                        std::size_t rounds) {
  TransportScratch scratch;
  Spread full;
  Spread resumed;
  for (std::size_t round = 0; round < rounds; ++round) {
    std::uint64_t spent = 0;
    std::uint64_t spent_resuming = 0;
    for (std::size_t index = 0; index < count; ++index) {
      Server server(context, scratch);
      Client client({.version = mode.version, .suites = mode.suite});
      spent += connect(client, server);
      Server again(context, scratch);
      Client returning(
          {.version = mode.version, .suites = mode.suite, .session = client.sessions().at(0)});
      spent_resuming += connect(returning, again);
      if (SSL_session_reused(returning.ssl()) != 1) die("the session was not resumed");
    }
    full.values.push_back(static_cast<double>(spent) / 1e3 / static_cast<double>(count));
    resumed.values.push_back(static_cast<double>(spent_resuming) / 1e3 /
                             static_cast<double>(count));
  }
  full.print("handshake", "us");
  resumed.print("handshake, resumed", "us");
}

/// Records of one size, over many connections in turn (each needs its key loaded) or over one.
void measure_records(const Mode& mode, TlsContext& context, std::size_t size, std::size_t count,
                     std::size_t connections, std::size_t rounds) {
  TransportScratch scratch;
  std::vector<std::unique_ptr<Server>> servers;
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t index = 0; index < connections; ++index) {
    servers.push_back(std::make_unique<Server>(context, scratch));
    clients.push_back(
        std::make_unique<Client>(Client::Options{.version = mode.version, .suites = mode.suite}));
    connect(*clients.back(), *servers.back());
  }
  const std::string text(size, 'x');
  const std::size_t batch = 100;
  std::vector<std::string> wires(batch);
  Spread sealed;
  Spread opened;
  for (std::size_t round = 0; round < rounds; ++round) {
    std::uint64_t sealing = 0;
    std::uint64_t opening = 0;
    for (std::size_t done = 0; done < count; done += batch) {
      for (std::size_t index = 0; index < batch; ++index) {
        Client& client = *clients[index % connections];
        client.write(text);
        wires[index] = client.take_wire();
      }
      const std::uint64_t start = now_ns();
      for (std::size_t index = 0; index < batch; ++index) {
        servers[index % connections]->receive(wires[index]);
      }
      const std::uint64_t middle = now_ns();
      for (std::size_t index = 0; index < batch; ++index) {
        servers[index % connections]->send(text);
      }
      sealing += now_ns() - middle;
      opening += middle - start;
      for (std::size_t index = 0; index < connections; ++index) {
        const std::size_t expected = size * batch / connections;
        if (servers[index]->take_plain().size() != expected) die("a record was lost");
        clients[index]->feed(servers[index]->take_wire());
        if (clients[index]->read().size() != expected) die("a record was lost");
      }
    }
    sealed.values.push_back(static_cast<double>(sealing) / static_cast<double>(count));
    opened.values.push_back(static_cast<double>(opening) / static_cast<double>(count));
  }
  const std::string label =
      std::to_string(size) + " B, " + std::to_string(connections) + " connections";
  sealed.print(("encrypt " + label).c_str(), "ns");
  opened.print(("decrypt " + label).c_str(), "ns");
}

/// CPU per handshake (both ends) when one thread or two shards with a context each make them.
void measure_contention(const TestCertificate& certificate, std::size_t count) {
  const std::shared_ptr<TicketKeys> keys = TicketKeys::create();
  for (const int threads : {1, 2}) {
    std::vector<std::thread> running;
    std::vector<double> spent(static_cast<std::size_t>(threads));
    for (int index = 0; index < threads; ++index) {
      running.emplace_back([&, index] {
        const auto context = make_context(certificate, true, keys);
        TransportScratch scratch;
        rusage before{};
        rusage after{};
        getrusage(RUSAGE_THREAD, &before);
        for (std::size_t done = 0; done < count; ++done) {
          Server server(*context, scratch);
          Client client({});
          connect(client, server);
        }
        getrusage(RUSAGE_THREAD, &after);
        const auto micros = [](const timeval& time) { return time.tv_sec * 1e6 + time.tv_usec; };
        spent[static_cast<std::size_t>(index)] =
            (micros(after.ru_utime) + micros(after.ru_stime) - micros(before.ru_utime) -
             micros(before.ru_stime)) /
            static_cast<double>(count);
      });
    }
    for (std::thread& thread : running) thread.join();
    std::printf("  %d thread%s: %.1f us CPU per handshake, client included\n", threads,
                threads == 1 ? "" : "s", *std::max_element(spent.begin(), spent.end()));
  }
}

int run(int count, char** values) {
  Args args(count, values);
  const auto connections = static_cast<std::size_t>(args.number("connections", 2000));
  const auto handshakes = static_cast<std::size_t>(args.number("handshakes", 300));
  const auto records = static_cast<std::size_t>(args.number("records", 50000));
  const auto rounds = static_cast<std::size_t>(args.number("rounds", 5));
  args.finish();
  const TestCertificate certificate;
  // The heap keeps what is freed: page faults of growing it anew would pass for cipher time.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  for (const Mode& mode : kModes) {
    std::printf("%s\n", mode.name);
    const auto context = make_context(certificate, mode.takeover);
    measure_memory(mode, *context, connections);
    measure_handshakes(mode, *context, handshakes, rounds);
    measure_records(mode, *context, 100, records, 100, rounds);
    measure_records(mode, *context, 100, records, 1, rounds);
    measure_records(mode, *context, 16000, records / 20, 100, rounds);
  }
  std::printf("unfinished handshakes\n");
  measure_unfinished(*make_context(certificate, true), connections / 4);
  std::printf("contexts of two shards\n");
  measure_contention(certificate, handshakes * 3);
  return 0;
}

}  // namespace
}  // namespace rookery::load

int main(int count, char** values) { return rookery::load::run(count, values); }
