// The engine of `--state none`, and of tests: the same promises but for durability.
#include <mutex>

#include "server/state/config_store.h"

namespace tidegate::state {
namespace {

using Key = std::pair<std::string, std::string>;

class MemoryStore final : public ConfigStore {
 public:
  StatusOr<std::uint64_t> Commit(const Transaction& transaction) override {
    const std::lock_guard lock(mutex_);
    for (const RecordWrite& write : transaction.writes) {
      TG_RETURN_IF_ERROR(CheckEtag(write));
    }
    ++revision_;
    for (const RecordWrite& write : transaction.writes) Write(write);
    for (const std::string& api : transaction.forget_api) revisions_.erase(api);
    for (const RevisionRecord& gone : transaction.forget) {
      const auto found = revisions_.find(gone.api);
      if (found != revisions_.end()) found->second.erase(gone.number);
    }
    for (const RevisionRecord& added : transaction.revisions) {
      auto& list = revisions_[added.api];
      list[added.number] = added.bytes;
      while (list.size() > kRevisionsPerApi) list.erase(list.begin());
    }
    for (const auto& [key, value] : transaction.meta) meta_[key] = value;
    return revision_;
  }

  StatusOr<Contents> Load() override {
    const std::lock_guard lock(mutex_);
    Contents contents;
    for (const auto& [key, record] : records_) contents.records.push_back(record);
    for (const auto& [api, list] : revisions_) {
      if (!list.empty()) contents.last_revision[api] = list.rbegin()->first;
    }
    contents.meta = meta_;
    contents.revision = revision_;
    return contents;
  }

  StatusOr<std::vector<RevisionRecord>> Revisions(const std::string& api) override {
    const std::lock_guard lock(mutex_);
    std::vector<RevisionRecord> result;
    const auto found = revisions_.find(api);
    if (found == revisions_.end()) return result;
    for (auto entry = found->second.rbegin(); entry != found->second.rend(); ++entry) {
      result.push_back(RevisionRecord{api, entry->first, entry->second});
    }
    return result;
  }

  StatusOr<RevisionRecord> Revision(const std::string& api, std::uint64_t number) override {
    const std::lock_guard lock(mutex_);
    const auto found = revisions_.find(api);
    if (found != revisions_.end()) {
      const auto entry = found->second.find(number);
      if (entry != found->second.end()) return RevisionRecord{api, number, entry->second};
    }
    return NotFound("state: no revision " + std::to_string(number) + " of " + api);
  }

  std::string Describe() const override { return "memory"; }

 private:
  Status CheckEtag(const RecordWrite& write) const {
    if (!write.expected_etag) return OkStatus();
    const auto found = records_.find(Key(write.kind, write.name));
    const std::string current = found == records_.end() ? "" : found->second.etag;
    if (current == *write.expected_etag) return OkStatus();
    return WithReason(Aborted("state: " + write.kind + " " + write.name + " has changed"),
                      "ETAG_MISMATCH");
  }

  void Write(const RecordWrite& write) {
    const Key key(write.kind, write.name);
    if (!write.bytes) {
      records_.erase(key);
      return;
    }
    records_[key] =
        Record{write.kind, write.name, *write.bytes, write.owner, write.etag, revision_};
  }

  std::mutex mutex_;
  std::map<Key, Record> records_;
  std::map<std::string, std::map<std::uint64_t, std::string>> revisions_;
  std::map<std::string, std::string> meta_;
  std::uint64_t revision_ = 0;
};

}  // namespace

std::unique_ptr<ConfigStore> MakeMemoryStore() { return std::make_unique<MemoryStore>(); }

}  // namespace tidegate::state
