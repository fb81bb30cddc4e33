// The suites; an *_instances.cc says which connectors each runs for.
#pragma once

#include "tests/connectors/conformance/harness.h"

namespace tidegate::connectors::conformance {

class SourceContract : public ConformanceTest {};    // every connector that can be read
class PositionContract : public ConformanceTest {};  // sources have positions (RECOVER)
class SinkContract : public ConformanceTest {};      // every connector that can be published to
class LoopContract : public ConformanceTest {};      // what is published can be read
class LogContract : public ConformanceTest {};       // … from any position of a log
class LiveContract : public ConformanceTest {};      // … from now on only (no RECOVER)
class GroupContract : public ConformanceTest {};     // can share by groups, with manual acks
class ShareContract : public ConformanceTest {};     // two members of one group at once share
class FaultContract : public ConformanceTest {};     // its broker can be cut off
// … at each step of the protocol, by a proxy
class StepContract : public ConformanceTest {
 protected:
  void Live(const std::string& what);
  void CutEach(faults::How how, std::size_t steps_max);

 private:
  int number_ = 0;
};
class SecretContract : public ConformanceTest {};    // its broker can refuse a password

inline std::string NameOfKind(const ::testing::TestParamInfo<Kind>& info) {
  return info.param.name;
}

// Everything that a broker with queues and without a log has to pass.
#define TIDEGATE_CONFORMANCE_OF_QUEUES(prefix, kind)                                             \
  INSTANTIATE_TEST_SUITE_P(prefix, SourceContract, ::testing::Values(kind), NameOfKind);         \
  INSTANTIATE_TEST_SUITE_P(prefix, SinkContract, ::testing::Values(kind), NameOfKind);           \
  INSTANTIATE_TEST_SUITE_P(prefix, LoopContract, ::testing::Values(kind), NameOfKind);           \
  INSTANTIATE_TEST_SUITE_P(prefix, LiveContract, ::testing::Values(kind), NameOfKind);           \
  INSTANTIATE_TEST_SUITE_P(prefix, GroupContract, ::testing::Values(kind), NameOfKind);          \
  INSTANTIATE_TEST_SUITE_P(prefix, FaultContract, ::testing::Values(kind), NameOfKind);          \
  INSTANTIATE_TEST_SUITE_P(prefix, StepContract, ::testing::Values(kind), NameOfKind);           \
  INSTANTIATE_TEST_SUITE_P(prefix, SecretContract, ::testing::Values(kind), NameOfKind)

}  // namespace tidegate::connectors::conformance
