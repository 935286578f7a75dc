// Writes JSON of our own figures: names that need no escaping, whole numbers, histograms.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "stats/histogram.h"

namespace rookery {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& key(std::string_view name) {
    string(name);
    out_.back() = ':';
    return *this;
  }
  JsonWriter& open(char bracket) {
    out_ += bracket;
    return *this;
  }
  JsonWriter& close(char bracket) {
    if (out_.back() == ',') out_.pop_back();
    out_ += bracket;
    out_ += ',';
    return *this;
  }
  JsonWriter& string(std::string_view text) {
    out_ += '"';
    out_ += text;
    out_ += "\",";
    return *this;
  }
  template <std::integral Number>
  JsonWriter& number(Number value) {
    out_ += std::to_string(value);
    out_ += ',';
    return *this;
  }
  template <std::integral Number>
  JsonWriter& field(std::string_view name, Number value) {
    return key(name).number(value);
  }
  JsonWriter& field(std::string_view name, std::string_view text) { return key(name).string(text); }

  /// Its count, sum, and the buckets that are not empty: [upper bound, count].
  JsonWriter& field(std::string_view name, const Histogram& histogram) {
    key(name).open('{').field("sum", histogram.sum());
    // Counted here, so that it is the sum of the buckets that are written.
    std::uint64_t count = 0;
    key("buckets").open('[');
    for (std::size_t index = 0; index < Histogram::size; ++index) {
      const std::uint64_t here = histogram.bucket(index);
      if (here == 0) continue;
      count += here;
      open('[').number(Histogram::upper_bound(index)).number(here).close(']');
    }
    return close(']').field("count", count).close('}');
  }

  /// The end: nothing follows.
  void finish() {
    if (!out_.empty() && out_.back() == ',') out_.pop_back();
  }

 private:
  std::string& out_;
};

}  // namespace rookery
