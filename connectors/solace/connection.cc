#include "connectors/solace/connection.h"

#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/connection_driver.h>
#include <proton/link.h>
#include <proton/sasl.h>
#include <proton/session.h>
#include <proton/terminus.h>
#include <proton/transport.h>

#include <algorithm>
#include <array>

#include "connectors/solace/condition.h"
#include "connectors/solace/limits.h"
#include "connectors/solace/open_properties.h"
#include "server/base/check.h"
#include "server/base/strings.h"

namespace tidegate::solace {
namespace {

using std::chrono::milliseconds;

std::int64_t NowMs() {
  return std::chrono::duration_cast<milliseconds>(Clock::now().time_since_epoch()).count() + 1;
}

LinkListener* ListenerOf(pn_link_t* link) {
  return static_cast<LinkListener*>(pn_link_get_context(link));
}

void FreeLink(pn_link_t* link) {
  pn_session_t* session = pn_link_session(link);
  pn_session_close(session);
  pn_session_free(session);  // with its one link; what has to be said is said all the same
}

}  // namespace

struct Connection::Engine {
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() {
    if (driver.transport != nullptr) pn_connection_driver_destroy(&driver);
  }
  pn_connection_driver_t* get() { return &driver; }

  pn_connection_driver_t driver{};
};

Connection::Connection(SharedPtr shared, net::Worker& worker, std::string container)
    : shared_(std::move(shared)), worker_(worker), container_(std::move(container)),
      engine_(std::make_unique<Engine>()), changed_(worker), drained_(worker) {
  if (shared_->config.addressing == Addressing::kRabbitmq) {
    topic_prefix_ = "/topic/";
    queue_prefix_ = "/amq/queue/";
  } else if (shared_->config.addressing == Addressing::kBrokerj) {
    topic_prefix_ = "amq.topic/";
    queue_prefix_.clear();
  }
}

Connection::~Connection() {
  closing_ = true;
  Gone(Cancelled("the connection is not needed any more"));
}

std::string Connection::Where() const {
  return "connect to solace " + shared_->config.host + ":" + std::to_string(shared_->config.port);
}

Task<Status> Connection::Handshake(net::ByteStreamPtr stream, TimePoint deadline) {
  stream_ = std::move(stream);
  SetUpEngine();
  worker_.Spawn("solace.read", ReadLoop(shared_from_this()));
  Pump();
  while (!open_ && !gone_) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left <= milliseconds(0)) {
      Gone(MakeError(ErrorClass::kConnectFailed,
                     Where() + ": the broker did not open the connection in time"));
      break;
    }
    co_await changed_.WaitFor(left);
  }
  if (!open()) co_return status_;
  co_return OkStatus();
}

void Connection::SetUpEngine() {
  const SolaceConfig& config = shared_->config;
  pn_connection_driver_t* driver = engine_->get();
  TG_CHECK(pn_connection_driver_init(driver, nullptr, nullptr) == 0);
  pn_connection_set_container(driver->connection, container_.c_str());
  pn_connection_set_hostname(driver->connection, config.vpn.c_str());
  pn_transport_set_max_frame(driver->transport, kFrameBytes);
  pn_transport_set_idle_timeout(driver->transport, milliseconds(kIdleTimeout).count());
  pn_sasl_t* sasl = pn_sasl(driver->transport);
  if (config.username.empty()) {
    pn_sasl_allowed_mechs(sasl, "ANONYMOUS");
  } else {
    pn_connection_set_user(driver->connection, config.username.c_str());
    pn_connection_set_password(driver->connection, config.password.c_str());
    pn_sasl_allowed_mechs(sasl, "PLAIN");
  }
  // TLS is ours: the engine believes that the wire is open, and what PLAIN may is our decision.
  pn_sasl_set_allow_insecure_mechs(sasl, true);
  pn_connection_open(driver->connection);
  pn_connection_driver_bind(driver);
}

Task<void> Connection::ReadLoop(ConnectionPtr self) {
  pn_connection_driver_t* driver = self->engine_->get();
  while (!self->gone_) {
    const pn_rwbytes_t room = pn_connection_driver_read_buffer(driver);
    if (room.size == 0) break;  // the engine reads no more: it has ended or failed
    const std::span<char> target(room.start, room.size);
    const net::IoResult got = co_await self->stream_->ReadSome(target);
    if (self->gone_) break;
    if (got.ec) {
      const bool closed = got.ec == asio::error::eof;
      self->Gone(MakeError(self->open_ ? ErrorClass::kConnectionClosed : ErrorClass::kConnectFailed,
                           self->Where() + ": " +
                               (closed ? "closed by the broker" : got.ec.message())));
      break;
    }
    pn_connection_driver_read_done(driver, got.bytes);
    self->Pump();
  }
  if (!self->gone_) self->Gone(self->TransportStatus());
}

void Connection::Flush() {
  if (!gone_) Pump();
}

// Hands out events until there are none and writes what came of them; listeners call Flush()
// inside.
void Connection::Pump() {
  if (pumping_) {
    pump_again_ = true;
    return;
  }
  pumping_ = true;
  do {
    pump_again_ = false;
    pn_connection_driver_t* driver = engine_->get();
    while (!gone_) {
      pn_event_t* event = pn_connection_driver_next_event(driver);
      if (event == nullptr) break;
      Dispatch(event);
    }
    if (!gone_) Write();
  } while (!gone_ && (pump_again_ || pn_connection_driver_has_event(engine_->get())));
  pumping_ = false;
}

void Connection::Dispatch(pn_event_t* event) {
  pn_link_t* link = pn_event_link(event);
  LinkListener* listener = link != nullptr ? ListenerOf(link) : nullptr;
  switch (pn_event_type(event)) {
    case PN_CONNECTION_REMOTE_OPEN: OnRemoteOpen(); break;
    case PN_CONNECTION_REMOTE_CLOSE: {
      pn_connection_t* connection = pn_event_connection(event);
      pn_connection_close(connection);
      Write();
      Gone(StatusOfCondition(pn_connection_remote_condition(connection), Where()));
      break;
    }
    case PN_SESSION_REMOTE_CLOSE: OnSessionOver(pn_event_session(event)); break;
    case PN_LINK_REMOTE_OPEN: OnLinkOpened(link); break;
    case PN_LINK_REMOTE_DETACH:
    case PN_LINK_REMOTE_CLOSE:
      EndLink(link, StatusOfCondition(pn_link_remote_condition(link), "solace link"));
      break;
    case PN_LINK_FLOW:
      if (listener != nullptr) listener->OnCredit();
      break;
    case PN_DELIVERY:
      if (listener != nullptr) listener->OnDelivery(pn_event_delivery(event));
      break;
    case PN_TRANSPORT_ERROR:
    case PN_TRANSPORT_TAIL_CLOSED:
    case PN_TRANSPORT_CLOSED: Gone(TransportStatus()); break;
    default: break;
  }
}

void Connection::OnRemoteOpen() {
  open_ = true;
  counted_ = true;
  shared_->monitor->Opened();
  const Prefixes prefixes = ReadPrefixes(engine_->get()->connection);
  if (!prefixes.topic.empty()) topic_prefix_ = prefixes.topic;
  if (!prefixes.queue.empty()) queue_prefix_ = prefixes.queue;
  changed_.Set();
  Tick();
}

void Connection::OnSessionOver(pn_session_t* session) {
  pn_link_t* link = pn_link_head(engine_->get()->connection, 0);
  while (link != nullptr && pn_link_session(link) != session) link = pn_link_next(link, 0);
  if (link == nullptr) return;
  EndLink(link, StatusOfCondition(pn_session_remote_condition(session), "solace session"));
}

// A refused link is attached without a terminus and detached at once: the reason comes then.
void Connection::OnLinkOpened(pn_link_t* link) {
  LinkListener* listener = ListenerOf(link);
  if (listener == nullptr) return;
  const bool sender = pn_link_is_sender(link);
  pn_terminus_t* terminus = sender ? pn_link_remote_target(link) : pn_link_remote_source(link);
  const bool refused = pn_terminus_get_type(terminus) == PN_UNSPECIFIED;
  if (!refused) listener->OnAttached();
}

void Connection::EndLink(pn_link_t* link, const Status& status) {
  LinkListener* listener = ListenerOf(link);
  if (listener == nullptr) return;
  pn_link_set_context(link, nullptr);
  listener->OnGone(status);
  pn_link_close(link);
  FreeLink(link);
}

pn_link_t* Connection::Prepare(pn_link_t* link, pn_session_t* session, LinkListener& listener,
                               std::size_t session_bytes) {
  pn_session_set_incoming_capacity(session, session_bytes);
  pn_session_open(session);
  pn_link_set_context(link, &listener);
  return link;
}

pn_link_t* Connection::MakeSender(const std::string& name, LinkListener& listener) {
  pn_session_t* session = pn_session(engine_->get()->connection);
  return Prepare(pn_sender(session, name.c_str()), session, listener, kSessionBytesMin);
}

pn_link_t* Connection::MakeReceiver(const std::string& name, LinkListener& listener,
                                    std::size_t session_bytes) {
  pn_session_t* session = pn_session(engine_->get()->connection);
  return Prepare(pn_receiver(session, name.c_str()), session, listener, session_bytes);
}

void Connection::ReleaseLink(pn_link_t* link, bool detach) {
  if (gone_) return;  // the engine ends with the connection
  pn_link_set_context(link, nullptr);
  if (detach) {
    pn_link_detach(link);
  } else {
    pn_link_close(link);
  }
  FreeLink(link);
  Flush();
}

void Connection::ForgetLink(pn_link_t* link) { pn_link_set_context(link, nullptr); }

void Connection::Write() {
  pn_connection_driver_t* driver = engine_->get();
  while (!write_waits_ && !gone_) {
    const pn_bytes_t out = pn_connection_driver_write_buffer(driver);
    if (out.size == 0) {
      drained_.Set();
      return;
    }
    const asio::const_buffer buffer(out.start, out.size);
    ErrorCode ec;
    const std::size_t sent =
        stream_->TryWrite(std::span<const asio::const_buffer>(&buffer, 1), ec);
    if (ec) {
      Gone(MakeError(open_ ? ErrorClass::kConnectionClosed : ErrorClass::kConnectFailed,
                     Where() + ": " + ec.message()));
      return;
    }
    if (sent == 0) {
      write_waits_ = true;
      stream_->NotifyWritable(*this);
      return;
    }
    pn_connection_driver_write_done(driver, sent);
  }
}

void Connection::OnWritable(ErrorCode ec) {
  write_waits_ = false;
  if (gone_) return;
  const ConnectionPtr self = shared_from_this();
  if (ec) {
    Gone(MakeError(ErrorClass::kConnectionClosed, Where() + ": " + ec.message()));
    return;
  }
  Pump();
}

Task<bool> Connection::Written(TimePoint deadline) {
  const ConnectionPtr self = shared_from_this();
  Flush();
  while (write_waits_ && !gone_) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left <= milliseconds(0)) co_return false;
    drained_.Reset();
    co_await drained_.WaitFor(left);
  }
  co_return !gone_;
}

void Connection::OnTimer() {
  const ConnectionPtr self = shared_from_this();
  Tick();
  if (!gone_) Pump();
}

// Sends a heartbeat when one is due, and finds that the peer has been silent for too long.
void Connection::Tick() {
  if (gone_) return;
  const std::int64_t now = NowMs();
  const std::int64_t due = pn_transport_tick(engine_->get()->transport, now);
  if (due == 0) return;
  worker_.wheel().Arm(*this, milliseconds(std::max<std::int64_t>(due - now, 1)));
}

Status Connection::TransportStatus() const {
  pn_transport_t* transport = engine_->get()->transport;
  pn_condition_t* condition = pn_transport_condition(transport);
  if (!open_ && pn_sasl_outcome(pn_sasl(transport)) != PN_SASL_OK) {
    const char* name = pn_condition_is_set(condition) ? pn_condition_get_name(condition) : nullptr;
    if (pn_sasl_outcome(pn_sasl(transport)) == PN_SASL_AUTH ||
        (name != nullptr && std::string_view(name) == "amqp:unauthorized-access")) {
      return MakeError(ErrorClass::kAuthFailed,
                       Where() + (shared_->config.username.empty()
                                      ? ": the broker asks for credentials (SASL ANONYMOUS refused)"
                                      : ": the broker refused the credentials (SASL PLAIN)"));
    }
  }
  Status status = StatusOfCondition(condition, Where());
  if (open_) return MakeError(ErrorClass::kConnectionClosed, MessageOf(status));
  return MakeError(ErrorClass::kConnectFailed,
                   MessageOf(status) + " (before AMQP 1.0 was spoken)");
}

// The end, once: whatever waits is told, every link's listener hears of it.
void Connection::Gone(const Status& status) {
  if (gone_) return;
  gone_ = true;
  status_ = status;
  WheelTimer::Cancel();
  if (counted_ && closing_) {
    shared_->monitor->Closed();
  } else if (counted_) {
    shared_->monitor->Lost(status);
  }
  counted_ = false;
  if (pn_connection_t* connection = engine_->get()->connection) {
    for (pn_link_t* link = pn_link_head(connection, 0); link != nullptr;
         link = pn_link_next(link, 0)) {
      LinkListener* listener = ListenerOf(link);
      if (listener == nullptr) continue;
      pn_link_set_context(link, nullptr);
      listener->OnGone(status);
    }
  }
  if (stream_) stream_->Close();
  changed_.Set();
  drained_.Set();
}

Task<void> Connection::Close() {
  const ConnectionPtr self = shared_from_this();
  if (!open()) {
    Gone(Cancelled("closed"));
    co_return;
  }
  closing_ = true;
  changed_.Reset();
  pn_connection_close(engine_->get()->connection);
  Flush();
  if (!gone_) co_await changed_.WaitFor(milliseconds(kCloseTimeout));
  Gone(Cancelled("closed"));
}

std::string Connection::TopicAddress(std::string_view topic) const {
  std::string address = topic_prefix_;
  if (shared_->config.addressing != Addressing::kRabbitmq) return address.append(topic);
  for (const char c : topic) address += c == '/' ? '.' : c == '>' ? '#' : c;
  return address;
}

std::string Connection::QueueAddress(std::string_view queue) const {
  return queue_prefix_ + std::string(queue);
}

std::string_view Connection::TopicOf(std::string_view address) const {
  if (StartsWith(address, topic_prefix_)) return address.substr(topic_prefix_.size());
  if (StartsWith(address, queue_prefix_)) return address.substr(queue_prefix_.size());
  return address;
}

}  // namespace tidegate::solace
