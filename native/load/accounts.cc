// Reads accounts from CSV.
#include "load/accounts.h"

#include <fstream>
#include <string_view>

#include "load/args.h"

namespace rookery::load {
namespace {

/// Takes one field off the front of a line (RFC 4180, without line ends in quotes).
std::string take_field(std::string_view& line) {
  std::string field;
  if (line.starts_with('"')) {
    std::size_t at = 1;
    for (; at < line.size(); ++at) {
      if (line[at] != '"') {
        field += line[at];
      } else if (at + 1 < line.size() && line[at + 1] == '"') {
        field += line[at++];
      } else {
        break;
      }
    }
    line.remove_prefix(std::min(line.size(), at + 1));
  } else {
    field = line.substr(0, line.find(','));
    line.remove_prefix(field.size());
  }
  if (line.starts_with(',')) line.remove_prefix(1);
  return field;
}

}  // namespace

Accounts Accounts::read(const std::string& file) {
  std::ifstream input(file);
  if (!input) die("cannot read " + file);
  Accounts accounts;
  std::string line;
  while (std::getline(input, line)) {
    if (line.ends_with('\r')) line.pop_back();
    std::string_view rest = line;
    std::string user = take_field(rest);
    std::string password = take_field(rest);
    if (user.empty() || (user == "user" && password == "password")) continue;
    if (const std::size_t at = user.find('@'); at != std::string::npos) {
      accounts.domain_ = user.substr(at + 1);
      user.resize(at);
    }
    accounts.listed_.push_back({std::move(user), std::move(password)});
  }
  if (accounts.listed_.empty()) die("no accounts in " + file);
  return accounts;
}

std::string Accounts::user(std::uint32_t index) const {
  return listed_.empty() ? prefix_ + std::to_string(index) : listed_[index].user;
}

const std::string* Accounts::password(std::uint32_t index) const {
  return listed_.empty() ? nullptr : &listed_[index].password;
}

}  // namespace rookery::load
