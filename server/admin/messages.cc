#include "server/admin/messages.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/field_mask_util.h>

#include <chrono>

#include "server/admin/errors.h"
#include "server/base/codec.h"
#include "server/base/strings.h"
#include "server/config/field_rules.h"
#include "tidegate/config/v1/options.pb.h"

namespace tidegate::admin {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::FieldMask;
using google::protobuf::Message;
using google::protobuf::util::FieldMaskUtil;

bool IsKept(const FieldDescriptor* field) {
  return field->name() == "name" || config::RulesOf(field).output_only();
}

// The top-level fields that an update without a mask, or with `*`, is about.
FieldMask TopLevel(const Message& update, bool everything) {
  FieldMask mask;
  const auto* descriptor = update.GetDescriptor();
  std::vector<const FieldDescriptor*> set;
  update.GetReflection()->ListFields(update, &set);
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    if (IsKept(field)) continue;
    const bool is_set = std::find(set.begin(), set.end(), field) != set.end();
    if (everything || is_set) mask.add_paths(field->name());
  }
  return mask;
}

bool IsStar(const FieldMask& mask) { return mask.paths_size() == 1 && mask.paths(0) == "*"; }

std::string TopOf(const std::string& path) { return path.substr(0, path.find('.')); }

}  // namespace

std::string Canonical(const Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

google::protobuf::Timestamp ToTimestamp(model::WallTime time) {
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  google::protobuf::Timestamp result;
  result.set_seconds(seconds.count());
  result.set_nanos(static_cast<std::int32_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count()));
  return result;
}

model::WallTime FromTimestamp(const google::protobuf::Timestamp& time) {
  return model::WallTime(std::chrono::duration_cast<model::WallTime::duration>(
      std::chrono::seconds(time.seconds()) + std::chrono::nanoseconds(time.nanos())));
}

std::uint64_t RevisionNumber(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return ParseUint(slash == std::string_view::npos ? name : name.substr(slash + 1)).value_or(0);
}

StatusOr<config::ResourceName> RequestName(config::ResourceKind kind, std::string_view field,
                                           const std::string& name) {
  if (name.empty()) return InvalidField(field, "is required", config::kRequiredField);
  auto parsed = config::ParseNameAs(kind, name);
  if (!parsed.ok()) return InvalidField(field, MessageOf(parsed.status()));
  return parsed;
}

StatusOr<std::string> ListParent(const std::string& parent) {
  if (parent == "apis/-") return std::string();
  const auto name = RequestName(config::ResourceKind::kApi, "parent", parent);
  if (!name.ok()) return name.status();
  return parent;
}

StatusOr<std::string> CreateName(config::ResourceKind kind, const std::string& parent,
                                 std::string_view id_field, const std::string& id,
                                 std::string_view name_field, const std::string& name) {
  if (id.empty() && name.empty()) {
    return InvalidField(id_field, "is required, or the name in the resource",
                        config::kRequiredField);
  }
  std::string result;
  if (!name.empty()) {
    auto full = config::QualifyName(kind, parent, name);
    if (!full.ok()) return InvalidField(name_field, MessageOf(full.status()));
    result = *full;
  }
  if (!id.empty()) {
    if (!config::IsLocalName(id)) {
      return InvalidField(id_field, "must be 1 to 63 characters of a-z, 0-9 and -, the first a "
                                    "letter or digit");
    }
    auto full = config::QualifyName(kind, parent, id);
    if (!full.ok()) return InvalidField(id_field, MessageOf(full.status()));
    if (!result.empty() && result != *full) {
      return InvalidField(id_field, "does not agree with the name in the resource");
    }
    result = *full;
  }
  return result;
}

Status ApplyMask(const Message& update, const FieldMask& mask, Message* target) {
  FieldMask effective;
  if (mask.paths_size() == 0 || IsStar(mask)) {
    effective = TopLevel(update, mask.paths_size() != 0);
  } else {
    const auto* descriptor = update.GetDescriptor();
    for (const std::string& path : mask.paths()) {
      if (!FieldMaskUtil::GetFieldDescriptors(descriptor, path, nullptr)) {
        return InvalidField("update_mask", "names a field that does not exist",
                            "UNKNOWN_FIELD_MASK");
      }
      if (!IsKept(descriptor->FindFieldByName(TopOf(path)))) effective.add_paths(path);
    }
  }
  FieldMaskUtil::MergeOptions options;
  options.set_replace_message_fields(true);
  options.set_replace_repeated_fields(true);
  FieldMaskUtil::MergeMessageTo(update, effective, options, target);
  return OkStatus();
}

bool MaskTouches(const Message& update, const FieldMask& mask, std::string_view field) {
  const FieldMask effective =
      mask.paths_size() == 0 || IsStar(mask) ? TopLevel(update, mask.paths_size() != 0) : mask;
  return std::any_of(effective.paths().begin(), effective.paths().end(),
                     [&](const std::string& path) { return TopOf(path) == field; });
}

StatusOr<Page> ReadPage(std::string_view what, int page_size, const std::string& page_token) {
  Page page;
  if (page_size < 0) return InvalidField("page_size", "must not be negative");
  if (page_size > 0) page.size = static_cast<std::size_t>(std::min(page_size, kPageSizeMax));
  if (page_token.empty()) return page;
  const auto text = Base64Decode(page_token);
  const std::string prefix = Hex(Sha256(what).data(), 4) + ":";
  if (!text || !StartsWith(*text, prefix) || text->size() == prefix.size()) {
    return InvalidField("page_token", "is not a token of this list", "INVALID_PAGE_TOKEN");
  }
  page.after = text->substr(prefix.size());
  return page;
}

std::string PageToken(std::string_view what, const std::string& last) {
  return Base64(Hex(Sha256(what).data(), 4) + ":" + last);
}

}  // namespace tidegate::admin
