// The groups in which stream errors are counted.
#include "stats/error_counts.h"

namespace rookery {

void count_stream_error(ShardCounters& counters, StreamError error) {
  switch (error) {
    case StreamError::none:
    case StreamError::conflict:
    case StreamError::reset:
    case StreamError::system_shutdown: return;
    case StreamError::bad_format:
    case StreamError::bad_namespace_prefix:
    case StreamError::invalid_namespace:
    case StreamError::invalid_xml:
    case StreamError::not_well_formed: counters.add(Counter::error_not_well_formed); break;
    case StreamError::restricted_xml: counters.add(Counter::error_restricted_xml); break;
    case StreamError::unsupported_encoding: counters.add(Counter::error_encoding); break;
    case StreamError::policy_violation: counters.add(Counter::error_policy); break;
    case StreamError::connection_timeout: counters.add(Counter::error_timeout); break;
    case StreamError::not_authorized: counters.add(Counter::error_auth); break;
    case StreamError::host_unknown:
    case StreamError::invalid_from:
    case StreamError::undefined_condition:
    case StreamError::unsupported_stanza_type:
    case StreamError::unsupported_version: counters.add(Counter::error_other); break;
    // Of its two causes each has a counter of its own: evicted, error_overflow.
    case StreamError::resource_constraint: break;
  }
  counters.add(Counter::stream_errors);
}

}  // namespace rookery
