// Command line of the load tools: `--name value` pairs with defaults, and a list of what was read.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace rookery::load {

class Args {
 public:
  /// Reads `--name value` pairs; prints the problem and exits with 2 on anything else.
  Args(int argc, char** argv);

  /// The value of `--name`, or the default.
  std::string text(const std::string& name, const std::string& fallback);
  std::int64_t number(const std::string& name, std::int64_t fallback);
  bool flag(const std::string& name, bool fallback) { return number(name, fallback ? 1 : 0) != 0; }

  /// Exits with 2 when a name was given that nobody asked for: a misspelt option must not pass.
  void finish() const;

 private:
  std::map<std::string, std::string> given_;
  std::map<std::string, bool> used_;
};

/// Prints the message to stderr and exits with 1.
[[noreturn]] void die(const std::string& message);

}  // namespace rookery::load
