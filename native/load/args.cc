// Command line of the load tools.
#include "load/args.h"

#include <cstdio>
#include <cstdlib>

namespace rookery::load {

Args::Args(int argc, char** argv) {
  for (int index = 1; index < argc; index += 2) {
    const std::string name = argv[index];
    if (name.rfind("--", 0) != 0 || index + 1 >= argc) {
      std::fprintf(stderr, "expected --name value, found %s\n", name.c_str());
      std::exit(2);
    }
    given_[name.substr(2)] = argv[index + 1];
  }
}

std::string Args::text(const std::string& name, const std::string& fallback) {
  used_[name] = true;
  const auto found = given_.find(name);
  return found == given_.end() ? fallback : found->second;
}

std::int64_t Args::number(const std::string& name, std::int64_t fallback) {
  const std::string value = text(name, std::to_string(fallback));
  char* end = nullptr;
  const long long parsed = std::strtoll(value.c_str(), &end, 10);
  if (value.empty() || *end != '\0') {
    std::fprintf(stderr, "--%s wants a number, not %s\n", name.c_str(), value.c_str());
    std::exit(2);
  }
  return parsed;
}

void Args::finish() const {
  for (const auto& [name, value] : given_) {
    if (used_.count(name) == 0) {
      std::fprintf(stderr, "unknown option --%s\n", name.c_str());
      std::exit(2);
    }
  }
}

void die(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  std::exit(1);
}

}  // namespace rookery::load
