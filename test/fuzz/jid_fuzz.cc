// Fuzzes addresses and text: what is normalised is normal (a second time changes nothing), and text
// that is escaped comes back as it was.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codec/jid.h"
#include "codec/precis.h"
#include "codec/xml_text.h"
#include "native/codec/expat_oracle.h"

namespace {

using namespace rookery;

void require(bool condition) {
  if (!condition) std::abort();
}

void try_address(std::string_view input) {
  Jid once;
  if (!parse_jid(input, once)) return;
  require(!once.domain.empty() && once.domain.size() <= 1023);
  require(once.local.size() <= 1023 && once.resource.size() <= 1023);
  require(once.local.find_first_of("\"&'/:<>@ ") == once.local.npos);
  require(once.domain.find_first_of("\"&'/<>@ ") == once.domain.npos);
  Jid twice;
  require(parse_jid(once.full(), twice));
  require(twice.local == once.local && twice.domain == once.domain);
  require(twice.resource == once.resource);
}

void try_parts(std::string_view input) {
  std::string once;
  std::string twice;
  if (normalise_localpart(input, once)) require(normalise_localpart(once, twice) && twice == once);
  if (normalise_resource(input, once)) require(normalise_resource(once, twice) && twice == once);
  if (normalise_domain(input, once)) require(normalise_domain(once, twice) && twice == once);
}

void try_text(std::string_view input) {
  std::string escaped;
  append_escaped(escaped, input);
  std::string element = "<a";
  append_attribute(element, "b", input);
  element += ">" + escaped + "</a>";
  require(testing::expat_accepts(element));
  std::string plain;
  require(append_unescaped(plain, escaped));
  require(plain.size() <= input.size());
  std::string again;
  append_escaped(again, plain);
  require(again == escaped);
  plain.clear();
  append_unescaped(plain, input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  try_address(input);
  try_parts(input);
  try_text(input);
  return 0;
}
