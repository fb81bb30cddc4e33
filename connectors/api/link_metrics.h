// What every connector counts of its connections, under the same names.
//
// Thread: any. Owner: the registry, for the life of the process.
#pragma once

#include <string>

#include "server/telemetry/metrics.h"

namespace tidegate::connectors {

// Of one endpoint; `name` and `value` (both or none): one more label, whose values are few.
telemetry::Labels LinkLabels(const std::string& api, const std::string& endpoint,
                             const char* name = nullptr, const char* value = nullptr);
// `outcome`: reached, failed, lost.
telemetry::Counter& LinkChanges(const std::string& api, const std::string& endpoint,
                                const char* outcome);
telemetry::Gauge& LinkClients(const std::string& api, const std::string& endpoint);

}  // namespace tidegate::connectors
