// Encoding of the records between shards: the writer and the reader are the same build, so the
// layout is free; lengths are still checked, since a slip here would be memory corruption.
#include "router/shard_message.h"

#include <cstring>

namespace rookery {
namespace {

class Writer {
 public:
  Writer(std::string& out, ShardMessageKind kind) : out_(out) {
    out_.push_back(static_cast<char>(kind));
  }
  template <typename T>
  Writer& number(T value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    out_.append(raw, sizeof raw);
    return *this;
  }
  Writer& text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    out_.append(value);
    return *this;
  }

 private:
  std::string& out_;
};

class Reader {
 public:
  explicit Reader(std::string_view record) : rest_(record.substr(record.empty() ? 0 : 1)) {}
  template <typename T>
  Reader& number(T& value) {
    if (rest_.size() < sizeof value) {
      good_ = false;
      return *this;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return *this;
  }
  Reader& text(std::string_view& value) {
    std::uint32_t length = 0;
    number(length);
    if (!good_ || rest_.size() < length) {
      good_ = false;
      return *this;
    }
    value = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return *this;
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

enum : std::uint8_t { flag_storable = 1, flag_copyable = 2, flag_check = 4, flag_server = 8 };

void put_keys(Writer& writer, const ScramKeys& keys) {
  writer.number(keys.iterations).text(keys.salt).number(keys.stored_key).number(keys.server_key);
}

void take_keys(Reader& reader, ScramKeys& keys) {
  std::string_view salt;
  reader.number(keys.iterations).text(salt).number(keys.stored_key).number(keys.server_key);
  keys.salt = salt;
}

}  // namespace

void RoutedStanza::encode(std::string& out) const {
  const auto flags = static_cast<std::uint8_t>(
      (storable ? flag_storable : 0) | (copyable ? flag_copyable : 0) |
      (check_duplicate ? flag_check : 0) | (from_server ? flag_server : 0));
  Writer(out, ShardMessageKind::stanza)
      .number(kind)
      .number(type)
      .number(flags)
      .number(origin.bits)
      .number(origin_number)
      .number(fingerprint)
      .number(received_us)
      .text(from)
      .text(to_local)
      .text(to_resource)
      .text(id)
      .text(xml);
}

bool RoutedStanza::decode(std::string_view record, RoutedStanza& out) {
  std::uint8_t flags = 0;
  Reader reader(record);
  reader.number(out.kind)
      .number(out.type)
      .number(flags)
      .number(out.origin.bits)
      .number(out.origin_number)
      .number(out.fingerprint)
      .number(out.received_us)
      .text(out.from)
      .text(out.to_local)
      .text(out.to_resource)
      .text(out.id)
      .text(out.xml);
  out.storable = (flags & flag_storable) != 0;
  out.copyable = (flags & flag_copyable) != 0;
  out.check_duplicate = (flags & flag_check) != 0;
  out.from_server = (flags & flag_server) != 0;
  return reader.good();
}

void SafeNotice::encode(std::string& out) const {
  Writer(out, ShardMessageKind::safe).number(session.bits).number(number);
}

bool SafeNotice::decode(std::string_view record, SafeNotice& out) {
  return Reader(record).number(out.session.bits).number(out.number).good();
}

void DeliverNotice::encode(std::string& out) const {
  Writer(out, ShardMessageKind::deliver).text(to_local).text(to_resource).text(xml);
}

bool DeliverNotice::decode(std::string_view record, DeliverNotice& out) {
  return Reader(record).text(out.to_local).text(out.to_resource).text(out.xml).good();
}

void CredentialsWanted::encode(std::string& out) const {
  Writer(out, ShardMessageKind::credentials_wanted).number(connection.bits).text(user);
}

bool CredentialsWanted::decode(std::string_view record, CredentialsWanted& out) {
  return Reader(record).number(out.connection.bits).text(out.user).good();
}

void CredentialsFound::encode(std::string& out) const {
  Writer writer(out, ShardMessageKind::credentials_found);
  writer.number(connection.bits).number(found).number(disabled);
  put_keys(writer, keys.sha1);
  put_keys(writer, keys.sha256);
}

bool CredentialsFound::decode(std::string_view record, CredentialsFound& out) {
  Reader reader(record);
  reader.number(out.connection.bits).number(out.found).number(out.disabled);
  take_keys(reader, out.keys.sha1);
  take_keys(reader, out.keys.sha256);
  return reader.good();
}

void DeviceWanted::encode(std::string& out) const {
  Writer(out, ShardMessageKind::device_wanted).number(connection.bits).number(device).text(user);
}

bool DeviceWanted::decode(std::string_view record, DeviceWanted& out) {
  return Reader(record).number(out.connection.bits).number(out.device).text(out.user).good();
}

void DeviceFound::encode(std::string& out) const {
  Writer(out, ShardMessageKind::device_found)
      .number(connection.bits)
      .number(found)
      .number(disabled)
      .number(key);
}

bool DeviceFound::decode(std::string_view record, DeviceFound& out) {
  return Reader(record)
      .number(out.connection.bits)
      .number(out.found)
      .number(out.disabled)
      .number(out.key)
      .good();
}

}  // namespace rookery
