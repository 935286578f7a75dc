// Who compares PLAIN passwords with an account's keys. A comparison costs a PBKDF2, some
// milliseconds of a core, in which a shard would serve thousands of messages: it is never done on
// a shard's thread. Injected, so that the simulation decides when an answer comes.
#pragma once

#include <memory>
#include <string_view>

#include "base/types.h"
#include "session/sasl.h"

namespace rookery {

class PasswordChecker {
 public:
  virtual ~PasswordChecker() = default;
  /// Takes a comparison; an AuthReply command to the connection's shard answers it. The handle is
  /// only carried along: a connection that has gone meanwhile is not found by it. False when too
  /// many wait already. Any shard's thread.
  virtual bool submit(Handle connection, std::string_view user,
                      std::unique_ptr<PasswordCheck> check) = 0;
};

}  // namespace rookery
