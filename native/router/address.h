// Cutting addresses that are known to be normalised.
#pragma once

#include <string>
#include <string_view>

#include "router/user.h"

namespace rookery {

inline std::string_view bare_of(std::string_view address) {
  return address.substr(0, address.find('/'));
}

/// Empty for an address without a localpart.
inline std::string_view local_of(std::string_view address) {
  const std::size_t at = bare_of(address).find('@');
  return at == std::string_view::npos ? std::string_view{} : address.substr(0, at);
}

inline std::string_view domain_of(std::string_view address) {
  const std::string_view bare = bare_of(address);
  const std::size_t at = bare.find('@');
  return at == std::string_view::npos ? bare : bare.substr(at + 1);
}

inline std::string_view resource_of(std::string_view address) {
  const std::size_t slash = address.find('/');
  return slash == std::string_view::npos ? std::string_view{} : address.substr(slash + 1);
}

inline std::string bare_address(const User& user, std::string_view domain) {
  std::string address = user.name;
  address += '@';
  address += domain;
  return address;
}

inline std::string full_address(const Session& session, std::string_view domain) {
  std::string address = bare_address(*session.user, domain);
  address += '/';
  address += session.resource;
  return address;
}

}  // namespace rookery
