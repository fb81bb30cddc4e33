// The rules that can be judged without a gateway, over documents as they were read: each by itself,
// then together; every violation with its file, line and column.
// Thread: pure. Fails: by violations.
#pragma once

#include <vector>

#include "server/config/yaml_reader.h"

namespace tidegate::model {

// What the documents refer to and do not hold may be at the gateway already.
void ValidateDocuments(const std::vector<config::Document>& documents,
                       config::Violations& violations);

}  // namespace tidegate::model
