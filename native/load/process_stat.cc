// CPU and memory of another process, from the kernel's accounts.
#include "load/process_stat.h"

#include <dirent.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "load/args.h"

namespace rookery::load {
namespace {

std::vector<std::string> list_directory(const std::string& path) {
  std::vector<std::string> names;
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return names;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  closedir(directory);
  return names;
}

// utime + stime and the command name of one stat line. The name may hold spaces and brackets, so
// the fields are counted from its last closing bracket.
ThreadCpu parse_stat(const std::string& path) {
  ThreadCpu result;
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return result;
  const std::size_t open = line.find('(');
  const std::size_t close = line.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return result;
  result.name = line.substr(open + 1, close - open - 1);
  std::istringstream fields(line.substr(close + 2));
  std::string skipped;
  for (int index = 0; index < 11; ++index) fields >> skipped;
  std::uint64_t user_ticks = 0;
  std::uint64_t system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  const auto ticks_per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  result.cpu_ns = (user_ticks + system_ticks) * (1'000'000'000ull / ticks_per_second);
  return result;
}

// The inodes of the sockets that listen on the port.
std::set<std::string> listening_inodes(std::uint16_t port) {
  std::set<std::string> inodes;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string slot, local, remote, state, field, inode;
      fields >> slot >> local >> remote >> state;
      for (int index = 0; index < 5; ++index) fields >> field;
      fields >> inode;
      if (state != "0A") continue;
      const std::size_t colon = local.rfind(':');
      if (std::strtoul(local.c_str() + colon + 1, nullptr, 16) == port) inodes.insert(inode);
    }
  }
  return inodes;
}

bool holds_socket(const std::string& fd_folder, const std::set<std::string>& inodes) {
  for (const std::string& name : list_directory(fd_folder)) {
    char target[128];
    const ssize_t length = readlink((fd_folder + "/" + name).c_str(), target, sizeof target - 1);
    if (length <= 0) continue;
    target[length] = '\0';
    if (std::strncmp(target, "socket:[", 8) != 0) continue;
    if (inodes.count(std::string(target + 8, static_cast<std::size_t>(length) - 9)) != 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000ull +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t process_cpu_ns(pid_t pid) {
  clockid_t clock{};
  timespec used{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
    return process_cpu_stat_ns(pid);
  }
  return static_cast<std::uint64_t>(used.tv_sec) * 1'000'000'000ull +
         static_cast<std::uint64_t>(used.tv_nsec);
}

std::uint64_t process_cpu_stat_ns(pid_t pid) {
  return parse_stat("/proc/" + std::to_string(pid) + "/stat").cpu_ns;
}

std::vector<ThreadCpu> thread_cpu(pid_t pid) {
  std::vector<ThreadCpu> threads;
  const std::string folder = "/proc/" + std::to_string(pid) + "/task";
  for (const std::string& tid : list_directory(folder)) {
    ThreadCpu thread = parse_stat(folder + "/" + tid + "/stat");
    thread.name += "/" + tid;
    threads.push_back(thread);
  }
  return threads;
}

ProcessMemory process_memory(pid_t pid) {
  ProcessMemory memory;
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  std::string line;
  while (std::getline(file, line)) {
    char name[64];
    unsigned long long kilobytes = 0;
    if (std::sscanf(line.c_str(), "%63[^:]: %llu kB", name, &kilobytes) != 2) continue;
    const std::uint64_t bytes = kilobytes * 1024;
    if (std::strcmp(name, "Rss") == 0) memory.rss_bytes = bytes;
    if (std::strcmp(name, "Anonymous") == 0) memory.anonymous_bytes = bytes;
    if (std::strncmp(name, "Private_", 8) == 0 && std::strstr(name, "Huge") == nullptr) {
      memory.private_bytes += bytes;
    }
  }
  return memory;
}

std::uint64_t kernel_slab_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string line;
  unsigned long long kilobytes = 0;
  while (std::getline(file, line)) {
    if (std::sscanf(line.c_str(), "Slab: %llu kB", &kilobytes) == 1) break;
  }
  return kilobytes * 1024;
}

pid_t find_listener(std::uint16_t port) {
  const std::set<std::string> inodes = listening_inodes(port);
  if (inodes.empty()) return 0;
  for (const std::string& name : list_directory("/proc")) {
    const int pid = std::atoi(name.c_str());
    if (pid <= 0) continue;
    // A shard keeps its listeners in a descriptor table of its own, seen only under its thread.
    const std::string folder = "/proc/" + name + "/task";
    for (const std::string& tid : list_directory(folder)) {
      if (holds_socket(folder + "/" + tid + "/fd", inodes)) return pid;
    }
  }
  return 0;
}

pid_t require_server(std::int64_t given_pid, std::uint16_t port) {
  const pid_t pid = given_pid > 0 ? static_cast<pid_t>(given_pid) : find_listener(port);
  if (pid == 0) die("no process listens on port " + std::to_string(port));
  return pid;
}

}  // namespace rookery::load
