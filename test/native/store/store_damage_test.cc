// Damaged files: flipped bits, overwritten sectors, swapped pages, truncation, anywhere in the
// file. The start must not fail or crash, every record whose bytes are intact must be delivered as
// it was, and after a single fault no settled record may come back.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <set>

#include "native/store/store_test_support.h"
#include "store/store_files.h"

namespace rookery {
namespace {

using store_test::Harness;
using store_test::options_for;
using store_test::Recovered;
using store_test::RecoveredMap;
using store_test::TemporaryFolder;

constexpr std::size_t kPage = 4096;

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// A file with a history: messages of all sizes, settled and cleaned ones, and what is known of it.
struct Original {
  std::string bytes;
  RecoveredMap alive;
  std::set<LogSequence> settled;
  std::map<LogSequence, std::vector<Range>> copies;             // Where each record's frames lie.
  std::map<LogSequence, std::vector<LogSequence>> settlements;  // Settled record → settlements.
};

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_all(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void find_copies(Original& original, std::uint64_t salt) {
  char needle[8];
  store64(needle, salt);
  const char* data = original.bytes.data();
  for (std::size_t at = 0; at + kFrameHeaderBytes <= original.bytes.size();) {
    const void* hit = memmem(data + at, original.bytes.size() - at, needle, 8);
    if (hit == nullptr) break;
    at = static_cast<std::size_t>(static_cast<const char*>(hit) - data);
    FrameView frame;
    if (read_frame(data + at, original.bytes.size() - at, salt, frame) == FrameCheck::ok) {
      const std::size_t bytes = frame_bytes(frame.user.size(), frame.payload.size());
      original.copies[frame.sequence].push_back({at, at + bytes});
      at += bytes;
    } else {
      ++at;
    }
  }
}

class History {
 public:
  History(Harness& harness, Original& original) : harness_(harness), original_(original) {}

  void add(std::size_t count) {
    std::vector<std::string> payloads;
    std::vector<RecordInput> records;
    for (std::size_t index = 0; index < count; ++index) {
      const std::size_t bytes = random_() % 200 == 0 ? random_() % 20000 : 20 + random_() % 100;
      payloads.emplace_back(bytes, static_cast<char>('a' + random_() % 26));
      users_.push_back("user" + std::to_string(random_() % 50));
    }
    for (std::size_t index = 0; index < count; ++index) {
      const auto kind = index % 50 == 0 ? RecordKind::session : RecordKind::message;
      records.push_back({kind, users_[users_.size() - count + index], payloads[index]});
    }
    LogSequence sequence = harness_.commit(records).sequence;
    for (const RecordInput& record : records) {
      original_.alive[sequence++] = {record.kind, std::string(record.user),
                                     std::string(record.payload)};
    }
  }

  // Settles about `percent` of the live records of [begin, end) of them.
  void settle(std::size_t begin, std::size_t end, unsigned percent) {
    std::vector<LogSequence> all;
    for (const auto& [sequence, record] : original_.alive) all.push_back(sequence);
    std::vector<LogSequence> chosen;
    for (std::size_t index = begin; index < std::min(end, all.size()); ++index) {
      if (random_() % 100 < percent) chosen.push_back(all[index]);
      if (chosen.size() == 100 || index + 1 == end) {
        if (!chosen.empty()) settle_now(chosen);
        chosen.clear();
      }
    }
    if (!chosen.empty()) settle_now(chosen);
  }

 private:
  void settle_now(const std::vector<LogSequence>& chosen) {
    const LogSequence settlement = harness_.settle(chosen).sequence;
    for (const LogSequence sequence : chosen) {
      original_.alive.erase(sequence);
      original_.settled.insert(sequence);
      original_.settlements[sequence].push_back(settlement);
    }
  }

  Harness& harness_;
  Original& original_;
  std::mt19937_64 random_{7};
  std::vector<std::string> users_;
};

Original make_original(const TemporaryFolder& folder) {
  Original original;
  {
    Harness harness(options_for(folder));
    History history(harness, original);
    for (int round = 0; round < 60; ++round) history.add(100);
    history.settle(0, 4000, 92);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (harness.set->stats()[0].cleaned < 3000 && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_GE(harness.set->stats()[0].cleaned, 3000u);
    for (int round = 0; round < 15; ++round) history.add(100);
    history.settle(0, 4000, 20);
  }
  original.bytes = read_all(log_path(options_for(folder).folder, 0));
  find_copies(original, read_marker(options_for(folder).folder).salt);
  return original;
}

// Damages `bytes` and tells where.
using Damage = std::function<std::vector<Range>(std::string& bytes, std::mt19937_64& random)>;

bool touched(const std::vector<Range>& copies, const std::vector<Range>& damage) {
  return std::any_of(copies.begin(), copies.end(), [&](const Range& copy) {
    return std::any_of(damage.begin(), damage.end(), [&](const Range& range) {
      return range.begin < copy.end && copy.begin < range.end;
    });
  });
}

Range flip_bit(std::string& bytes, std::mt19937_64& random, std::size_t begin, std::size_t end) {
  const std::size_t at = begin + random() % (end - begin);
  bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
  return {at, at + 1};
}

class StoreDamage : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>(true);
    original_ = std::make_unique<Original>(make_original(*folder_));
  }
  static void TearDownTestSuite() {
    original_.reset();
    folder_.reset();
  }

  void run(std::uint64_t seeds, bool single_fault, const Damage& damage) {
    std::uint64_t returned_total = 0;
    for (std::uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      std::mt19937_64 random(seed);
      std::string bytes = original_->bytes;
      const std::vector<Range> where = damage(bytes, random);
      write_all(log_path(options_for(*folder_).folder, 0), bytes);
      returned_total += check(where, single_fault, seed % 8 == 0);
      remove_aside();
    }
    RecordProperty("settled_records_returned", static_cast<int>(returned_total));
  }

  // Starts on the damaged file and judges what came back; the number of settled records that did.
  std::uint64_t check(const std::vector<Range>& where, bool single_fault, bool go_on) {
    Harness harness(options_for(*folder_));
    EXPECT_TRUE(harness.opened) << harness.error;
    EXPECT_TRUE(harness.ascending);
    std::uint64_t missing = 0;
    for (const auto& [sequence, record] : original_->alive) {
      const auto found = harness.recovered.find(sequence);
      if (found != harness.recovered.end()) {
        EXPECT_EQ(found->second, record) << "record " << sequence << " came back altered";
        continue;
      }
      ++missing;
      EXPECT_TRUE(touched(original_->copies.at(sequence), where))
          << "record " << sequence << " is intact and was not delivered"
          << (harness.report.details.empty() ? "" : "; " + harness.report.details.front());
    }
    if (missing > 0) {
      EXPECT_GE(harness.report.bad_records, 1u) << missing << " lost and not reported; "
                                                << ::testing::PrintToString(harness.report.details);
    }
    std::uint64_t returned = 0;
    for (const auto& [sequence, record] : harness.recovered) {
      if (original_->alive.contains(sequence)) continue;
      ++returned;
      EXPECT_TRUE(original_->settled.contains(sequence)) << "an invented record";
      if (!single_fault) continue;
      const auto& settlements = original_->settlements.at(sequence);
      EXPECT_TRUE(std::any_of(
          settlements.begin(), settlements.end(),
          [&](LogSequence settlement) { return touched(original_->copies[settlement], where); }))
          << "settled record " << sequence << " came back";
    }
    if (go_on) goes_on(harness);
    return returned;
  }

  // After a salvage the store is a store like any other.
  void goes_on(Harness& harness) {
    const StoreEvent event = harness.commit_one("zoe", "after");
    EXPECT_EQ(event.status, StoreStatus::ok);
    if (!harness.recovered.empty()) {
      EXPECT_GT(event.sequence, harness.recovered.rbegin()->first);
    }
    harness.set->stop();
    RecoveredMap expected = std::move(harness.recovered);
    expected[event.sequence] = {RecordKind::message, "zoe", "after"};
    harness.port.reset();
    harness.set.reset();
    Harness again(options_for(*folder_));
    EXPECT_TRUE(again.opened) << again.error;
    EXPECT_EQ(again.recovered, expected);
    EXPECT_EQ(again.report.salvaged, 0u);
  }

  void remove_aside() {
    for (const auto& entry :
         std::filesystem::directory_iterator(store_folder(options_for(*folder_).folder, 0))) {
      if (entry.path().filename().string().find("damaged") != std::string::npos) {
        std::filesystem::remove(entry.path());
      }
    }
  }

  // Pages of the original with these page flags (LMDB: 1 branch, 2 leaf, 4 overflow, 8 meta).
  static std::vector<std::size_t> pages_with(unsigned flags) {
    std::vector<std::size_t> pages;
    for (std::size_t at = 0; at + kPage <= original_->bytes.size(); at += kPage) {
      if (load16(original_->bytes.data() + at + 10) == flags) pages.push_back(at);
    }
    return pages;
  }

  static std::unique_ptr<TemporaryFolder> folder_;
  static std::unique_ptr<Original> original_;
};

std::unique_ptr<TemporaryFolder> StoreDamage::folder_;
std::unique_ptr<Original> StoreDamage::original_;

TEST_F(StoreDamage, UndamagedFileIsDeliveredExactly) {
  write_all(log_path(options_for(*folder_).folder, 0), original_->bytes);
  Harness harness(options_for(*folder_));
  EXPECT_EQ(harness.recovered, original_->alive);
  EXPECT_EQ(harness.report.bad_records, 0u);
  EXPECT_EQ(harness.report.salvaged, 0u);
  EXPECT_TRUE(harness.report.details.empty());
}

TEST_F(StoreDamage, OneFlippedBitAnywhere) {
  run(250, true, [](std::string& bytes, std::mt19937_64& random) {
    return std::vector<Range>{flip_bit(bytes, random, 0, bytes.size())};
  });
}

TEST_F(StoreDamage, OneFlippedBitInAMetaPage) {
  run(150, true, [](std::string& bytes, std::mt19937_64& random) {
    const std::size_t page = (random() % 2) * kPage;
    return std::vector<Range>{flip_bit(bytes, random, page, page + 160)};
  });
}

TEST_F(StoreDamage, OneFlippedBitInAPageHeaderOrBranch) {
  const std::vector<std::size_t> branches = pages_with(1);
  const std::vector<std::size_t> leaves = pages_with(2);
  const std::vector<std::size_t> overflows = pages_with(4);
  ASSERT_FALSE(branches.empty());
  ASSERT_FALSE(overflows.empty());
  run(150, true, [&](std::string& bytes, std::mt19937_64& random) {
    const unsigned kind = random() % 3;
    const auto& pages = kind == 0 ? branches : kind == 1 ? leaves : overflows;
    const std::size_t page = pages[random() % pages.size()];
    return std::vector<Range>{flip_bit(bytes, random, page, page + (kind == 0 ? kPage : 60))};
  });
}

TEST_F(StoreDamage, ManyFlippedBits) {
  run(100, false, [](std::string& bytes, std::mt19937_64& random) {
    std::vector<Range> where;
    for (std::size_t count = 2 + random() % 60; count > 0; --count) {
      where.push_back(flip_bit(bytes, random, 0, bytes.size()));
    }
    return where;
  });
}

TEST_F(StoreDamage, OverwrittenSectors) {
  run(100, false, [](std::string& bytes, std::mt19937_64& random) {
    const std::size_t at = random() % (bytes.size() / 512) * 512;
    const std::size_t count = 512 * (1 + random() % 16);
    const std::size_t end = std::min(at + count, bytes.size());
    const bool zeros = random() % 2 == 0;
    for (std::size_t index = at; index < end; ++index) {
      bytes[index] = zeros ? '\0' : static_cast<char>(random());
    }
    return std::vector<Range>{{at, end}};
  });
}

TEST_F(StoreDamage, SwappedPages) {
  run(60, false, [](std::string& bytes, std::mt19937_64& random) {
    const std::size_t pages = bytes.size() / kPage;
    const std::size_t left = random() % pages * kPage;
    const std::size_t right = random() % pages * kPage;
    std::swap_ranges(bytes.begin() + static_cast<std::ptrdiff_t>(left),
                     bytes.begin() + static_cast<std::ptrdiff_t>(left + kPage),
                     bytes.begin() + static_cast<std::ptrdiff_t>(right));
    return std::vector<Range>{{left, left + kPage}, {right, right + kPage}};
  });
}

TEST_F(StoreDamage, TruncatedAnywhere) {
  run(120, false, [](std::string& bytes, std::mt19937_64& random) {
    const std::size_t old = bytes.size();
    std::size_t keep = random() % old;
    if (random() % 2 == 0) keep = keep / kPage * kPage;
    if (random() % 6 == 0) keep = random() % (3 * kPage);
    bytes.resize(keep);
    return std::vector<Range>{{keep, old}};
  });
}

TEST_F(StoreDamage, RandomBytesInsteadOfAFile) {
  run(20, false, [](std::string& bytes, std::mt19937_64& random) {
    const std::size_t old = bytes.size();
    bytes.resize(random() % 50000);
    for (char& byte : bytes) byte = static_cast<char>(random());
    return std::vector<Range>{{0, old}};
  });
}

}  // namespace
}  // namespace rookery
