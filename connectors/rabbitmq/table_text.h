// Values of AMQP tables as text: numbers and booleans plainly, what is nested as JSON.
// Thread: pure. `value` is an amqp_field_value_t of rabbitmq-c, whose nesting was checked.
#pragma once

#include <string>

namespace tidegate::rabbitmq {

void AppendFieldText(std::string& out, const void* value);
// A list whose items are all texts or bytes; then each is a header of its own.
bool IsListOfTexts(const void* value);

}  // namespace tidegate::rabbitmq
