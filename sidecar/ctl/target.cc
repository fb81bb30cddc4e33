#include "sidecar/ctl/target.h"

#include "server/base/strings.h"

namespace tidegate::ctl {
namespace {

struct Row {
  Type type;
  std::string_view word;
  std::string_view plural;
  std::string_view short_word;
  std::size_t depth;
  std::string_view shape;  // what is expected, for errors
};

constexpr Row kRows[] = {
    {Type::kApi, "api", "apis", "api", 1, "api/NAME"},
    {Type::kPlan, "plan", "plans", "plan", 2, "plan/API/NAME"},
    {Type::kApplication, "application", "applications", "app", 1, "application/NAME"},
    {Type::kSubscription, "subscription", "subscriptions", "sub", 2, "subscription/API/NAME"},
    {Type::kKey, "key", "keys", "key", 3, "key/API/SUBSCRIPTION/NAME"},
    {Type::kEndpoint, "endpoint", "endpoints", "ep", 2, "endpoint/API/NAME"},
    {Type::kListener, "listener", "listeners", "listener", 1, "listener/NAME"},
};

const Row& RowOf(Type type) {
  for (const Row& row : kRows) {
    if (row.type == type) return row;
  }
  return kRows[0];
}

const Row* FindRow(std::string_view word) {
  for (const Row& row : kRows) {
    if (word == row.word || word == row.plural || word == row.short_word) return &row;
  }
  return nullptr;
}

// apis/orders/plans/gold as a target; false when the text is no full name.
bool ParseFullName(const std::vector<std::string_view>& words, Target& target) {
  if (words.size() < 2 || words.size() % 2 != 0) return false;
  if (words[0] == "applications" && words.size() == 2) {
    target = {Type::kApplication, {std::string(words[1])}};
    return true;
  }
  if (words[0] != "apis") return false;
  target = {Type::kApi, {std::string(words[1])}};
  if (words.size() == 2) return true;
  target.parts.emplace_back(words[3]);
  if (words[2] == "plans" && words.size() == 4) {
    target.type = Type::kPlan;
    return true;
  }
  if (words[2] != "subscriptions") return false;
  target.type = Type::kSubscription;
  if (words.size() == 4) return true;
  if (words.size() != 6 || words[4] != "apiKeys") return false;
  target.type = Type::kKey;
  target.parts.emplace_back(words[5]);
  return true;
}

}  // namespace

bool Target::IsOne() const { return parts.size() >= Depth(type); }

std::string Target::Parent() const {
  const std::string api = parts.empty() ? "-" : parts[0];
  switch (type) {
    case Type::kApi:
    case Type::kApplication:
    case Type::kListener: return "";
    case Type::kPlan:
    case Type::kSubscription:
    case Type::kEndpoint: return "apis/" + api;
    case Type::kKey:
      return "apis/" + api + "/subscriptions/" + (parts.size() > 1 ? parts[1] : "-");
  }
  return "";
}

std::string Target::Id() const { return parts.empty() ? "" : parts.back(); }

std::string Target::FullName() const {
  if (!IsOne()) return Parent();
  switch (type) {
    case Type::kApi: return "apis/" + Id();
    case Type::kApplication: return "applications/" + Id();
    case Type::kPlan: return Parent() + "/plans/" + Id();
    case Type::kSubscription: return Parent() + "/subscriptions/" + Id();
    case Type::kKey: return Parent() + "/apiKeys/" + Id();
    case Type::kEndpoint: return Parent() + "/endpoints/" + Id();
    case Type::kListener: return Id();
  }
  return "";
}

std::string Target::Text() const {
  return std::string(TypeWord(type)) + "/" + Join(parts, "/");
}

std::string_view TypeWord(Type type) { return RowOf(type).word; }

std::size_t Depth(Type type) { return RowOf(type).depth; }

const std::vector<std::string_view>& TypeWords() {
  static const std::vector<std::string_view> words = [] {
    std::vector<std::string_view> list;
    for (const Row& row : kRows) list.push_back(row.word);
    return list;
  }();
  return words;
}

bool ParseTarget(std::string_view text, Target& target, std::string& error) {
  const std::vector<std::string_view> words = Split(text, '/');
  if (ParseFullName(words, target)) return true;
  const Row* row = FindRow(words[0]);
  if (row == nullptr) {
    std::vector<std::string> known(TypeWords().begin(), TypeWords().end());
    const std::string near = Nearest(words[0], known);
    error = "\"" + std::string(words[0]) + "\" is no type";
    error += near.empty() ? "; types are " + Join(known, ", ") : " (did you mean " + near + "?)";
    return false;
  }
  target.type = row->type;
  target.parts.assign(words.begin() + 1, words.end());
  // A group may stand between the API and its endpoint: endpoint/orders/default/b.
  const std::size_t depth_max = row->type == Type::kEndpoint ? row->depth + 1 : row->depth;
  if (target.parts.size() > depth_max) {
    error = "\"" + std::string(text) + "\" has too many parts; write " + std::string(row->shape);
    return false;
  }
  for (const std::string& part : target.parts) {
    if (part.empty()) {
      error = "\"" + std::string(text) + "\" has an empty part; write " + std::string(row->shape);
      return false;
    }
  }
  return true;
}

std::string ShortName(std::string_view full_name) {
  Target target;
  const std::vector<std::string_view> words = Split(full_name, '/');
  if (ParseFullName(words, target)) return target.Text();
  if (words.size() == 4 && words[0] == "apis" && words[2] == "revisions") {
    return "api/" + std::string(words[1]) + "/" + std::string(words[3]);  // as history reads it
  }
  return std::string(full_name);
}

std::string LastPart(std::string_view full_name) {
  const std::size_t slash = full_name.rfind('/');
  return std::string(slash == std::string_view::npos ? full_name : full_name.substr(slash + 1));
}

}  // namespace tidegate::ctl
