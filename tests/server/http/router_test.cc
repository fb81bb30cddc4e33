#include "server/http/router.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

namespace tidegate::http {
namespace {

int Find(const Router& router, std::string_view host, std::string_view path) {
  const auto match = router.Match(host, path);
  return match ? static_cast<int>(match->index) : -1;
}

TEST(Router, LongestPathAtASegmentBoundary) {
  Router router;
  EXPECT_TRUE(router.Add("", "/pay", 1));
  EXPECT_TRUE(router.Add("", "/pay/cards", 2));
  EXPECT_EQ(Find(router, "h", "/pay"), 1);
  EXPECT_EQ(Find(router, "h", "/pay/"), 1);
  EXPECT_EQ(Find(router, "h", "/pay/x"), 1);
  EXPECT_EQ(Find(router, "h", "/payments"), -1);
  EXPECT_EQ(Find(router, "h", "/pa"), -1);
  EXPECT_EQ(Find(router, "h", "/Pay"), -1);
  EXPECT_EQ(Find(router, "h", "/pay/cards/7"), 2);
  EXPECT_EQ(Find(router, "h", "/pay/cardsx"), 1);
  EXPECT_EQ(Find(router, "h", "/"), -1);
  EXPECT_EQ(router.Match("h", "/pay/cards/7")->path_size, 10U);
  EXPECT_EQ(router.Match("h", "/pay/")->path_size, 4U);
}

TEST(Router, HostsComeFirst) {
  Router router;
  router.Add("", "/a/b/c", 1);
  router.Add("API.test", "/a/", 2);
  EXPECT_EQ(Find(router, "api.test", "/a/b/c"), 2);
  EXPECT_EQ(Find(router, "other.test", "/a/b/c"), 1);
  EXPECT_EQ(Find(router, "api.test", "/x"), -1);
  router.Add("", "/", 3);
  EXPECT_EQ(Find(router, "api.test", "/x"), 3);
  EXPECT_EQ(router.Match("api.test", "/x")->path_size, 0U);
}

TEST(Router, DuplicatesAreRefused) {
  Router router;
  EXPECT_TRUE(router.Add("h", "/a", 1));
  EXPECT_FALSE(router.Add("H", "/a/", 2));
  EXPECT_TRUE(router.Add("", "/a", 3));
  EXPECT_EQ(router.size(), 2U);
}

TEST(Router, AgreesWithTheObviousSearch) {
  std::srand(3);
  const auto random_path = [] {
    std::string path;
    for (int i = 1 + std::rand() % 4; i > 0; --i) {
      path += "/" + std::string(1 + static_cast<std::size_t>(std::rand()) % 2,
                                static_cast<char>('a' + std::rand() % 3));
    }
    return path;
  };
  Router router;
  std::map<std::string, std::uint32_t> naive;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    const std::string path = random_path();
    EXPECT_EQ(router.Add("", path, i), naive.emplace(path, i).second);
  }
  for (int i = 0; i < 5000; ++i) {
    const std::string path = random_path() + (i % 3 == 0 ? "/" : "");
    int expected = -1;
    std::size_t longest = 0;
    for (const auto& [prefix, index] : naive) {
      const bool matches = path.compare(0, prefix.size(), prefix) == 0 &&
                           (path.size() == prefix.size() || path[prefix.size()] == '/');
      if (matches && prefix.size() >= longest) {
        longest = prefix.size();
        expected = static_cast<int>(index);
      }
    }
    ASSERT_EQ(Find(router, "", path), expected) << path;
  }
}

}  // namespace
}  // namespace tidegate::http
