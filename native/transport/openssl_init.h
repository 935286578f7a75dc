// The one place that initialises OpenSSL, so that no openssl.cnf of the machine changes what the
// server does, whichever part of it comes first.
#pragma once

#include <string>

namespace rookery {

/// Any thread, any number of times; cheap after the first.
void init_openssl();

/// The text of OpenSSL's latest error on this thread; clears the thread's error queue.
std::string openssl_error();

}  // namespace rookery
