#include "connectors/rabbitmq/connection.h"

#include <vector>

#include "connectors/rabbitmq/names.h"
#include "server/net/dial.h"

namespace tidegate::rabbitmq {
namespace {

using std::chrono::milliseconds;

Protocol::Login LoginOf(const RabbitmqConfig& config, const std::string& name) {
  Protocol::Login login;
  login.username = config.username;
  login.password = config.password;
  login.vhost = config.vhost;
  login.connection_name = name;
  login.heartbeat_s = static_cast<std::uint16_t>(config.heartbeat.count());
  return login;
}

milliseconds Left(TimePoint deadline) {
  return std::chrono::ceil<milliseconds>(deadline - Clock::now());
}

}  // namespace

Connection::Connection(net::Worker& worker, SharedPtr shared, net::ByteStreamPtr stream,
                       std::string name, ConnectionUser* user)
    : worker_(worker), shared_(std::move(shared)), stream_(std::move(stream)),
      name_(std::move(name)), user_(user), protocol_(LoginOf(shared_->config, name_), *this),
      reply_(worker), resume_(worker), last_read_(Clock::now()), last_write_(last_read_) {}

Connection::~Connection() {
  if (blocked_) shared_->monitor->Blocked(false, "gone");
}

Task<StatusOr<ConnectionPtr>> Connection::Open(net::Worker& worker, SharedPtr shared,
                                               std::string name, ConnectionUser* user,
                                               TimePoint deadline) {
  auto tcp = co_await net::Dial(worker, shared->config.host, shared->config.port, deadline);
  if (!tcp.ok()) co_return tcp.status();
  auto stream = co_await Secure(worker, shared, std::move(*tcp), deadline);
  if (!stream.ok()) co_return stream.status();
  co_return co_await Login(worker, shared, std::move(*stream), std::move(name), user, deadline);
}

Task<StatusOr<net::ByteStreamPtr>> Connection::Secure(net::Worker& worker, SharedPtr shared,
                                                      net::ByteStreamPtr tcp,
                                                      TimePoint deadline) {
  if (!shared->tls) co_return std::move(tcp);
  std::string host = shared->config.host;
  co_return co_await shared->tls->Connect(worker, std::move(tcp), std::move(host), deadline);
}

Task<StatusOr<ConnectionPtr>> Connection::Login(net::Worker& worker, SharedPtr shared,
                                                net::ByteStreamPtr stream, std::string name,
                                                ConnectionUser* user, TimePoint deadline) {
  auto made = std::make_shared<Connection>(worker, shared, std::move(stream), std::move(name),
                                           user);
  made->protocol_.Start();
  made->Flush();
  worker.Spawn("rabbitmq.read", Read(made));
  Status status = co_await made->Await("log in to rabbitmq", Left(deadline));
  if (!status.ok()) {
    made->Detach();
    made->Abort();
    co_return status;
  }
  co_return std::move(made);
}

std::size_t Connection::unsent() const {
  return sending_.size() - sent_ + protocol_.pending();
}

Task<void> Connection::Read(Ptr self) {
  std::vector<char> buffer(kReadBytes);
  while (!self->over_) {
    if (self->paused_ && !self->awaiting_) {
      co_await self->resume_.Wait();
      continue;
    }
    const net::IoResult result = co_await self->stream_->ReadSome(std::span<char>(buffer));
    if (self->over_) break;
    if (result.ec) {
      self->Fail(MakeError(ErrorClass::kConnectionClosed,
                           "rabbitmq connection: " + result.ec.message()));
      break;
    }
    self->last_read_ = Clock::now();
    self->protocol_.Feed(std::span<const char>(buffer.data(), result.bytes));
    self->Flush();
  }
}

Task<Status> Connection::Await(std::string_view operation, milliseconds limit) {
  if (over_) co_return failure_;
  if (awaiting_) {  // a broker that delivers before it has answered makes two ask
    Fail(MakeError(ErrorClass::kConnectionClosed,
                   std::string(operation) + ": an earlier request was not answered yet"));
    co_return failure_;
  }
  awaiting_ = true;
  if (paused_) resume_.Set();
  channel_error_.reset();
  reply_.Reset();
  ScheduleFlush();
  const bool answered = limit > milliseconds(0) && co_await reply_.WaitFor(limit);
  awaiting_ = false;
  if (over_) co_return failure_;
  if (channel_error_) co_return ChannelError(operation, *channel_error_);
  if (!answered) {
    Status late =
        MakeError(ErrorClass::kConnectFailed, std::string(operation) + ": no answer in time");
    Fail(late);
    co_return late;
  }
  co_return OkStatus();
}

Task<Status> Connection::OpenChannel() {
  if (over_) co_return failure_;
  protocol_.OpenChannel();
  co_return co_await Await("open a channel of rabbitmq", kRequestDeadline);
}

Task<Status> Connection::SelectConfirms() {
  protocol_.SelectConfirms();
  co_return co_await Await("select confirms of rabbitmq", kRequestDeadline);
}

Task<Status> Connection::DeclareExchange(const ExchangeConfig& spec) {
  if (spec.declare == Declare::kNone || IsBrokersOwn(spec.name)) co_return OkStatus();
  protocol_.DeclareExchange(spec, spec.declare == Declare::kPassive);
  const std::string operation = "declare exchange " + spec.name;
  co_return co_await Await(operation, kRequestDeadline);
}

Task<Status> Connection::CheckExchange(const ExchangeConfig& spec) {
  protocol_.DeclareExchange(spec, true);
  const std::string operation = "look for exchange " + spec.name;
  co_return co_await Await(operation, kRequestDeadline);
}

Task<StatusOr<std::string>> Connection::DeclareQueue(const QueueSpec& spec) {
  protocol_.DeclareQueue(spec);
  const std::string operation = "declare queue " + spec.name;
  Status status = co_await Await(operation, kRequestDeadline);
  if (!status.ok()) co_return status;
  co_return reply_queue_;
}

Task<Status> Connection::BindQueue(std::string queue, std::string exchange,
                                   std::string routing_key, const Arguments& arguments) {
  protocol_.BindQueue(queue, exchange, routing_key, arguments);
  const std::string operation = "bind queue " + queue + " to exchange " + exchange;
  co_return co_await Await(operation, kRequestDeadline);
}

Task<Status> Connection::UnbindQueue(std::string queue, std::string exchange,
                                     std::string routing_key, const Arguments& arguments) {
  protocol_.UnbindQueue(queue, exchange, routing_key, arguments);
  const std::string operation = "unbind queue " + queue + " from exchange " + exchange;
  co_return co_await Await(operation, kRequestDeadline);
}

Task<Status> Connection::SetPrefetch(std::uint16_t count) {
  protocol_.SetPrefetch(count);
  co_return co_await Await("set the prefetch of rabbitmq", kRequestDeadline);
}

Task<Status> Connection::Consume(std::string queue) {
  protocol_.Consume(queue);
  const std::string operation = "consume queue " + queue;
  co_return co_await Await(operation, kRequestDeadline);
}

void Connection::Publish(std::string_view exchange, std::string_view routing_key, bool mandatory,
                         const Content& content) {
  protocol_.Publish(exchange, routing_key, mandatory, content);
  ScheduleFlush();
}

void Connection::Ack(std::uint64_t tag, bool multiple) {
  if (!channel_open()) return;
  protocol_.Ack(tag, multiple);
  ScheduleFlush();
}

void Connection::Nack(std::uint64_t tag, bool requeue) {
  if (!channel_open()) return;
  protocol_.Nack(tag, requeue);
  ScheduleFlush();
}

void Connection::PauseReading(bool paused) {
  if (paused_ == paused) return;
  paused_ = paused;
  last_read_ = Clock::now();  // silence counts from now on
  if (!paused) resume_.Set();
}

Task<void> Connection::Close() {
  Detach();
  const TimePoint deadline = Clock::now() + kCloseDeadline;
  PauseReading(false);
  if (channel_open() && !awaiting_) {
    protocol_.CloseChannel();
    const Status closed = co_await Await("close the channel", Left(deadline));
  }
  if (open() && !awaiting_) {
    protocol_.Close();
    const Status ended = co_await Await("close the connection", Left(deadline));
  }
  Abort();
}

void Connection::Abort() {
  Fail(MakeError(ErrorClass::kConnectionClosed, "rabbitmq connection: closed by the gateway"));
}

void Connection::OnOpen() {
  const int beat = protocol_.heartbeat_s();
  if (beat > 0) worker_.wheel().Arm(*this, milliseconds(beat * 500));
  reply_.Set();
}

void Connection::OnClosed(Status why) { Fail(std::move(why)); }

void Connection::OnBlocked(bool blocked, std::string_view reason) {
  if (blocked_ == blocked) return;
  blocked_ = blocked;
  shared_->monitor->Blocked(blocked, reason);
  if (user_ != nullptr) user_->OnBlocked(blocked);
}

void Connection::OnReply(const Method& method) {
  if (!awaiting_) return;
  if (method.id == MethodId::kQueueDeclareOk) reply_queue_ = method.queue;
  reply_.Set();
}

void Connection::OnChannelClosed(const CloseReason& reason) {
  if (awaiting_) {
    channel_error_ = reason;
    reply_.Set();
    return;
  }
  if (user_ != nullptr) user_->OnChannelLost(reason);
}

void Connection::OnConfirm(std::uint64_t tag, bool multiple, bool ack) {
  if (user_ != nullptr) user_->OnConfirm(tag, multiple, ack);
}

void Connection::OnReturn(const Returned& returned) {
  if (user_ != nullptr) user_->OnReturn(returned);
}

void Connection::OnDelivery(DeliveryPtr delivery) {
  if (user_ != nullptr) user_->OnDelivery(std::move(delivery));
}

void Connection::OnOversized(std::uint64_t tag) {
  if (user_ != nullptr) user_->OnOversized(tag);
}

void Connection::OnCancelled() {
  if (user_ != nullptr) user_->OnCancelled();
}

void Connection::ScheduleFlush() {
  if (flush_posted_ || over_) return;
  flush_posted_ = true;
  worker_.Post([self = shared_from_this()] {
    self->flush_posted_ = false;
    self->Flush();
  });
}

void Connection::Flush() {
  if (writing_) return;  // OnWritable goes on
  while (!over_) {
    if (sent_ == sending_.size()) {
      sending_.clear();
      sent_ = 0;
      if (sending_.capacity() > kOutKeptBytes) sending_.shrink_to_fit();
      std::swap(sending_, protocol_.out());
      if (sending_.empty()) return;
    }
    const asio::const_buffer rest(sending_.data() + sent_, sending_.size() - sent_);
    ErrorCode ec;
    const std::size_t taken = stream_->TryWrite(std::span(&rest, 1), ec);
    if (ec) {
      Fail(MakeError(ErrorClass::kConnectionClosed, "rabbitmq connection: " + ec.message()));
      return;
    }
    sent_ += taken;
    last_write_ = Clock::now();
    if (taken == 0) {
      writing_ = shared_from_this();
      stream_->NotifyWritable(*this);
      return;
    }
  }
}

void Connection::OnWritable(ErrorCode ec) {
  const Ptr self = std::move(writing_);
  writing_.reset();
  if (over_) return;
  if (ec) {
    Fail(MakeError(ErrorClass::kConnectionClosed, "rabbitmq connection: " + ec.message()));
    return;
  }
  Flush();
}

void Connection::OnTimer() {
  const auto beat = std::chrono::seconds(protocol_.heartbeat_s());
  const TimePoint now = Clock::now();
  if (!paused_ && now - last_read_ > 2 * beat) {
    Fail(MakeError(ErrorClass::kConnectionClosed,
                   "rabbitmq connection: no sign of life for " +
                       std::to_string(2 * beat.count()) + " s"));
    return;
  }
  if (now - last_write_ >= beat / 2 && !writing_) {
    protocol_.Heartbeat();
    Flush();
  }
  if (!over_) worker_.wheel().Arm(*this, milliseconds(beat.count() * 500));
}

void Connection::Fail(Status why) {
  if (over_) return;
  over_ = true;
  failure_ = std::move(why);
  WheelTimer::Cancel();
  // The close-ok that a closing broker waits for, if the kernel takes it at once.
  if (!writing_ && !protocol_.out().empty() && sent_ == sending_.size()) {
    const asio::const_buffer rest(protocol_.out().data(), protocol_.out().size());
    ErrorCode ec;
    stream_->TryWrite(std::span(&rest, 1), ec);
  }
  stream_->Close();
  reply_.Set();
  resume_.Set();
  if (user_ == nullptr) return;
  worker_.Post([self = shared_from_this()] {
    if (ConnectionUser* user = std::exchange(self->user_, nullptr)) user->OnLost(self->failure_);
  });
}

}  // namespace tidegate::rabbitmq
