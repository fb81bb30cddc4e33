#include "connectors/mqtt5/client_id.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/base/codec.h"

namespace tidegate::mqtt5 {
namespace {

std::unique_ptr<IdLease> Take(const std::string& base) {
  bool again = false;
  return AcquireId(base, again);
}

TEST(ClientId, is_the_same_for_the_same_group_and_differs_otherwise) {
  const std::vector<std::string> topics = {"a/#"};
  const std::vector<std::string> others = {"b/#"};
  const std::string id = GroupIdBase("api", "tidegate.api.e.c", topics, "pod-1");
  EXPECT_EQ(id, GroupIdBase("api", "tidegate.api.e.c", topics, "pod-1"));
  EXPECT_NE(id, GroupIdBase("api", "tidegate.api.e.d", topics, "pod-1"));
  EXPECT_NE(id, GroupIdBase("api", "tidegate.api.e.c", others, "pod-1"));
  EXPECT_NE(id, GroupIdBase("api", "tidegate.api.e.c", topics, "pod-2"));
  EXPECT_LE(GroupIdBase(std::string(500, 'a'), "g", topics, std::string(500, 'p')).size(), 128U);
  EXPECT_NE(RandomId("api"), RandomId("api"));
}

TEST(ClientId, the_lowest_free_slot_is_taken_and_comes_back) {
  const std::string base = "test-" + RandomToken(6);
  auto first = Take(base);
  auto second = Take(base);
  EXPECT_EQ(first->id(), base);
  EXPECT_EQ(second->id(), base + "-1");
  EXPECT_EQ(second->slot(), 1U);
  first.reset();
  EXPECT_EQ(Take(base)->id(), base);
}

TEST(ClientId, one_that_closes_is_waited_for) {
  const std::string base = "test-" + RandomToken(6);
  auto first = Take(base);
  first->Closing();
  bool again = false;
  EXPECT_EQ(AcquireId(base, again), nullptr);
  EXPECT_TRUE(again);
  first.reset();
  EXPECT_EQ(Take(base)->id(), base);
}

TEST(ClientId, the_lowest_slot_knows_whether_others_go_on) {
  const std::string base = "test-" + RandomToken(6);
  auto first = Take(base);
  EXPECT_FALSE(first->HasCompany());
  auto second = Take(base);
  auto stranger = Take(base + "-other");
  EXPECT_TRUE(first->HasCompany());
  EXPECT_FALSE(second->HasCompany());
  second->Closing();
  EXPECT_FALSE(first->HasCompany());
  second.reset();
  EXPECT_FALSE(first->HasCompany());
}

TEST(ClientId, another_process_of_the_machine_holds_its_slot_until_it_ends) {
  const std::string base = "test-" + RandomToken(6);
  int ready[2];
  int stop[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(stop), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(stop[1]);
    const auto held = Take(base);
    char byte = held && held->slot() == 0 ? 'y' : 'n';
    (void)!write(ready[1], &byte, 1);
    (void)!read(stop[0], &byte, 1);  // until the parent closes its end
    _exit(0);
  }
  close(stop[0]);
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  EXPECT_EQ(Take(base)->slot(), 1U);
  close(stop[1]);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(Take(base)->slot(), 0U);
  close(ready[0]);
  close(ready[1]);
}

TEST(ClientId, residue_is_handed_to_the_next_holder_once) {
  const std::string base = "test-" + RandomToken(6);
  {
    auto lease = Take(base);
    EXPECT_FALSE(lease->TakeResidue().known);
    Residue residue;
    residue.known = true;
    residue.handed_over = {4, 5};
    lease->LeaveResidue(std::move(residue));
  }
  auto lease = Take(base);
  const Residue residue = lease->TakeResidue();
  EXPECT_TRUE(residue.known);
  EXPECT_EQ(residue.handed_over.size(), 2U);
  EXPECT_FALSE(lease->TakeResidue().known);
}

}  // namespace
}  // namespace tidegate::mqtt5
