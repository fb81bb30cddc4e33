// The part of a reader of *each* that lives on a subscriber's worker: it takes one post per batch
// from the reader's home and hands the frames to the subscribers here.
//
// Thread: its worker only. Owner: shared_ptr held by seats, by posts under way, and by the reader.
// Fails: never; a reader that ends calls EndAll.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "server/flow/delivery_rate.h"
#include "server/flow/frame.h"
#include "server/flow/lanes.h"
#include "server/flow/subscriber.h"
#include "server/net/worker.h"

namespace tidegate::flow {

class EachReader;
class EachSeat;

// Consecutive messages of the live reader, encoded for every encoding that has live subscribers.
struct LiveBatch {
  struct Item {
    std::uint32_t lane = 0;
    std::int64_t offset = -1;
  };
  std::uint64_t first = 0;  // sequence number of items[0]
  std::vector<Item> items;
  std::vector<std::uint32_t> encodings;  // the columns of `frames`
  std::vector<FramePtr> frames;          // items × encodings, row by row

  std::uint64_t end() const { return first + items.size(); }
};
using LiveBatchPtr = std::shared_ptr<const LiveBatch>;

class EachFan final : public std::enable_shared_from_this<EachFan>, private net::WheelTimer {
 public:
  EachFan(std::shared_ptr<EachReader> reader, net::Worker& worker);
  ~EachFan() override;

  net::Worker& worker() { return worker_; }
  EachReader& reader() { return *reader_; }
  const LaneNames& names() const { return *names_; }

  // From the home worker, in the order in which it did things. An id that is gone is ignored.
  void Placed(std::uint64_t id, const Status& status, Offsets at, LaneNamesPtr names);
  void Deliver(std::uint64_t id, std::vector<FramePtr> frames, LaneNamesPtr names);
  // From sequence number `next` on the seat follows the live reader, whose position is then `at`.
  void GoLive(std::uint64_t id, std::uint32_t encoding, std::uint64_t next, const Offsets& at);
  void Take(LiveBatchPtr batch, LaneNamesPtr names);
  void Gap(std::uint64_t id, std::uint64_t count);  // 0: nobody knows how many
  void End(std::uint64_t id, EndReason reason, const Status& status);
  void EndAll(EndReason reason, const Status& status);

  // From seats.
  void Add(EachSeat& seat);
  void Remove(EachSeat& seat);
  void LeaveLive(EachSeat& seat);

 private:
  // Live seats that want to be written to at the same moments.
  struct Window {
    explicit Window(net::Worker& worker) : timer(worker.context()) {}
    bool adaptive = false;
    std::chrono::milliseconds delay{0};
    Offsets at;  // the live position before `pending`
    std::vector<EachSeat*> seats;  // null: left during a dispatch
    std::vector<LiveBatchPtr> pending;
    std::size_t pending_items = 0;
    bool timer_runs = false;
    Timer timer;
  };
  using WindowPtr = std::shared_ptr<Window>;

  Window& WindowFor(EachSeat& seat, const Offsets& at);
  void Dispatch(Window& window);
  void DispatchLater(const WindowPtr& window, std::chrono::milliseconds delay);
  void NotePositions();
  void OnTimer() override { NotePositions(); }
  EachSeat* Find(std::uint64_t id);
  void SetNames(LaneNamesPtr names);

  const std::shared_ptr<EachReader> reader_;
  net::Worker& worker_;
  std::unordered_map<std::uint64_t, EachSeat*> seats_;
  std::vector<WindowPtr> windows_;
  LaneNamesPtr names_;
  DeliveryRate rate_;
};

}  // namespace tidegate::flow
