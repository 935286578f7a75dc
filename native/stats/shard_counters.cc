// The counters' names and meanings, for whoever prints them.
#include "stats/shard_counters.h"

namespace rookery {
namespace {

struct CounterText {
  std::string_view name;
  std::string_view help;
};

#define ROOKERY_COUNTER_ONE(name, help) +1
constexpr std::size_t first_gauge = 0 ROOKERY_COUNTERS(ROOKERY_COUNTER_ONE);
#undef ROOKERY_COUNTER_ONE

constexpr CounterText texts[] = {
#define ROOKERY_COUNTER_TEXT(name, help) {#name, help},
    ROOKERY_COUNTERS(ROOKERY_COUNTER_TEXT) ROOKERY_GAUGES(ROOKERY_COUNTER_TEXT)
#undef ROOKERY_COUNTER_TEXT
};

}  // namespace

std::string_view ShardCounters::name(std::size_t index) {
  return index < size ? texts[index].name : std::string_view{};
}

std::string_view ShardCounters::help(std::size_t index) {
  return index < size ? texts[index].help : std::string_view{};
}

bool ShardCounters::gauge(std::size_t index) { return index >= first_gauge && index < size; }

}  // namespace rookery
