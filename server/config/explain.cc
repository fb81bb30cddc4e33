#include "server/config/explain.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <memory>

#include "server/base/strings.h"
#include "server/config/field_rules.h"
#include "server/config/values.h"
#include "tidegate/config/v1/options.pb.h"

extern "C" {
extern const char tidegate_descriptors_begin[];
extern const char tidegate_descriptors_end[];
}

namespace tidegate::config {
namespace {

namespace pb = google::protobuf;

// The descriptors with comments; the generated ones have none.
const pb::DescriptorPool* Pool() {
  static const pb::DescriptorPool* pool = [] {
    auto* made = new pb::DescriptorPool();  // lives as long as the process
    pb::FileDescriptorSet set;
    const std::string_view bytes = DescriptorSet();
    if (!set.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return made;
    for (const pb::FileDescriptorProto& file : set.file()) made->BuildFile(file);
    return made;
  }();
  return pool;
}

template <typename D>
std::string Comment(const D* descriptor) {
  pb::SourceLocation location;
  if (!descriptor->GetSourceLocation(&location)) return "";
  std::string out;
  for (const std::string_view line : Split(location.leading_comments, '\n')) {
    const std::string_view trimmed = Trim(line);
    if (trimmed.empty()) continue;
    if (!out.empty()) out += ' ';
    out += trimmed;
  }
  return out;
}

// The generated twin of a descriptor, whose options are parsed.
const v1::FieldRules& Rules(const pb::FieldDescriptor* field) {
  const pb::FieldDescriptor* twin =
      pb::DescriptorPool::generated_pool()->FindFieldByName(field->full_name());
  return twin == nullptr ? v1::FieldRules::default_instance() : RulesOf(twin);
}

bool IsWellKnown(const pb::FieldDescriptor* field) {
  return IsDuration(field) || IsTimestamp(field) || IsPeriod(field);
}

std::string TypeText(const pb::FieldDescriptor* field) {
  std::string text;
  if (field->is_map()) return "mapping of texts";
  if (IsDuration(field)) {
    text = "duration";
  } else if (IsTimestamp(field)) {
    text = "time";
  } else if (IsPeriod(field)) {
    text = "period";
  } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) {
    text = field->message_type()->name();
  } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_ENUM) {
    text = Join(EnumWords(field->enum_type()), " | ");
  } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_BOOL) {
    text = "true | false";
  } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_STRING) {
    text = "text";
  } else {
    text = Rules(field).size() ? "size" : "number";
  }
  return field->is_repeated() ? "list of " + text : text;
}

std::string RuleText(const v1::FieldRules& rules) {
  std::vector<std::string> parts;
  if (rules.required()) parts.emplace_back("required");
  if (!rules.default_().empty()) parts.push_back("default " + rules.default_());
  if (!rules.min().empty()) parts.push_back("from " + rules.min());
  if (!rules.max().empty()) parts.push_back("at most " + rules.max());
  if (rules.output_only()) parts.emplace_back("set by the gateway");
  if (rules.immutable()) parts.emplace_back("cannot change");
  if (rules.sensitive()) parts.emplace_back("secret");
  if (!rules.not_built().empty()) parts.emplace_back("not built yet");
  return Join(parts, ", ");
}

void AppendWrapped(std::string& out, std::string_view text, std::size_t indent) {
  std::size_t column = 0;
  for (const std::string_view word : Split(text, ' ')) {
    if (column == 0) {
      out.append(indent, ' ');
      column = indent;
    } else if (column + 1 + word.size() > 90) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  out += '\n';
}

void AppendField(std::string& out, const pb::FieldDescriptor* field) {
  out += "  " + field->json_name() + " <" + TypeText(field) + ">";
  const std::string rules = RuleText(Rules(field));
  if (!rules.empty()) out += " (" + rules + ")";
  out += '\n';
  AppendWrapped(out, Comment(field), 6);
}

const pb::Descriptor* FindKind(std::string_view word, std::vector<std::string>* kinds) {
  for (const char* kind :
       {"Api", "Plan", "Application", "Subscription", "ApiKey", "Gateway", "Endpoint"}) {
    kinds->push_back(KebabOfCamel(std::string(1, static_cast<char>(kind[0] - 'A' + 'a')) +
                                  (kind + 1)));
    if (FoldWord(word) == FoldWord(kind)) {
      return Pool()->FindMessageTypeByName(std::string("tidegate.config.v1.") + kind);
    }
  }
  return nullptr;
}

Status Missing(std::string_view word, const std::vector<std::string>& names) {
  const std::string nearest = Nearest(word, names);
  if (!nearest.empty()) {
    return NotFound("there is no " + std::string(word) + "; did you mean " + nearest + "?");
  }
  return NotFound("there is no " + std::string(word) + "; there are " + Join(names, ", "));
}

}  // namespace

std::string_view DescriptorSet() {
  return {tidegate_descriptors_begin,
          static_cast<std::size_t>(tidegate_descriptors_end - tidegate_descriptors_begin)};
}

StatusOr<std::string> Explain(std::string_view path) {
  const std::vector<std::string_view> parts = Split(path, '.');
  std::vector<std::string> kinds;
  const pb::Descriptor* type = FindKind(parts[0], &kinds);
  if (type == nullptr) return Missing(parts[0], kinds);
  std::string out;
  std::string title(parts[0]);
  const pb::FieldDescriptor* last = nullptr;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    std::vector<std::string> names;
    const pb::FieldDescriptor* found = nullptr;
    for (int f = 0; type != nullptr && f < type->field_count(); ++f) {
      names.push_back(type->field(f)->json_name());
      if (FoldWord(parts[i]) == FoldWord(names.back())) found = type->field(f);
    }
    if (found == nullptr) return Missing(parts[i], names);
    last = found;
    title += "." + found->json_name();
    const bool inner = found->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE &&
                       !IsWellKnown(found) && !found->is_map();
    type = inner ? found->message_type() : nullptr;
  }
  if (last == nullptr) {
    out = title + "\n";
  } else {
    AppendField(out, last);
    out = title + out.substr(out.find(" <"));
  }
  if (type == nullptr) return out;
  AppendWrapped(out, Comment(type), 2);
  out += "\nfields:\n";
  for (int f = 0; f < type->field_count(); ++f) AppendField(out, type->field(f));
  return out;
}

}  // namespace tidegate::config
