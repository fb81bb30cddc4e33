// Finds what serves a request: routes with a host first, then the longest path at a segment
// boundary.
//
//   Router router;
//   router.Add("api.example.com", "/orders", 7);       // host "" = any host
//   router.Match(head.host, head.path)->index == 7
//
// `/orders` serves `/orders`, `/orders/` and `/orders/x`, never `/ordersx`. Knows nothing of what
// the indexes mean. Thread: immutable after building; any. Fails: Add returns false for a
// duplicate.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "server/base/strings.h"

namespace tidegate::http {

struct RouteMatch {
  std::uint32_t index = 0;
  std::size_t path_size = 0;  // bytes of the request's path that the route took, no trailing slash
};

class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  // `host` in any case, without port; `path` canonical, with or without trailing slash.
  bool Add(std::string_view host, std::string_view path, std::uint32_t index);
  std::optional<RouteMatch> Match(std::string_view host, std::string_view path) const;
  std::size_t size() const { return size_; }

 private:
  // A tree by path segments: a walk is bounded by the deepest route, not by the request's path.
  struct Node;
  using Hosts = std::unordered_map<std::string, std::unique_ptr<Node>, StringHash, std::equal_to<>>;

  static std::optional<RouteMatch> Walk(const Node& root, std::string_view path);

  Hosts hosts_;
  std::unique_ptr<Node> any_host_;
  std::size_t size_ = 0;
};

}  // namespace tidegate::http
