// Lines for people about what recovery met.
#pragma once

#include <string>

#include "store/store_set.h"

namespace rookery {

/// Adds a line to a report's details, which are bounded, and to the log.
void note_detail(const StoreOptions& options, RecoveryReport& report, std::string line);

}  // namespace rookery
