// The reader of JSON; see the header.
#include "native/support/json.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "native/support/source_folder.h"

namespace rookery::test {

class JsonParser {
 public:
  explicit JsonParser(std::string_view text) : text_(text) {}

  Json document() {
    Json value = parse_value(0);
    if (peek() != '\0' || at_ != text_.size()) fail("something follows");
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw std::runtime_error("JSON, at byte " + std::to_string(at_) + ": " + why);
  }

  /// The next byte that is no space; 0 at the end.
  char peek() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool take(char wanted) {
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }

  void expect(char wanted) {
    if (!take(wanted)) fail(std::string("no ") + wanted);
  }

  bool take_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  Json parse_value(int depth) {
    if (depth > 100) fail("too deep");
    Json value;
    const char first = peek();
    if (first == '{') {
      parse_object(value, depth);
    } else if (first == '[') {
      parse_array(value, depth);
    } else if (first == '"') {
      value.kind_ = Json::Kind::string;
      value.string_ = parse_string();
    } else if (take_word("true") || take_word("false")) {
      value.kind_ = Json::Kind::boolean;
      value.number_ = first == 't' ? 1 : 0;
    } else if (!take_word("null")) {
      parse_number(value);
    }
    return value;
  }

  void parse_object(Json& value, int depth) {
    value.kind_ = Json::Kind::object;
    expect('{');
    if (take('}')) return;
    do {
      if (peek() != '"') fail("no name");
      std::string name = parse_string();
      expect(':');
      value.members_.emplace_back(std::move(name), parse_value(depth + 1));
    } while (take(','));
    expect('}');
  }

  void parse_array(Json& value, int depth) {
    value.kind_ = Json::Kind::array;
    expect('[');
    if (take(']')) return;
    do {
      value.items_.push_back(parse_value(depth + 1));
    } while (take(','));
    expect(']');
  }

  void parse_number(Json& value) {
    const std::size_t end = text_.find_first_not_of("+-.0123456789eE", at_);
    const std::string digits(text_.substr(at_, end - at_));
    char* stop = nullptr;
    value.kind_ = Json::Kind::number;
    value.number_ = std::strtod(digits.c_str(), &stop);
    if (digits.empty() || *stop != '\0') fail("no value");
    at_ += digits.size();
  }

  std::string parse_string() {
    std::string out;
    ++at_;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') {
        ++at_;
        parse_escape(out);
      } else {
        out += text_[at_++];
      }
    }
    if (at_ >= text_.size()) fail("the string has no end");
    ++at_;
    return out;
  }

  void parse_escape(std::string& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const char letter = at_ < text_.size() ? text_[at_++] : '\0';
    if (letter == 'u') {
      char32_t character = parse_unit();
      if (character >= 0xD800 && character < 0xDC00) {
        if (!take_word("\\u")) fail("half a character");
        character = 0x10000 + ((character - 0xD800) << 10) + (parse_unit() - 0xDC00);
      }
      append_utf8(character, out);
      return;
    }
    const std::size_t index = kLetters.find(letter);
    if (index == kLetters.npos) fail("unknown escape");
    out += kMeanings[index];
  }

  char32_t parse_unit() {
    const std::string digits(text_.substr(at_, 4));
    char* stop = nullptr;
    const auto unit = static_cast<char32_t>(std::strtoul(digits.c_str(), &stop, 16));
    if (digits.size() != 4 || *stop != '\0') fail("no hexadecimal digits");
    at_ += 4;
    return unit;
  }

  static void append_utf8(char32_t character, std::string& out) {
    if (character < 0x80) {
      out += static_cast<char>(character);
      return;
    }
    const int more = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    constexpr unsigned kLead[] = {0, 0xC0, 0xE0, 0xF0};
    out += static_cast<char>(kLead[more] | character >> (6 * more));
    for (int left = more - 1; left >= 0; --left) {
      out += static_cast<char>(0x80 | (character >> (6 * left) & 0x3F));
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Json Json::parse(std::string_view text) { return JsonParser(text).document(); }

Json Json::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw std::runtime_error(path + ": cannot be read");
  return parse(text.str());
}

Json Json::load_vectors() { return load(source_path("docs/protocol/vectors.json")); }

const Json& Json::operator[](std::string_view name) const {
  static const Json nothing;
  for (const auto& [member, value] : members_) {
    if (member == name) return value;
  }
  return nothing;
}

std::string Json::hex() const {
  std::string out;
  for (std::size_t at = 0; at + 1 < string_.size(); at += 2) {
    out += static_cast<char>(std::strtoul(string_.substr(at, 2).c_str(), nullptr, 16));
  }
  return out;
}

}  // namespace rookery::test
