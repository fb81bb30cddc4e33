// The write side of a streaming consumer, on a memory stream.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/limits.h"
#include "server/flow/stream_session.h"
#include "server/net/memory_stream.h"
#include "tests/server/flow/readers/fakes.h"

namespace tidegate::flow {
namespace {

class FakeSeat final : public Attachment {
 public:
  std::string Id() const override { return {}; }
  const connectors::Position& position() const override { return position_; }
  void OnRoom() override { ++rooms; }
  void OnWritten(const FramePtr& frame) override { written.emplace_back(frame->bytes()); }
  bool caught_up() const override { return true; }
  int rooms = 0;
  std::vector<std::string> written;

 private:
  connectors::Position position_;
};

class StreamSessionTest : public testing::Test {
 protected:
  StreamSessionTest()
      : worker_(0, 0), pair_(net::MemoryStream::MakePair(worker_.executor(), 1024)),
        now_(Clock::now()) {}
  ~StreamSessionTest() override {
    session_.reset();
    Turn();
  }

  StreamSession& Open(StreamOptions options = StreamOptions()) {
    session_ = std::make_unique<StreamSession>(*pair_.first, worker_, std::move(options));
    return *session_;
  }
  void Turn() {
    worker_.context().restart();
    worker_.context().poll();
  }
  // Everything that is armed fires once, whatever it waits for.
  void Fire(int times = 1) {
    for (; times > 0; --times) {
      now_ += std::chrono::hours(1);
      worker_.wheel().Advance(now_);
      Turn();
    }
  }
  // What the client reads now.
  std::string Read(std::size_t max = 1 << 20) {
    std::string text;
    struct Local {
      static Task<void> Run(net::ByteStream& stream, std::string& text, std::size_t max) {
        std::string buffer(max, '\0');
        const IoSpan span(buffer.data(), buffer.size());
        const net::IoResult result = co_await stream.ReadSome(span);
        text.assign(buffer, 0, result.bytes);
      }
      using IoSpan = std::span<char>;
    };
    if (pair_.second->readable() == 0) return text;
    worker_.Spawn("read", Local::Run(*pair_.second, text, max));
    Turn();
    return text;
  }
  // Runs Wait() in the background.
  void StartWait() {
    struct Local {
      static Task<void> Run(StreamSession& session, StreamSessionTest& test) {
        co_await session.Wait();
        const EndReason reason = session.reason();
        test.ended_ = true;
        test.reason_ = reason;
      }
    };
    worker_.Spawn("wait", Local::Run(*session_, *this));
    Turn();
  }
  static FramePtr Frame(std::string_view text) { return FramePtr::Make(text, Place(0, 0, 1)); }

  net::Worker worker_;
  net::MemoryStream::Pair pair_;
  std::unique_ptr<StreamSession> session_;
  FakeSeat seat_;
  TimePoint now_;
  bool ended_ = false;
  EndReason reason_ = EndReason::kCompleted;
};

TEST_F(StreamSessionTest, nothing_is_written_before_the_attachment_is_known) {
  StreamSession& session = Open();
  EXPECT_TRUE(session.Push(Frame("a")));
  session.Flush();
  EXPECT_EQ(Read(), "");
  session.SetAttachment(&seat_);
  EXPECT_EQ(Read(), "a");
  EXPECT_EQ(seat_.written, std::vector<std::string>{"a"});
}

TEST_F(StreamSessionTest, a_batch_goes_out_in_one_piece_and_in_order) {
  StreamSession& session = Open();
  session.SetAttachment(&seat_);
  for (int i = 0; i < 100; ++i) session.Push(Frame(std::to_string(i % 10)));
  EXPECT_EQ(Read(), "");
  session.Flush();
  EXPECT_EQ(Read().size(), 100u);
  EXPECT_EQ(session.frames_written(), 100u);
  EXPECT_EQ(session.bytes_written(), 100u);
}

TEST_F(StreamSessionTest, a_partial_write_goes_on_where_it_stopped) {
  StreamSession& session = Open();
  session.SetAttachment(&seat_);
  const std::string large(3000, 'x');
  session.Push(Frame(large));
  session.Push(Frame("end"));
  session.Flush();
  EXPECT_TRUE(seat_.written.empty());
  std::string got;
  for (int i = 0; i < 10; ++i) {
    got += Read(700);
    Turn();
  }
  EXPECT_EQ(got, large + "end");
  EXPECT_EQ(seat_.written.size(), 2u);
}

TEST_F(StreamSessionTest, the_queue_is_bounded_and_room_is_told_at_half) {
  StreamSession& session = Open();
  session.SetAttachment(&seat_);
  const std::string text(1024, 'x');
  std::size_t queued = 0;
  while (session.Push(Frame(text))) ++queued;
  EXPECT_EQ(queued, kStreamQueueBytes / 1024);
  EXPECT_EQ(session.Demand(), 0u);
  session.Flush();
  EXPECT_EQ(seat_.rooms, 0);
  while (session.frames_written() < queued / 2 - 2) {
    Read();
    Turn();
  }
  EXPECT_EQ(seat_.rooms, 0);
  while (session.frames_written() < queued) {
    Read();
    Turn();
  }
  EXPECT_EQ(seat_.rooms, 1);
}

TEST_F(StreamSessionTest, frames_are_bounded_by_number_too) {
  StreamSession& session = Open();
  std::size_t queued = 0;
  while (session.Push(Frame("x"))) ++queued;
  EXPECT_EQ(queued, kStreamQueueFrames);
}

TEST_F(StreamSessionTest, a_smaller_buffer_is_full_sooner_and_what_is_lost_is_counted) {
  telemetry::Registry registry;
  StreamOptions options;
  options.queue_bytes = 100;
  options.gap = FramePtr::Make("gap");
  options.dropped = &registry.GetCounter("dropped", "");
  StreamSession& session = Open(std::move(options));
  std::size_t queued = 0;
  while (session.Push(Frame("0123456789"))) ++queued;
  EXPECT_EQ(queued, 10u);
  EXPECT_EQ(session.backlog().messages, 10u);
  EXPECT_EQ(session.backlog().bytes, 100u);
  EXPECT_EQ(session.backlog().paused, 1u) << "its reader was told that it is full";
  EXPECT_EQ(session.MakeRoom(25), 3u);
  session.OnGap(3);
  EXPECT_EQ(registry.GetCounter("dropped", "").Value(), 3u);
  session.SetAttachment(&seat_);
  EXPECT_EQ(Read().substr(0, 13), "gap0123456789");
}

TEST_F(StreamSessionTest, a_frame_larger_than_the_queue_passes_alone) {
  StreamSession& session = Open();
  EXPECT_TRUE(session.Push(Frame(std::string(kStreamQueueBytes + 1, 'x'))));
  EXPECT_FALSE(session.Push(Frame("x")));
}

TEST_F(StreamSessionTest, make_room_drops_the_oldest_but_not_what_was_begun) {
  StreamOptions options;
  options.gap = FramePtr::Make("<gap>");
  StreamSession& session = Open(std::move(options));
  session.SetAttachment(&seat_);
  const std::string begun(1500, 'b');
  session.Push(Frame(begun));
  session.Flush();  // blocked in the middle of it
  std::size_t queued = 0;
  while (session.Push(Frame("frame" + std::to_string(queued)))) ++queued;
  EXPECT_EQ(session.MakeRoom(6), 1u);
  session.OnGap(1);
  EXPECT_EQ(session.MakeRoom(9), 1u);  // the gap event took the place
  session.OnGap(1);
  EXPECT_TRUE(session.Push(Frame("new")));
  std::string got;
  for (int i = 0; i < 40; ++i) {
    got += Read();
    Turn();
  }
  const std::string expected = begun + "<gap>frame2frame3";
  EXPECT_EQ(got.substr(0, expected.size()), expected);
  EXPECT_EQ(got.substr(got.size() - 3), "new");
  EXPECT_EQ(got.find("<gap>", begun.size() + 5), std::string::npos);
}

TEST_F(StreamSessionTest, heartbeat_only_after_an_idle_interval) {
  StreamOptions options;
  options.heartbeat = FramePtr::Make(":\n");
  options.heartbeat_interval = std::chrono::milliseconds(2000);
  StreamSession& session = Open(std::move(options));
  session.SetAttachment(&seat_);
  Fire(2);  // a timer fires four times in an interval
  session.Push(Frame("a"));
  session.Flush();
  EXPECT_EQ(Read(), "a");
  Fire(4);  // the first sees the write
  EXPECT_EQ(Read(), "");
  Fire();
  EXPECT_EQ(Read(), ":\n");
  Fire(3);
  EXPECT_EQ(Read(), "");
}

TEST_F(StreamSessionTest, a_client_that_takes_nothing_is_ended_as_slow) {
  StreamSession& session = Open();
  session.SetAttachment(&seat_);
  StartWait();
  session.Push(Frame(std::string(5000, 'x')));
  session.Flush();
  Fire(3);
  Read(500);  // some progress
  Turn();
  Fire(4);
  EXPECT_FALSE(ended_);
  Fire();
  EXPECT_TRUE(ended_);
  EXPECT_EQ(reason_, EndReason::kSlow);
  EXPECT_FALSE(session.Push(Frame("x")));
}

TEST_F(StreamSessionTest, a_closed_connection_ends_it) {
  StreamSession& session = Open();
  session.SetAttachment(&seat_);
  StartWait();
  pair_.second->Close();
  session.Push(Frame("x"));
  session.Flush();
  Turn();
  EXPECT_TRUE(ended_);
  EXPECT_EQ(reason_, EndReason::kClientGone);
  EXPECT_TRUE(seat_.written.empty());
}

TEST_F(StreamSessionTest, the_end_wakes_the_waiter_by_a_post) {
  StreamSession& session = Open();
  session.SetAttachment(&seat_);
  StartWait();
  session.OnEnd(EndReason::kGoaway, OkStatus());
  EXPECT_FALSE(ended_);
  Turn();
  EXPECT_TRUE(ended_);
  EXPECT_EQ(reason_, EndReason::kGoaway);
}

TEST_F(StreamSessionTest, finish_writes_the_rest_and_the_last_frame) {
  StreamSession& session = Open();
  session.SetAttachment(&seat_);
  session.Push(Frame(std::string(3000, 'x')));
  session.Flush();
  session.Stop(EndReason::kGoaway, OkStatus());
  bool done = false;
  struct Local {
    static Task<void> Run(StreamSession& session, bool& done) {
      co_await session.Finish("bye", std::chrono::milliseconds(1000));
      done = true;
    }
  };
  worker_.Spawn("finish", Local::Run(session, done));
  std::string got;
  for (int i = 0; i < 10; ++i) {
    Turn();
    got += Read();
  }
  EXPECT_TRUE(done);
  EXPECT_EQ(got.size(), 3003u);
  EXPECT_EQ(got.substr(3000), "bye");
}

TEST_F(StreamSessionTest, finish_gives_up_at_its_limit) {
  StreamSession& session = Open();
  session.SetAttachment(&seat_);
  session.Push(Frame(std::string(3000, 'x')));
  session.Flush();
  bool done = false;
  struct Local {
    static Task<void> Run(StreamSession& session, bool& done) {
      co_await session.Finish("bye", std::chrono::milliseconds(500));
      done = true;
    }
  };
  worker_.Spawn("finish", Local::Run(session, done));
  Turn();
  EXPECT_FALSE(done);
  Fire();
  EXPECT_TRUE(done);
}

TEST_F(StreamSessionTest, own_frames_are_not_reported_to_the_reader) {
  StreamSession& session = Open();
  EXPECT_TRUE(session.SendOwn(FramePtr::Make("pong")));
  EXPECT_EQ(Read(), "pong");
  EXPECT_EQ(session.frames_written(), 0u);
}

TEST_F(StreamSessionTest, without_attachment_queued_frames_are_dropped_not_sent) {
  StreamSession& session = Open();
  session.SetAttachment(&seat_);
  session.Push(Frame("never reported"));
  session.SetAttachment(nullptr);
  EXPECT_EQ(Read(), "");
}

}  // namespace
}  // namespace tidegate::flow
