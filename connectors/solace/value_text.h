// AMQP values as text: what stands under Proton's cursor as plain text, or as JSON.
//
// Thread: pure functions on the caller's data. Fails: never; what has no text (an array of
// decimals, …) is written as its bits in hexadecimal.
#pragma once

#include <string>

struct pn_data_t;

namespace tidegate::solace {

// A simple value as a header shows it: texts and binaries as they are, numbers in decimal.
void AppendScalar(pn_data_t* data, std::string& out);
// Any value as JSON: maps become objects, lists and arrays become arrays, binaries base64 text.
// Deeper than kBodyDepthMax: null.
void AppendJson(pn_data_t* data, std::string& out, std::size_t depth = 0);

}  // namespace tidegate::solace
