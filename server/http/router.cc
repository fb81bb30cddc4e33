#include "server/http/router.h"

namespace tidegate::http {

struct Router::Node {
  std::optional<std::uint32_t> index;
  std::unordered_map<std::string, std::unique_ptr<Node>, StringHash, std::equal_to<>> children;
};

namespace {

// The segment that begins at `at` (behind a slash); `at` moves behind its end.
std::string_view NextSegment(std::string_view path, std::size_t& at) {
  const std::size_t start = at + 1;
  const std::size_t slash = path.find('/', start);
  at = slash == std::string_view::npos ? path.size() : slash;
  return path.substr(start, at - start);
}

}  // namespace

Router::Router() : any_host_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

bool Router::Add(std::string_view host, std::string_view path, std::uint32_t index) {
  Node* node = any_host_.get();
  if (!host.empty()) {
    auto& root = hosts_[ToLower(host)];
    if (!root) root = std::make_unique<Node>();
    node = root.get();
  }
  for (std::size_t at = 0; at < path.size();) {
    const std::string_view segment = NextSegment(path, at);
    if (segment.empty()) continue;
    auto& child = node->children[std::string(segment)];
    if (!child) child = std::make_unique<Node>();
    node = child.get();
  }
  if (node->index) return false;
  node->index = index;
  ++size_;
  return true;
}

std::optional<RouteMatch> Router::Walk(const Node& root, std::string_view path) {
  std::optional<RouteMatch> best;
  const Node* node = &root;
  if (root.index) best = RouteMatch{*root.index, 0};
  for (std::size_t at = 0; at < path.size();) {
    const std::string_view segment = NextSegment(path, at);
    if (segment.empty()) continue;  // the trailing slash
    const auto child = node->children.find(segment);
    if (child == node->children.end()) break;
    node = child->second.get();
    if (node->index) best = RouteMatch{*node->index, at};
  }
  return best;
}

std::optional<RouteMatch> Router::Match(std::string_view host, std::string_view path) const {
  const auto named = hosts_.find(host);
  if (named != hosts_.end()) {
    if (auto match = Walk(*named->second, path)) return match;
  }
  return Walk(*any_host_, path);
}

}  // namespace tidegate::http
