// What a process of another program costs: its CPU time over all threads and its memory, read from
// the kernel's own accounts.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace rookery::load {

/// Nanoseconds of the monotonic clock.
std::uint64_t monotonic_ns();

/// CPU time (user + system) of every thread of the process so far, dead ones included, in
/// nanoseconds, from the process's CPU clock: exact to the scheduler's accounting, where the fields
/// of /proc/PID/stat count in ticks of 10 ms.
std::uint64_t process_cpu_ns(pid_t pid);

/// The same from /proc/PID/stat, in ticks converted to nanoseconds: the cross-check.
std::uint64_t process_cpu_stat_ns(pid_t pid);

struct ThreadCpu {
  std::string name;
  std::uint64_t cpu_ns = 0;
};
/// CPU time of each live thread, from /proc/PID/task/*/stat.
std::vector<ThreadCpu> thread_cpu(pid_t pid);

struct ProcessMemory {
  std::uint64_t rss_bytes = 0;
  std::uint64_t anonymous_bytes = 0;  ///< What the process allocated: no file pages, no kernel.
  std::uint64_t private_bytes = 0;    ///< Private clean and dirty, files included.
};
/// From /proc/PID/smaps_rollup.
ProcessMemory process_memory(pid_t pid);

/// What the kernel's own objects take on this machine (Slab of /proc/meminfo): sockets of both ends
/// among them.
std::uint64_t kernel_slab_bytes();

/// The process that listens on the TCP port, or 0.
pid_t find_listener(std::uint16_t port);

/// `--pid` where it was given, otherwise the listener of the port; exits when there is none.
pid_t require_server(std::int64_t given_pid, std::uint16_t port);

}  // namespace rookery::load
