// Resources from the server: one, or all pages of a list.
//
// Thread: main. Fails: reported, answered as an exit code.
#pragma once

#include <memory>
#include <vector>

#include <google/protobuf/message.h>

#include "sidecar/ctl/output.h"

namespace tidegate::ctl {

// What was fetched; items point into messages.
struct Fetched {
  std::vector<std::unique_ptr<google::protobuf::Message>> messages;
  std::vector<Item> items;
  bool missing = false;  // NOT_FOUND, with --ignore-not-found

  void Add(std::string name, std::unique_ptr<google::protobuf::Message> message);
};

// One resource, or the list that the target means.
int Fetch(Context& context, const Target& target, Fetched& fetched);

}  // namespace tidegate::ctl
