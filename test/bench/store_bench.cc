// What a store thread can do: durable commits of 200-byte messages, latency of a single commit,
// settling, and recovery of a million records; beside a bare loop of 4 KB writes with fdatasync, so
// that a figure can be compared between machines.
//
//   store_bench [folder] [records]      default: a folder below the temporary one, 1,000,000
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "store/record_frame.h"
#include "store/store_set.h"

namespace {

using namespace rookery;  // NOLINT(google-build-using-namespace): a program, not a library.
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kPayloadBytes = 200;
constexpr std::size_t kBatchRecords = 250;
constexpr std::size_t kBatchesUnderWay = 64;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// Writes per second of one 4 KB page each, made durable one by one.
double raw_sync_us(const std::string& folder) {
  const std::string path = folder + "/raw";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) return 0;
  const std::vector<char> page(4096, 'r');
  for (int index = 0; index < 64; ++index) {
    if (pwrite(fd, page.data(), page.size(), index * 4096) < 0) break;
  }
  fsync(fd);
  constexpr int kRounds = 500;
  const auto start = SteadyClock::now();
  for (int round = 0; round < kRounds; ++round) {
    if (pwrite(fd, page.data(), page.size(), (round % 64) * 4096) < 0) break;
    fdatasync(fd);
  }
  const double us = seconds_since(start) * 1e6 / kRounds;
  close(fd);
  unlink(path.c_str());
  return us;
}

struct Server {
  std::unique_ptr<StoreSet> set;
  std::unique_ptr<StorePort> port;
  std::vector<LogSequence> recovered;
  RecoveryReport report;

  explicit Server(const std::string& folder) {
    StoreOptions options;
    options.folder = folder;
    options.log = [](std::string_view line) {
      std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
    };
    std::string error;
    set = StoreSet::open(options, error);
    const bool good =
        set && set->recover(
                   [this](const RecoveredRecord& record) { recovered.push_back(record.sequence); },
                   report, error);
    if (!good) {
      std::fprintf(stderr, "%s\n", error.c_str());
      std::exit(1);
    }
    port = set->make_port(0, [] {});
    set->start();
  }
  ~Server() { set->stop(); }

  StoreEvent wait() {
    StoreEvent event;
    while (!port->poll(event)) std::this_thread::sleep_for(std::chrono::microseconds(30));
    if (event.status != StoreStatus::ok) {
      std::fprintf(stderr, "the store has failed\n");
      std::exit(1);
    }
    return event;
  }

  // Keeps some batches under way until `make` has nothing more.
  template <class Make>
  void pump(Make make) {
    std::vector<RecordInput> batch;
    std::size_t under_way = 0;
    bool more = make(batch);
    while (more || under_way > 0) {
      while (more && under_way < kBatchesUnderWay && port->submit(0, batch)) {
        ++under_way;
        more = make(batch);
      }
      wait();
      --under_way;
    }
  }
};

void store_many(Server& server, std::size_t total, double raw_us) {
  const std::string payload(kPayloadBytes, 'm');
  std::vector<std::string> users;
  for (int index = 0; index < 1000; ++index) users.push_back("user" + std::to_string(index));
  std::size_t made = 0;
  const StoreStats before = server.set->stats().at(0);
  const auto start = SteadyClock::now();
  server.pump([&](std::vector<RecordInput>& batch) {
    batch.clear();
    for (; batch.size() < kBatchRecords && made < total; ++made) {
      batch.push_back({RecordKind::message, users[made % users.size()], payload});
    }
    return !batch.empty();
  });
  const double seconds = seconds_since(start);
  const StoreStats after = server.set->stats().at(0);
  const double commits = static_cast<double>(after.commits - before.commits);
  const double rate = static_cast<double>(total) / seconds;
  std::printf(
      "durable commits   %9.0f records/s   %.0f records a group, %.0f us a group "
      "(%.0f us of it write and fsync)\n",
      rate, static_cast<double>(total) / commits,
      static_cast<double>(after.commit_us_sum - before.commit_us_sum) / commits,
      static_cast<double>(after.sync_us_sum - before.sync_us_sum) / commits);
  std::printf("                  %9.1f records in the time of one raw 4 KB fdatasync\n",
              rate * raw_us / 1e6);
}

void settle_many(Server& server, const std::vector<LogSequence>& sequences) {
  constexpr std::size_t kSubjects = 100;
  std::size_t at = 0;
  std::string payload;
  const auto start = SteadyClock::now();
  server.pump([&](std::vector<RecordInput>& batch) {
    batch.clear();
    payload.clear();
    for (; payload.size() < kSubjects * 8 && at < sequences.size(); ++at) {
      char raw[8];
      store64(raw, sequences[at]);
      payload.append(raw, sizeof raw);
    }
    if (!payload.empty()) batch.push_back({RecordKind::settlement, {}, payload});
    return !batch.empty();
  });
  const double seconds = seconds_since(start);
  std::printf("settlements       %9.0f sequences/s   100 a settlement\n",
              static_cast<double>(sequences.size()) / seconds);
  const auto clean_start = SteadyClock::now();
  StoreStats stats = server.set->stats().at(0);
  const std::uint64_t cleaned_before = stats.cleaned;
  while (stats.dead > 20000 && seconds_since(clean_start) < 60) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    stats = server.set->stats().at(0);
  }
  const double clean_seconds = seconds_since(clean_start);
  if (stats.cleaned > cleaned_before) {
    std::printf("cleaning after it %9.0f records/s\n",
                static_cast<double>(stats.cleaned - cleaned_before) / clean_seconds);
  }
}

void single_latency(Server& server, double raw_us) {
  const std::string payload(kPayloadBytes, 'm');
  const std::vector<RecordInput> records{{RecordKind::message, "user", payload}};
  std::vector<double> us;
  for (int round = 0; round < 300; ++round) {
    const auto start = SteadyClock::now();
    while (!server.port->submit(0, records)) std::this_thread::yield();
    server.wait();
    us.push_back(seconds_since(start) * 1e6);
    std::this_thread::sleep_for(std::chrono::milliseconds(3));  // An idle store: no gathering.
  }
  std::sort(us.begin(), us.end());
  std::printf("single commit     %9.0f us median, %.0f us p99   %.1f raw fdatasyncs\n",
              us[us.size() / 2], us[us.size() * 99 / 100], us[us.size() / 2] / raw_us);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string parent = argc > 1 ? argv[1] : std::filesystem::temp_directory_path().string();
  const std::size_t records =
      argc > 2 ? static_cast<std::size_t>(std::strtoull(argv[2], nullptr, 10)) : 1000000;
  const std::string folder = parent + "/rookery-store-bench-" + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  const double raw_us = raw_sync_us(folder);
  std::printf("raw 4 KB fdatasync %8.0f us\n", raw_us);
  {
    Server server(folder + "/store");
    single_latency(server, raw_us);
    store_many(server, records, raw_us);
  }
  {
    Server server(folder + "/store");
    std::printf("recovery          %9llu ms for %zu records\n",
                static_cast<unsigned long long>(server.report.ms), server.recovered.size());
    settle_many(server, server.recovered);
    const StoreStats stats = server.set->stats().at(0);
    std::printf("file              %9.1f MB, %llu records in it\n",
                static_cast<double>(stats.file_bytes) / 1e6,
                static_cast<unsigned long long>(stats.present));
  }
  std::filesystem::remove_all(folder);
  return 0;
}
