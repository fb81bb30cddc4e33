#include "server/http/canonical_path.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

namespace tidegate::http {
namespace {

struct Row {
  const char* raw;
  const char* canonical;  // nullptr: refused
  Rule rule = Rule::kNone;
};

std::string Canon(std::string_view raw, Rule expected = Rule::kNone) {
  std::string scratch;
  std::string_view path;
  EXPECT_EQ(CanonicalPath(raw, scratch, path), expected) << raw;
  return expected == Rule::kNone ? std::string(path) : std::string();
}

TEST(CanonicalPath, Table) {
  const std::vector<Row> rows = {
      {"/", "/"},
      {"/a", "/a"},
      {"/a/", "/a/"},
      {"/a//b", "/a/b"},
      {"//", "/"},
      {"///a", "/a"},
      {"/a/./b", "/a/b"},
      {"/a/.", "/a/"},
      {"/a/..", "/"},
      {"/a/../", "/"},
      {"/a/../b", "/b"},
      {"/a/b/../../c", "/c"},
      {"/a//../b", "/b"},
      {"/%61", "/a"},
      {"/%7Euser", "/~user"},
      {"/a%2Db", "/a-b"},
      {"/%2e", "/"},
      {"/a/%2e%2E/b", "/b"},
      {"/a/.%2e/b", "/b"},
      {"/a%3bx", "/a%3Bx"},
      {"/a%20b", "/a%20b"},
      {"/%c3%bc", "/%C3%BC"},
      {"/%F0%9f%8c%8a", "/%F0%9F%8C%8A"},
      {"/%252F", "/%252F"},
      {"/%252e%252e/x", "/%252e%252e/x"},
      {"/a;x=1/b", "/a;x=1/b"},
      {"/.well-known/x", "/.well-known/x"},
      {"/..x/y", "/..x/y"},
      {"/admin.", "/admin."},
      {"/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,="},
      {"/%41%42", "/AB"},
      {"/a%0Ab", "/a%0Ab"},
      {"/..", nullptr, Rule::kPathAboveRoot},
      {"/../a", nullptr, Rule::kPathAboveRoot},
      {"/a/../../b", nullptr, Rule::kPathAboveRoot},
      {"/%2e%2e/a", nullptr, Rule::kPathAboveRoot},
      {"/a//..//..", nullptr, Rule::kPathAboveRoot},
      {"/a%2Fb", nullptr, Rule::kPathForbidden},
      {"/a%2fb", nullptr, Rule::kPathForbidden},
      {"/a%5Cb", nullptr, Rule::kPathForbidden},
      {"/a\\b", nullptr, Rule::kPathForbidden},
      {"/..\\a", nullptr, Rule::kPathForbidden},
      {"/a%00", nullptr, Rule::kPathForbidden},
      {"/a/..;x/b", nullptr, Rule::kPathForbidden},
      {"/a/.;x/b", nullptr, Rule::kPathForbidden},
      {"/a/%2e%2e;/b", nullptr, Rule::kPathForbidden},
      {"/a%", nullptr, Rule::kPathEscape},
      {"/a%4", nullptr, Rule::kPathEscape},
      {"/a%zz", nullptr, Rule::kPathEscape},
      {"/a%u002f", nullptr, Rule::kPathEscape},
      {"/%C0%AF", nullptr, Rule::kPathEscape},
      {"/%E0%80%AF", nullptr, Rule::kPathEscape},
      {"/%FF", nullptr, Rule::kPathEscape},
      {"/%C3x", nullptr, Rule::kPathEscape},
      {"/%ED%A0%80", nullptr, Rule::kPathEscape},
      {"a", nullptr, Rule::kTargetForm},
      {"", nullptr, Rule::kTargetForm},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Canon(row.raw, row.rule), row.canonical ? row.canonical : "") << row.raw;
  }
}

TEST(CanonicalPath, IsIdempotentAndNeverLeavesItsRoot) {
  std::srand(11);
  const std::vector<std::string> pieces = {"/", "/", ".", "..", "a", "%2e", "%2E", "%61", ";",
                                           "%3b", "%25", "2f", "%c3%a4", "b", "//", "%20"};
  int accepted = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string raw = "/";
    for (int i = std::rand() % 9; i > 0; --i) {
      raw += pieces[static_cast<std::size_t>(std::rand()) % pieces.size()];
    }
    std::string scratch;
    std::string_view path;
    if (CanonicalPath(raw, scratch, path) != Rule::kNone) continue;
    ++accepted;
    const std::string once(path);
    ASSERT_EQ(Canon(once), once) << raw;
    ASSERT_EQ(once.front(), '/');
    const std::string framed = once + "/";
    ASSERT_EQ(framed.find("/../"), std::string::npos) << raw;
    ASSERT_EQ(framed.find("/./"), std::string::npos) << raw;
    ASSERT_EQ(once.find("//"), std::string::npos) << raw;
  }
  EXPECT_GT(accepted, 10'000);
}

}  // namespace
}  // namespace tidegate::http
