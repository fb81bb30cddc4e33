// EXPECT_TRUE(IsOk(result)): a failing test shows why the call was refused, not only that it was.
#pragma once

#include <gtest/gtest.h>

#include "server/base/status.h"

namespace tidegate {

inline ::testing::AssertionResult IsOk(const Status& status) {
  if (status.ok()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << MessageOf(status);
}

template <typename T>
::testing::AssertionResult IsOk(const StatusOr<T>& result) {
  return IsOk(result.status());
}

// Of gRPC.
template <typename S>
  requires requires(const S& status) { status.error_message(); }
::testing::AssertionResult IsOk(const S& status) {
  if (status.ok()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << status.error_message();
}

}  // namespace tidegate
