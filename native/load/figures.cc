// Figures as JSON.
#include "load/figures.h"

#include <algorithm>
#include <cstdio>

#include "load/process_stat.h"

namespace rookery::load {
namespace {

std::string_view name_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::xmpp: return "xmpp";
    case Protocol::websocket: return "websocket";
    case Protocol::compact: return "compact";
    case Protocol::relay: break;
  }
  return "relay";
}

std::string_view name_of(Security security) {
  switch (security) {
    case Security::none: return "none";
    case Security::starttls: return "starttls";
    case Security::direct: break;
  }
  return "direct";
}

std::string digits(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

}  // namespace

Figures::Figures(std::string_view scenario) : json_("{\"scenario\":\"") {
  json_ += scenario;
  json_ += '"';
}

void Figures::name(std::string_view name) {
  json_ += ",\"";
  json_ += name;
  json_ += "\":";
}

void Figures::text(std::string_view key, std::string_view value) {
  name(key);
  json_ += '"';
  json_ += value;  // Words of ours only: nothing to escape.
  json_ += '"';
}

void Figures::number(std::string_view key, double value) {
  name(key);
  json_ += digits(value);
}

void Figures::count(std::string_view key, std::uint64_t value) {
  name(key);
  json_ += std::to_string(value);
}

void Figures::spread(std::string_view key, std::vector<double> values) {
  if (values.empty()) return;
  std::sort(values.begin(), values.end());
  name(key);
  json_ += "{\"min\":" + digits(values.front()) +
           ",\"median\":" + digits(values[values.size() / 2]) +
           ",\"max\":" + digits(values.back()) + "}";
}

void Figures::latency(std::string_view key, const Latency& latency) {
  if (latency.count() == 0) return;
  name(key);
  const auto part = [&](double percentile) {
    return digits(std::min(latency.percentile_us(percentile), latency.largest_us()));
  };
  json_ += "{\"count\":" + std::to_string(latency.count()) + ",\"p50\":" + part(50) +
           ",\"p90\":" + part(90) + ",\"p99\":" + part(99) + ",\"p999\":" + part(99.9) +
           ",\"max\":" + digits(latency.largest_us()) + "}";
}

void Figures::settings(const ClientSettings& settings) {
  text("protocol", name_of(settings.protocol));
  text("tls", name_of(settings.security));
  name("acks");
  const bool acks = settings.stream_management || settings.protocol == Protocol::compact;
  json_ += acks ? "true" : "false";
}

void Figures::messages(const Totals& totals) {
  count("sent", totals.sent);
  count("arrived", totals.arrived);
  count("lost", totals.lost);
  count("duplicates", totals.duplicates);
  count("disordered", totals.late);
  count("refused", totals.refused);
  count("foreign", totals.foreign);
  count("unsent", totals.unsent);
  // Arrived, but the server never said that it has taken the responsibility.
  count("unacknowledged", totals.missing - std::min(totals.missing, totals.lost));
  count("lostConnections", totals.lost_connections);
}

void Figures::print() {
  std::printf("%s}\n", json_.c_str());
  std::fflush(stdout);
}

ServerCost::ServerCost(pid_t pid) : pid_(pid), at_ns_(monotonic_ns()) {
  if (pid == 0) return;
  cpu_ns_ = process_cpu_ns(pid);
  anonymous_bytes_ = process_memory(pid).anonymous_bytes;
}

double ServerCost::cpu_us() const {
  return pid_ == 0 ? 0 : static_cast<double>(process_cpu_ns(pid_) - cpu_ns_) / 1000;
}

void ServerCost::report(Figures& figures, std::string_view unit, double units) const {
  if (pid_ == 0) return;
  const double used_us = cpu_us();
  const double elapsed_us = std::max(1.0, static_cast<double>(monotonic_ns() - at_ns_) / 1000);
  const ProcessMemory memory = process_memory(pid_);
  figures.number("cpuPercent", used_us / elapsed_us * 100);
  if (units > 0) figures.number("cpuUsPer" + std::string(unit), used_us / units);
  figures.count("residentBytes", memory.rss_bytes);
  const double grown =
      static_cast<double>(memory.anonymous_bytes) - static_cast<double>(anonymous_bytes_);
  figures.number("memoryGrownBytes", grown);
}

}  // namespace rookery::load
