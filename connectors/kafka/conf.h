// KafkaConfig as the library's settings: the one table of what we set and why.
//
// Thread: pure functions. Fails: ConfigInvalid with the library's text when it refuses a setting.
#pragma once

#include <cstdint>
#include <string>

#include "connectors/kafka/kafka_config.h"
#include "connectors/kafka/rd_types.h"

namespace tidegate::kafka {

class Monitor;

enum class Role : std::uint8_t {
  kProducer,
  kEach,   // a consumer without group: readers of each, admin calls, look-ups
  kGroup,  // a member of a consumer group
};

struct ConfSpec {
  Role role = Role::kEach;
  std::string group;                // kGroup
  Reset reset = Reset::kNone;       // kGroup: where the group has no position
  bool latest = false;              // kGroup: latest, whatever `reset` says
  Monitor* monitor = nullptr;       // gets errors; must outlive the client
  std::string chain_path;           // of the client's certificates, see memory_file.h
};

// The callback of a group's consumer (source_group.cc); `opaque` is that of rd_kafka_opaque.
using RebalanceFunction = void (*)(rd_kafka_t*, int code, rd_kafka_topic_partition_list_t*, void*);

// What rd_kafka_opaque() of our clients points to.
struct ClientOpaque {
  Monitor* monitor = nullptr;
  RebalanceFunction rebalance = nullptr;
  void* rebalance_target = nullptr;
};

// The caller owns the result (rd_kafka_new or rd_kafka_conf_destroy takes it); `opaque` must
// outlive the client.
StatusOr<rd_kafka_conf_t*> MakeConf(const KafkaConfig& config, const ConfSpec& spec,
                                    ClientOpaque* opaque);
// Whether the library accepts everything for every role that `config` uses; opens nothing.
Status CheckConf(const KafkaConfig& config);

}  // namespace tidegate::kafka
