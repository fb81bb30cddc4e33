// fuzz-deps: tg_rabbitmq
// Whatever a broker sends: the connection ends at most once, nothing is told after that, and no
// message is larger than allowed. The first byte says how far the login is.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "connectors/rabbitmq/protocol.h"

namespace {

using namespace tidegate::rabbitmq;  // NOLINT: a test's main file

class Judge final : public ProtocolListener {
 public:
  void OnOpen() override { Told(); }
  void OnClosed(tidegate::Status why) override {
    Told();
    if (why.ok()) std::abort();
    closed_ = true;
  }
  void OnBlocked(bool /*blocked*/, std::string_view reason) override {
    Told();
    if (reason.size() > kReplyTextMax) std::abort();
  }
  void OnReply(const Method& /*method*/) override { Told(); }
  void OnChannelClosed(const CloseReason& /*reason*/) override { Told(); }
  void OnConfirm(std::uint64_t /*tag*/, bool /*multiple*/, bool /*ack*/) override { Told(); }
  void OnReturn(const Returned& /*returned*/) override { Told(); }
  void OnDelivery(DeliveryPtr delivery) override {
    Told();
    if (delivery->body.size() > kMessageBytesMax) std::abort();
    // Header views must lie in what the delivery keeps.
    for (const auto& field : delivery->headers) sum_ += field.name.size() + field.value.size();
  }
  void OnOversized(std::uint64_t /*tag*/) override { Told(); }
  void OnCancelled() override { Told(); }

 private:
  void Told() const {
    if (closed_) std::abort();
  }
  bool closed_ = false;
  std::size_t sum_ = 0;
};

constexpr std::string_view kLogin(
    "\x01\0\0\0\0\0\x18\0\x0a\0\x0a\0\x09\0\0\0\0\0\0\0\x05PLAIN\0\0\0\x01x\xce"
    "\x01\0\0\0\0\0\x0c\0\x0a\0\x1e\0\x09\0\x02\0\0\0\x3c\xce"
    "\x01\0\0\0\0\0\x05\0\x0a\0\x29\0\xce",
    32 + 20 + 13);
constexpr std::string_view kChannel("\x01\0\x01\0\0\0\x08\0\x14\0\x0b\0\0\0\0\xce", 16);

void Feed(Protocol& protocol, std::string_view bytes) {
  protocol.Feed(std::span<const char>(bytes.data(), bytes.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Protocol::Login login;
  login.username = "u";
  login.password = "p";
  login.vhost = "/";
  Judge judge;
  Protocol protocol(login, judge);
  protocol.Start();
  if (data[0] > 0) {
    Feed(protocol, kLogin);
    if (!protocol.open()) std::abort();
    protocol.OpenChannel();
    if (data[0] > 1) Feed(protocol, kChannel);
  }
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  // In pieces, so that frames are cut everywhere.
  for (std::size_t piece = 1; !rest.empty(); piece = piece * 2 + 1) {
    Feed(protocol, rest.substr(0, piece));
    rest.remove_prefix(std::min(piece, rest.size()));
  }
  return 0;
}
