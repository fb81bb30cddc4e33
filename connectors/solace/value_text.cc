#include "connectors/solace/value_text.h"

#include <proton/codec.h>

#include <charconv>
#include <cmath>

#include "connectors/solace/limits.h"
#include "server/base/codec.h"
#include "server/base/strings.h"

namespace tidegate::solace {
namespace {

std::string_view ViewOf(pn_bytes_t bytes) {
  return bytes.start == nullptr ? std::string_view() : std::string_view(bytes.start, bytes.size);
}

template <typename Number>
void AppendNumber(std::string& out, Number value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value);
  out.append(text, end.ptr);
}

void AppendUtf8(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | ((point >> 18) & 0x07));
    out += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  }
}

void AppendUuid(std::string& out, const pn_uuid_t& uuid) {
  const std::string hex = Hex(uuid.bytes, sizeof uuid.bytes);
  for (std::size_t i = 0; i < hex.size(); ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out += '-';
    out += hex[i];
  }
}

bool IsNumber(pn_type_t type) {
  switch (type) {
    case PN_UBYTE:
    case PN_BYTE:
    case PN_USHORT:
    case PN_SHORT:
    case PN_UINT:
    case PN_INT:
    case PN_ULONG:
    case PN_LONG:
    case PN_TIMESTAMP:
    case PN_FLOAT:
    case PN_DOUBLE: return true;
    default: return false;
  }
}

// The items under the cursor: of a list, map or array. In a map every second one is a value.
void AppendItems(pn_data_t* data, bool map, std::string& out, std::size_t depth) {
  pn_data_enter(data);
  for (std::size_t i = 0; pn_data_next(data); ++i) {
    if (i > 0) out += map && i % 2 == 1 ? ':' : ',';
    if (map && i % 2 == 0) {
      std::string key;
      AppendScalar(data, key);
      AppendJsonString(out, key);
    } else {
      AppendJson(data, out, depth + 1);
    }
  }
  pn_data_exit(data);
}

}  // namespace

void AppendScalar(pn_data_t* data, std::string& out) {
  switch (pn_data_type(data)) {
    case PN_BOOL: out += pn_data_get_bool(data) ? "true" : "false"; break;
    case PN_UBYTE: AppendNumber(out, static_cast<unsigned>(pn_data_get_ubyte(data))); break;
    case PN_BYTE: AppendNumber(out, static_cast<int>(pn_data_get_byte(data))); break;
    case PN_USHORT: AppendNumber(out, pn_data_get_ushort(data)); break;
    case PN_SHORT: AppendNumber(out, pn_data_get_short(data)); break;
    case PN_UINT: AppendNumber(out, pn_data_get_uint(data)); break;
    case PN_INT: AppendNumber(out, pn_data_get_int(data)); break;
    case PN_ULONG: AppendNumber(out, pn_data_get_ulong(data)); break;
    case PN_LONG: AppendNumber(out, pn_data_get_long(data)); break;
    case PN_TIMESTAMP: AppendNumber(out, pn_data_get_timestamp(data)); break;
    case PN_FLOAT: AppendNumber(out, pn_data_get_float(data)); break;
    case PN_DOUBLE: AppendNumber(out, pn_data_get_double(data)); break;
    case PN_CHAR: AppendUtf8(out, pn_data_get_char(data)); break;
    case PN_UUID: AppendUuid(out, pn_data_get_uuid(data)); break;
    case PN_BINARY: out += ViewOf(pn_data_get_binary(data)); break;
    case PN_STRING: out += ViewOf(pn_data_get_string(data)); break;
    case PN_SYMBOL: out += ViewOf(pn_data_get_symbol(data)); break;
    case PN_DECIMAL32: {
      const pn_decimal32_t bits = pn_data_get_decimal32(data);
      out += "0x" + Hex(&bits, sizeof bits);
      break;
    }
    case PN_DECIMAL64: {
      const pn_decimal64_t bits = pn_data_get_decimal64(data);
      out += "0x" + Hex(&bits, sizeof bits);
      break;
    }
    case PN_DECIMAL128: {
      const pn_decimal128_t bits = pn_data_get_decimal128(data);
      out += "0x" + Hex(bits.bytes, sizeof bits.bytes);
      break;
    }
    default: break;
  }
}

void AppendJson(pn_data_t* data, std::string& out, std::size_t depth) {
  const pn_type_t type = pn_data_type(data);
  std::string text;
  if (type == PN_NULL || depth > kBodyDepthMax) {
    out += "null";
  } else if (type == PN_MAP) {
    out += '{';
    AppendItems(data, true, out, depth);
    out += '}';
  } else if (type == PN_LIST || type == PN_ARRAY) {
    out += '[';
    AppendItems(data, false, out, depth);
    out += ']';
  } else if (type == PN_DESCRIBED) {
    pn_data_enter(data);
    pn_data_next(data);  // the descriptor says what it is; the value is what counts
    if (pn_data_next(data)) {
      AppendJson(data, out, depth + 1);
    } else {
      out += "null";
    }
    pn_data_exit(data);
  } else if (type == PN_BINARY) {
    AppendBase64(text, ViewOf(pn_data_get_binary(data)));
    AppendJsonString(out, text);
  } else {
    AppendScalar(data, text);
    const bool finite = type != PN_FLOAT && type != PN_DOUBLE
                            ? true
                            : std::isfinite(type == PN_FLOAT ? pn_data_get_float(data)
                                                             : pn_data_get_double(data));
    if (!finite) {
      out += "null";
    } else if (type == PN_BOOL || IsNumber(type)) {
      out += text;
    } else {
      AppendJsonString(out, text);
    }
  }
}

}  // namespace tidegate::solace
