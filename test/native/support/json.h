// A small reader of JSON for tests that run vectors: values as they stand, no numbers beyond 2^53.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rookery::test {

/// A value, with everything in it. What is asked for and is not there is a value of kind `null`.
class Json {
 public:
  enum class Kind { null, boolean, number, string, array, object };

  /// Throws std::runtime_error for what is no JSON.
  static Json parse(std::string_view text);
  /// Reads a file; throws when it cannot.
  static Json load(const std::string& path);
  /// The test vectors of the compact protocol, wherever the tests run.
  static Json load_vectors();

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool is_null() const { return kind_ == Kind::null; }
  [[nodiscard]] bool boolean() const { return number_ != 0; }
  [[nodiscard]] double number() const { return number_; }
  [[nodiscard]] const std::string& string() const { return string_; }
  /// The elements of an array.
  [[nodiscard]] const std::vector<Json>& items() const { return items_; }
  /// The members of an object, in order.
  [[nodiscard]] const std::vector<std::pair<std::string, Json>>& members() const {
    return members_;
  }
  [[nodiscard]] const Json& operator[](std::string_view name) const;
  /// The bytes of a string of hexadecimal digits.
  [[nodiscard]] std::string hex() const;

 private:
  friend class JsonParser;

  Kind kind_ = Kind::null;
  double number_ = 0;
  std::string string_;
  std::vector<Json> items_;
  std::vector<std::pair<std::string, Json>> members_;
};

}  // namespace rookery::test
