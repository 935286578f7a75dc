// A bounded list of lines; the log gets a line for each of them too.
#include "store/recovery_report.h"

namespace rookery {
namespace {

constexpr std::size_t kMaxDetails = 1000;

}  // namespace

void note_detail(const StoreOptions& options, RecoveryReport& report, std::string line) {
  if (report.details.size() > kMaxDetails) return;
  if (report.details.size() == kMaxDetails) line = "further details are only counted";
  if (options.log) options.log(line);
  report.details.push_back(std::move(line));
}

}  // namespace rookery
