// Names and meanings of what a shard says of itself, for whoever prints them.
#include "stats/shard_stats.h"

namespace rookery {
namespace {

constexpr ShardStats::Text histogram_texts[] = {
#define ROOKERY_HISTOGRAM_TEXT(name, unit, help) {#name, unit, help},
    ROOKERY_HISTOGRAMS(ROOKERY_HISTOGRAM_TEXT)
#undef ROOKERY_HISTOGRAM_TEXT
};

constexpr ShardStats::Text holding_texts[] = {
#define ROOKERY_HOLDING_TEXT(name, help) {#name, {}, help},
    ROOKERY_HOLDINGS(ROOKERY_HOLDING_TEXT)
#undef ROOKERY_HOLDING_TEXT
};

}  // namespace

ShardStats::Text ShardStats::histogram_text(std::size_t which) { return histogram_texts[which]; }

ShardStats::Text ShardStats::holding_text(std::size_t which) { return holding_texts[which]; }

}  // namespace rookery
