// Whether the bytes of an AMQP table may be given to rabbitmq-c, whose decoder calls itself for
// every level of nesting: a frame could nest deeper than a stack holds.
//
// Thread: pure functions over bytes. Fails: by false.
#pragma once

#include <string_view>

namespace tidegate::rabbitmq {

// `bytes`: a table without its length. Well-formed and nested at most `depth` levels.
bool IsSoundTable(std::string_view bytes, int depth);
// The properties of a basic.* header frame, from their flags on: `headers` is sound.
bool AreSoundProperties(std::string_view bytes);

}  // namespace tidegate::rabbitmq
