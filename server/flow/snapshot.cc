#include "server/flow/snapshot.h"

#include <algorithm>

namespace tidegate::flow {

const ApiRuntime* Snapshot::Route(std::string_view host, std::string_view path) const {
  const std::optional<http::RouteMatch> match = routes.Match(host, path);
  return match ? apis[match->index].get() : nullptr;
}

std::shared_ptr<const ApiRuntime> Snapshot::SharedApi(std::string_view name) const {
  auto it = std::lower_bound(apis.begin(), apis.end(), name,
                             [](const std::shared_ptr<const ApiRuntime>& runtime,
                                std::string_view wanted) { return runtime->api->name < wanted; });
  return it != apis.end() && (*it)->api->name == name ? *it : nullptr;
}

const ApiRuntime* Snapshot::FindApi(std::string_view name) const {
  auto it = std::lower_bound(apis.begin(), apis.end(), name,
                             [](const std::shared_ptr<const ApiRuntime>& runtime,
                                std::string_view wanted) { return runtime->api->name < wanted; });
  return it != apis.end() && (*it)->api->name == name ? it->get() : nullptr;
}

}  // namespace tidegate::flow
