// What every kind of stored resource has in common: it is found by its name, changed or deleted
// only by who has seen its state (etag) and keeps it (owner), and may be missing where the call
// allows that.
//
// Thread: any that may block. Owner: none. Fails: by the error catalogue.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "server/admin/call.h"
#include "server/admin/deployer.h"
#include "server/admin/errors.h"
#include "server/admin/messages.h"
#include "server/admin/writing.h"

namespace tidegate::admin {

template <typename Resource>
struct Shelf {
  config::ResourceKind kind;
  const char* type;  // in errors
  std::map<std::string, std::shared_ptr<const Resource>> State::*all;
  const Resource* (Change::*find)(const std::string& name) const;
};

// Whether this call may change what is stored: its etag fits, and its owner is the caller's.
template <typename Resource>
Status MayChange(Call& call, const Resource& stored, const std::string& etag, bool force) {
  call.audit.etag_before = stored.etag();
  TG_RETURN_IF_ERROR(CheckEtag(stored.name(), stored.etag(), etag));
  WriteOptions options;
  options.force = force;
  return CheckOwner(stored.name(), stored.owner(), options);
}

template <typename Resource, typename Request>
StatusOr<std::shared_ptr<const Resource>> ReadStored(Call& call, const Shelf<Resource>& shelf,
                                                     const Request& request, const State& state) {
  call.audit.resource = request.name();
  TG_RETURN_IF_ERROR(RequestName(shelf.kind, "name", request.name()).status());
  const auto& all = state.*shelf.all;
  const auto found = all.find(request.name());
  if (found == all.end()) return ResourceMissing(shelf.type, request.name());
  return found->second;
}

// `make(change)` where it is missing and the request allows that; else `put(change, merged)` with
// what the mask says of `update`.
template <typename Resource, typename Request, typename Make, typename Put>
Status UpdateStored(Deployer& deployer, Call& call, const Shelf<Resource>& shelf,
                    const std::string& name, const Resource& update, const std::string& etag,
                    const Request& request, Make make, Put put) {
  call.audit.resource = name;
  return deployer.Mutate(call, request.validate_only(), [&](Change& change) {
    const Resource* stored = (change.*shelf.find)(name);
    if (stored == nullptr) {
      return request.allow_missing() ? make(change) : ResourceMissing(shelf.type, name);
    }
    TG_RETURN_IF_ERROR(MayChange(call, *stored, etag, request.force()));
    Resource merged = *stored;
    TG_RETURN_IF_ERROR(ApplyMask(update, request.update_mask(), &merged));
    return put(change, std::move(merged));
  });
}

// `erase(change)` where it is there.
template <typename Resource, typename Request, typename Erase>
Status DeleteStored(Deployer& deployer, Call& call, const Shelf<Resource>& shelf,
                    const Request& request, Erase erase) {
  const std::string& name = request.name();
  call.audit.resource = name;
  TG_RETURN_IF_ERROR(RequestName(shelf.kind, "name", name).status());
  return deployer.Mutate(call, request.validate_only(), [&](Change& change) {
    const Resource* stored = (change.*shelf.find)(name);
    if (stored == nullptr) {
      return request.allow_missing() ? OkStatus() : ResourceMissing(shelf.type, name);
    }
    TG_RETURN_IF_ERROR(MayChange(call, *stored, request.etag(), request.force()));
    return erase(change);
  });
}

}  // namespace tidegate::admin
