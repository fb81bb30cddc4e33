#include "connectors/kafka/jaas.h"

#include <array>

#include "server/base/strings.h"

namespace tidegate::kafka {
namespace {

constexpr std::string_view kPunctuation = ";=/\"'";

Status Refuse(std::string_view why) {
  return InvalidArgument("JAAS config: " + std::string(why));
}

struct Token {
  enum class Kind : std::uint8_t { kEnd, kText, kSign };
  Kind kind = Kind::kEnd;
  char sign = 0;
  std::string text;
  bool after_slash = false;  // a comment that began with a single '/' stood before it

  bool Is(char c) const { return kind == Kind::kSign && sign == c; }
};

class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}

  Token Next() {
    Token token;
    while (SkipOne(token)) {
    }
    if (at_ >= text_.size()) return token;
    const char c = text_[at_];
    if (c == '"' || c == '\'') {
      token.kind = Token::Kind::kText;
      token.text = Quoted(c);
    } else if (c == ';' || c == '=') {
      ++at_;
      token.kind = Token::Kind::kSign;
      token.sign = c;
    } else {
      token.kind = Token::Kind::kText;
      const std::size_t begin = at_;
      while (at_ < text_.size() && IsWord(text_[at_])) ++at_;
      token.text = std::string(text_.substr(begin, at_ - begin));
    }
    return token;
  }

 private:
  static bool IsSpace(char c) { return static_cast<unsigned char>(c) <= 32; }
  static bool IsWord(char c) {
    return !IsSpace(c) && kPunctuation.find(c) == std::string_view::npos;
  }

  // Skips one blank or comment; false when there is none.
  bool SkipOne(Token& token) {
    if (at_ >= text_.size()) return false;
    if (IsSpace(text_[at_])) {
      ++at_;
      return true;
    }
    if (text_[at_] != '/') return false;
    const char second = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (second == '*') {
      const std::size_t end = text_.find("*/", at_ + 2);
      at_ = end == std::string_view::npos ? text_.size() : end + 2;
      return true;
    }
    if (second != '/') token.after_slash = true;
    const std::size_t end = text_.find_first_of("\r\n", at_);
    at_ = end == std::string_view::npos ? text_.size() : end;
    return true;
  }

  std::string Quoted(char quote) {
    std::string out;
    ++at_;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n' && text_[at_] != '\r') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        ++at_;
        out += Escaped();
      } else {
        out += text_[at_++];
      }
    }
    if (at_ < text_.size() && text_[at_] == quote) ++at_;
    return out;
  }

  // The character after a backslash: octal of at most \377, or one of C's letters, or itself.
  char Escaped() {
    const char c = text_[at_];
    if (c >= '0' && c <= '7') {
      const int digits = c <= '3' ? 3 : 2;
      int value = 0;
      for (int i = 0; i < digits && at_ < text_.size(); ++i) {
        if (text_[at_] < '0' || text_[at_] > '7') break;
        value = value * 8 + (text_[at_++] - '0');
      }
      return static_cast<char>(value);
    }
    ++at_;
    switch (c) {
      case 'a': return '\a';
      case 'b': return '\b';
      case 'f': return '\f';
      case 'n': return '\n';
      case 'r': return '\r';
      case 't': return '\t';
      case 'v': return '\v';
      default: return c;
    }
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

bool IsFlag(const Token& token) {
  constexpr std::array<std::string_view, 4> kFlags = {"required", "requisite", "sufficient",
                                                      "optional"};
  for (std::string_view flag : kFlags) {
    if (token.kind == Token::Kind::kText && EqualsIgnoreCase(token.text, flag)) return true;
  }
  return false;
}

// An option by its place: its name may be a piece of a password that was not quoted.
std::string Option(std::size_t index) { return "option " + std::to_string(index + 1); }

Status ReadOptions(Tokens& tokens, JaasLogin& login) {
  std::size_t count = 0;
  while (true) {
    Token key = tokens.Next();
    if (key.Is(';')) return OkStatus();
    if (key.kind == Token::Kind::kEnd) return Refuse("the entry does not end with a semicolon");
    if (key.kind != Token::Kind::kText) return Refuse(Option(count) + " has no name");
    if (count == kJaasOptionsMax) return Refuse("more than 100 options");
    const Token equals = tokens.Next();
    if (!equals.Is('=')) {
      return Refuse(Option(count) + " has no value; a text with blanks or signs is quoted");
    }
    Token value = tokens.Next();
    if (value.after_slash) {
      return Refuse("the value of " + Option(count) +
                    " begins with '/', which begins a comment; quote it");
    }
    if (value.kind != Token::Kind::kText) return Refuse(Option(count) + " has no value");
    login.options[std::move(key.text)] = std::move(value.text);
    ++count;
  }
}

}  // namespace

std::string_view JaasLogin::kind() const {
  const std::string_view name = module;
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

StatusOr<JaasLogin> ParseJaas(std::string_view text) {
  if (text.size() > kJaasBytesMax) return Refuse("longer than 64 KiB");
  Tokens tokens(text);
  JaasLogin login;
  Token module = tokens.Next();
  if (module.kind != Token::Kind::kText || module.text.empty()) return Refuse("no login module");
  login.module = std::move(module.text);
  const Token flag = tokens.Next();
  if (flag.kind == Token::Kind::kEnd || flag.kind == Token::Kind::kSign) {
    return Refuse("no control flag after the login module");
  }
  if (!IsFlag(flag)) {
    return Refuse("the control flag is one of required, requisite, sufficient and optional");
  }
  TG_RETURN_IF_ERROR(ReadOptions(tokens, login));
  if (tokens.Next().kind != Token::Kind::kEnd) return Refuse("only one login module can be given");
  return login;
}

}  // namespace tidegate::kafka
