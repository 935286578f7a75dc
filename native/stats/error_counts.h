// Which counter counts a stream error. Every error that is a peer's fault counts in stream_errors
// as well; those that are no fault (a shutdown, a newer connection) are not counted.
#pragma once

#include "base/stream_error.h"
#include "stats/shard_counters.h"

namespace rookery {

/// Counts a stream that is closed with this error.
void count_stream_error(ShardCounters& counters, StreamError error);

}  // namespace rookery
