// What a scenario found, as one JSON object on one line.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "load/client.h"
#include "load/crew.h"
#include "load/latency.h"

namespace rookery::load {

class Figures {
 public:
  explicit Figures(std::string_view scenario);

  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, double value);
  void count(std::string_view name, std::uint64_t value);
  /// Smallest, middle and largest.
  void spread(std::string_view name, std::vector<double> values);
  /// p50, p90, p99, p99.9 and the largest, in microseconds.
  void latency(std::string_view name, const Latency& latency);
  /// Protocol, TLS, acknowledgements.
  void settings(const ClientSettings& settings);
  /// What was sent and what became of it.
  void messages(const Totals& totals);

  void print();

 private:
  void name(std::string_view name);

  std::string json_;
};

/// CPU and memory of the server's process at one moment; nothing when its number is 0.
class ServerCost {
 public:
  explicit ServerCost(pid_t pid);

  /// CPU time since then, in microseconds.
  [[nodiscard]] double cpu_us() const;

  /// What it has used since, of one core, in percent, and for each of so many units, and what it
  /// holds now.
  void report(Figures& figures, std::string_view unit, double units) const;

 private:
  pid_t pid_;
  std::uint64_t at_ns_ = 0;
  std::uint64_t cpu_ns_ = 0;
  std::uint64_t anonymous_bytes_ = 0;
};

}  // namespace rookery::load
