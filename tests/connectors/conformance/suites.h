// The suites; an *_instances.cc says which connectors each runs for.
#pragma once

#include "tests/connectors/conformance/harness.h"

namespace tidegate::connectors::conformance {

class SourceContract : public ConformanceTest {};  // every connector that can be read
class SinkContract : public ConformanceTest {};    // every connector that can be published to
class LoopContract : public ConformanceTest {};    // what is published can be read
class GroupContract : public ConformanceTest {};   // can share by groups, with manual acks
class FaultContract : public ConformanceTest {};   // its broker can be cut off

inline std::string NameOfKind(const ::testing::TestParamInfo<Kind>& info) {
  return info.param.name;
}

}  // namespace tidegate::connectors::conformance
