// docs/protocol/vectors.json, sections "elements" and "invalid": every encoding to the byte, and
// back; and what must be refused, and why.
#include <gtest/gtest.h>

#include <string>

#include "codec/compact_decoder.h"
#include "codec/compact_encoder.h"
#include "codec/stanza_scan.h"
#include "native/codec/canonical_xml.h"
#include "native/support/json.h"

namespace rookery {
namespace {

using test::Json;

constexpr CompactLimits limits{.max_depth = 40, .max_attributes = 64, .max_xml_bytes = 262'144};
constexpr ScanLimits scan_limits{.max_depth = 40, .max_attributes = 64};

TEST(CompactVectors, ElementsAreEncodedToTheByte) {
  const Json vectors = Json::load_vectors();
  ASSERT_GE(vectors["elements"].items().size(), 60u);
  for (const Json& vector : vectors["elements"].items()) {
    SCOPED_TRACE(vector["name"].string());
    const std::string& xml = vector["xml"].string();
    StanzaView view;
    EXPECT_EQ(stream_error_name(scan_stanza(xml, scan_limits, view)), "");
    std::string packet;
    EXPECT_TRUE(append_element(packet, xml, vector["domain"].string(), 1u << 16));
    EXPECT_EQ(packet, vector["hex"].hex());
    std::string back;
    EXPECT_EQ(compact_error_name(decode_element(packet, vector["domain"].string(), limits, back)),
              "");
    EXPECT_EQ(testing::canonical_xml(back), testing::canonical_xml(xml));
  }
}

TEST(CompactVectors, WhatIsInvalidIsRefused) {
  const Json vectors = Json::load_vectors();
  ASSERT_GE(vectors["invalid"].items().size(), 30u);
  for (const Json& vector : vectors["invalid"].items()) {
    SCOPED_TRACE(vector["name"].string());
    std::string xml;
    const CompactError error =
        decode_element(vector["hex"].hex(), vector["domain"].string(), limits, xml);
    EXPECT_EQ(compact_error_name(error), vector["reason"].string());
    EXPECT_EQ(xml, "");
  }
}

}  // namespace
}  // namespace rookery
