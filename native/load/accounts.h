// The accounts that load clients log in with: from a file of `user,password` lines, or a row of
// names with one password.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rookery::load {

struct Account {
  std::string user;  ///< The local part.
  std::string password;
};

class Accounts {
 public:
  /// u0, u1 … with the settings' password.
  explicit Accounts(std::string prefix = "u") : prefix_(std::move(prefix)) {}
  /// Reads a file as `rookery account import` does; exits when it cannot. Lines of full addresses
  /// give the domain as well.
  static Accounts read(const std::string& file);

  /// How many there are; 0: as many as are asked for.
  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(listed_.size()); }
  [[nodiscard]] std::string user(std::uint32_t index) const;
  /// Null: the settings' one.
  [[nodiscard]] const std::string* password(std::uint32_t index) const;
  /// Empty when the file does not say.
  [[nodiscard]] const std::string& domain() const { return domain_; }

 private:
  std::string prefix_;
  std::string domain_;
  std::vector<Account> listed_;
};

}  // namespace rookery::load
