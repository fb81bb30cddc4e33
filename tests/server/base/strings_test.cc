#include "server/base/strings.h"

#include <gtest/gtest.h>

#include "server/base/codec.h"
#include "server/base/status.h"

namespace tidegate {
namespace {

TEST(Strings, TrimCutsBlanksAtBothEnds) { EXPECT_EQ(Trim(" \t a b \r\n"), "a b"); }

TEST(Strings, SplitKeepsEmptyParts) {
  EXPECT_EQ(Split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(Split("", ',').size(), 1u);
}

TEST(Strings, ParseUintRefusesSignsSpacesAndOverflow) {
  EXPECT_EQ(ParseUint("18446744073709551615"), 18446744073709551615ULL);
  for (const char* bad : {"", "+1", "-1", " 1", "1 ", "0x1", "18446744073709551616"}) {
    EXPECT_FALSE(ParseUint(bad).has_value()) << bad;
  }
}

// Every pair of bytes at every place of names of every length up to two words and a half.
TEST(Strings, EqualsIgnoreCaseIsAsciiOnlyAtEveryPlace) {
  const auto lower = [](int c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; };
  for (std::size_t size = 1; size <= 20; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      std::string a(size, 'x');
      std::string b(size, 'X');
      for (int left = 0; left < 256; ++left) {
        a[place] = static_cast<char>(left);
        for (int right = 0; right < 256; ++right) {
          b[place] = static_cast<char>(right);
          if (EqualsIgnoreCase(a, b) == (lower(left) == lower(right))) continue;
          FAIL() << size << " bytes, place " << place << ": " << left << " and " << right;
        }
      }
    }
  }
  EXPECT_TRUE(EqualsIgnoreCase("", ""));
  EXPECT_FALSE(EqualsIgnoreCase("X-Gravitee-Api-Key", "X-Gravitee-Api-Keys"));
}

TEST(Strings, JsonStringEscapesControlAndReplacesBrokenUtf8) {
  std::string out;
  AppendJsonString(out, std::string_view("a\"\\\n\x01\xff\xc3\xa9", 8));
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\u0001\\ufffd\xc3\xa9\"");
}

TEST(Strings, Utf8RefusesSurrogatesOverlongAndBeyondRange) {
  EXPECT_TRUE(IsValidUtf8("plain ascii that is longer than eight \xe2\x82\xac"));
  for (const char* bad : {"\xed\xa0\x80", "\xc0\xaf", "\xf4\x90\x80\x80", "\x80", "\xe2\x82"}) {
    EXPECT_FALSE(IsValidUtf8(bad));
  }
}

TEST(Strings, NearestFindsATypoAndRefusesStrangers) {
  EXPECT_EQ(Nearest("entrypoint", {"entrypoints", "plans"}), "entrypoints");
  EXPECT_EQ(Nearest("zzzzzz", {"entrypoints", "plans"}), "");
}

TEST(Codec, Base64RoundTripsEveryLength) {
  std::string bytes;
  for (int i = 0; i < 70; ++i) {
    EXPECT_EQ(Base64Decode(Base64(bytes)), bytes);
    bytes.push_back(static_cast<char>(i * 37));
  }
  EXPECT_EQ(Base64("test-topic@0#1"), "dGVzdC10b3BpY0AwIzE=");
}

TEST(Codec, Base64RefusesLooseForms) {
  for (const char* bad : {"a", "ab", "abc", "ab=c", "a===", "YWI", "YW I=", "YWJ=", "-_-_"}) {
    EXPECT_FALSE(Base64Decode(bad).has_value()) << bad;
  }
}

TEST(Codec, Sha256KnownVector) {
  const Sha256Digest digest = Sha256("abc");
  EXPECT_EQ(Hex(digest.data(), digest.size()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Status, ErrorClassTravelsWithTheStatus) {
  const Status status = MakeError(ErrorClass::kAuthFailed, "kafka connect to b:1: refused");
  EXPECT_EQ(ClassOf(status), ErrorClass::kAuthFailed);
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(ErrorClassFromName("auth-failed"), ErrorClass::kAuthFailed);
  EXPECT_EQ(ReasonOf(WithReason(NotFound("x"), "GONE")), "GONE");
}

}  // namespace
}  // namespace tidegate
