// fuzz-deps: tg_solace
// What a broker sends over AMQP 1.0 as a message: taken apart whatever it is, and a message that
// was understood can be published again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "connectors/solace/message_map.h"

namespace {

using namespace tidegate;          // NOLINT: one program, one use
using namespace tidegate::solace;  // NOLINT

struct World {
  World() : workers(1) {
    auto shared = std::make_shared<Shared>();
    shared->monitor = std::make_shared<Monitor>("fuzz", "amqp10");
    connection = std::make_shared<Connection>(std::move(shared), workers.at(0), "fuzz");
  }
  net::WorkerPool workers;
  ConnectionPtr connection;
  MessageCodec codec;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World& world = *new World();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Envelope got;
  if (!world.codec.Decode(bytes, *world.connection, "from", got)) return 0;
  std::vector<connectors::HeaderField> headers;
  for (const auto& [name, value] : got.headers) {
    connectors::HeaderField field;
    field.name = name;
    field.value = value;
    headers.push_back(field);
  }
  connectors::OutMessage out;
  out.content = got.content;
  out.headers = headers;
  std::string again;
  const Status status = world.codec.Encode(out, MessageCodec::Frame(), "topic://t", "i", again);
  if (!status.ok()) return 0;  // a name that is not UTF-8
  Envelope twice;
  if (!world.codec.Decode(again, *world.connection, "from", twice)) std::abort();
  if (twice.content != got.content) std::abort();
  return 0;
}
