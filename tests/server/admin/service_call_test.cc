// What every admin call goes through, whatever it does.
#include "server/admin/service_call.h"

#include <condition_variable>
#include <thread>

#include "tests/server/admin/admin_fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::admin {
namespace {

using ServiceCallTest = AdminTest;

TEST_F(ServiceCallTest, RepeatedWhileItIsUnderWay_waitsForTheAnswer) {
  v1::CreateApiRequest request;
  *request.mutable_api() = FromYaml<cfg::Api>(kOrders);
  request.set_request_id("0b9e24f8-55a4-4ad5-8d0c-0f6f6a3b9a03");
  std::mutex mutex;
  std::condition_variable changed;
  int begun = 0;
  bool hurried_told = false;
  const auto operation = [&](Call& call, cfg::Api& api) {
    std::unique_lock lock(mutex);
    ++begun;
    changed.notify_all();
    changed.wait(lock, [&] { return hurried_told; });
    // Time for another to begin, where it is not kept from it.
    changed.wait_for(lock, std::chrono::milliseconds(300), [&] { return begun > 1; });
    return CreateApi(*deployer_, call, request, api);
  };
  cfg::Api answers[2];
  Status said[2];
  std::thread threads[2];
  for (int i = 0; i < 2; ++i) {
    threads[i] = std::thread([&, i] {
      Call call("CreateApi");
      said[i] = runner_.Run(call, request, answers[i], [&] { return operation(call, answers[i]); });
    });
  }
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return begun > 0; });
  }
  Call hurried("CreateApi", std::chrono::milliseconds(1));
  cfg::Api none;
  const Status late = runner_.Run(hurried, request, none, [&] { return operation(hurried, none); });
  EXPECT_EQ(late.code(), StatusCode::kDeadlineExceeded) << MessageOf(late);
  {
    const std::lock_guard lock(mutex);
    hurried_told = true;
    changed.notify_all();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(IsOk(said[0]));
  EXPECT_TRUE(IsOk(said[1]));
  EXPECT_EQ(answers[0].SerializeAsString(), answers[1].SerializeAsString());
  EXPECT_EQ(begun, 1);
}

}  // namespace
}  // namespace tidegate::admin
