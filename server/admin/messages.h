// Small things about messages that all services need: canonical bytes, times, update masks, pages.
// Thread: pure functions. Fails: by Status of the catalogue (errors.h).
#pragma once

#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/status.h"
#include "server/config/names.h"
#include "server/model/subscription.h"

namespace tidegate::admin {

inline constexpr int kPageSizeDefault = 50;
inline constexpr int kPageSizeMax = 500;

// The same bytes for the same content, map order included.
std::string Canonical(const google::protobuf::Message& message);

google::protobuf::Timestamp ToTimestamp(model::WallTime time);
model::WallTime FromTimestamp(const google::protobuf::Timestamp& time);

// 7 of apis/orders/revisions/7; 0 when there is no number.
std::uint64_t RevisionNumber(std::string_view name);

// The name in `field` of a request, which must be full and of this kind.
StatusOr<config::ResourceName> RequestName(config::ResourceKind kind, std::string_view field,
                                           const std::string& name);
// The parent of a list: empty for `apis/-`.
StatusOr<std::string> ListParent(const std::string& parent);
// The name of what is created: from {resource}_id and the resource's own name, which must agree.
StatusOr<std::string> CreateName(config::ResourceKind kind, const std::string& parent,
                                 std::string_view id_field, const std::string& id,
                                 std::string_view name_field, const std::string& name);

// Applies `update` to `target` as the mask says: absent: the fields that are set; `*`: everything.
// Names, etags and output-only fields stay as they are. Lists are replaced as a whole.
Status ApplyMask(const google::protobuf::Message& update,
                 const google::protobuf::FieldMask& mask, google::protobuf::Message* target);
// Whether the mask (or its absence) touches a top-level field.
bool MaskTouches(const google::protobuf::Message& update, const google::protobuf::FieldMask& mask,
                 std::string_view field);

// A page of sorted names. `what` binds the token to one list; a token of another is refused.
struct Page {
  std::size_t size = kPageSizeDefault;
  std::string after;  // names beyond this one
};
StatusOr<Page> ReadPage(std::string_view what, int page_size, const std::string& page_token);
std::string PageToken(std::string_view what, const std::string& last);

// Fills `add` with up to page.size items and returns the next token.
template <typename Items, typename NameOf, typename Add>
std::string TakePage(std::string_view what, const Page& page, const Items& items, NameOf name_of,
                     Add add) {
  std::string last;
  std::size_t taken = 0;
  for (const auto& item : items) {
    const std::string name = name_of(item);
    if (!page.after.empty() && name <= page.after) continue;
    if (taken == page.size) return PageToken(what, last);
    add(item);
    last = name;
    ++taken;
  }
  return {};
}

}  // namespace tidegate::admin
