#include "connectors/rabbitmq/table_text.h"

#include <amqp.h>

#include <charconv>
#include <cmath>
#include <string_view>

#include "server/base/codec.h"
#include "server/base/strings.h"

namespace tidegate::rabbitmq {
namespace {

std::string_view View(const amqp_bytes_t& bytes) {
  return std::string_view(static_cast<const char*>(bytes.bytes), bytes.len);
}

template <typename Number>
void AppendNumber(std::string& out, Number number) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  out.append(buffer, end);
}

// value × 10^-decimals
void AppendDecimal(std::string& out, const amqp_decimal_t& decimal) {
  std::string digits = std::to_string(decimal.value);
  const std::size_t places = decimal.decimals;
  if (places > 0) {
    if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
    digits.insert(digits.size() - places, 1, '.');
  }
  out += digits;
}

void AppendJson(std::string& out, const amqp_field_value_t& value);

void AppendJsonText(std::string& out, std::string_view text) {
  // What is no UTF-8 cannot stand in JSON.
  if (IsValidUtf8(text)) {
    AppendJsonString(out, text);
  } else {
    AppendJsonString(out, Base64(text));
  }
}

void AppendJsonTable(std::string& out, const amqp_table_t& table) {
  out += '{';
  for (int i = 0; i < table.num_entries; ++i) {
    if (i > 0) out += ',';
    AppendJsonText(out, View(table.entries[i].key));
    out += ':';
    AppendJson(out, table.entries[i].value);
  }
  out += '}';
}

void AppendJsonArray(std::string& out, const amqp_array_t& array) {
  out += '[';
  for (int i = 0; i < array.num_entries; ++i) {
    if (i > 0) out += ',';
    AppendJson(out, array.entries[i]);
  }
  out += ']';
}

void AppendJson(std::string& out, const amqp_field_value_t& value) {
  switch (value.kind) {
    case AMQP_FIELD_KIND_UTF8:
    case AMQP_FIELD_KIND_BYTES: return AppendJsonText(out, View(value.value.bytes));
    case AMQP_FIELD_KIND_VOID: out += "null"; return;
    case AMQP_FIELD_KIND_F32:
      if (!std::isfinite(value.value.f32)) {
        out += "null";
        return;
      }
      break;
    case AMQP_FIELD_KIND_F64:
      if (!std::isfinite(value.value.f64)) {
        out += "null";
        return;
      }
      break;
    default: break;
  }
  AppendFieldText(out, &value);
}

}  // namespace

void AppendFieldText(std::string& out, const void* field) {
  const auto& value = *static_cast<const amqp_field_value_t*>(field);
  switch (value.kind) {
    case AMQP_FIELD_KIND_BOOLEAN: out += value.value.boolean != 0 ? "true" : "false"; return;
    case AMQP_FIELD_KIND_I8: return AppendNumber(out, static_cast<int>(value.value.i8));
    case AMQP_FIELD_KIND_U8: return AppendNumber(out, static_cast<int>(value.value.u8));
    case AMQP_FIELD_KIND_I16: return AppendNumber(out, value.value.i16);
    case AMQP_FIELD_KIND_U16: return AppendNumber(out, value.value.u16);
    case AMQP_FIELD_KIND_I32: return AppendNumber(out, value.value.i32);
    case AMQP_FIELD_KIND_U32: return AppendNumber(out, value.value.u32);
    case AMQP_FIELD_KIND_I64: return AppendNumber(out, value.value.i64);
    case AMQP_FIELD_KIND_U64: return AppendNumber(out, value.value.u64);
    case AMQP_FIELD_KIND_TIMESTAMP: return AppendNumber(out, value.value.u64);
    case AMQP_FIELD_KIND_F32: return AppendNumber(out, value.value.f32);
    case AMQP_FIELD_KIND_F64: return AppendNumber(out, value.value.f64);
    case AMQP_FIELD_KIND_DECIMAL: return AppendDecimal(out, value.value.decimal);
    case AMQP_FIELD_KIND_UTF8:
    case AMQP_FIELD_KIND_BYTES: out += View(value.value.bytes); return;
    case AMQP_FIELD_KIND_ARRAY: return AppendJsonArray(out, value.value.array);
    case AMQP_FIELD_KIND_TABLE: return AppendJsonTable(out, value.value.table);
    default: return;  // void
  }
}

bool IsListOfTexts(const void* field) {
  const auto& value = *static_cast<const amqp_field_value_t*>(field);
  if (value.kind != AMQP_FIELD_KIND_ARRAY) return false;
  for (int i = 0; i < value.value.array.num_entries; ++i) {
    const auto kind = value.value.array.entries[i].kind;
    if (kind != AMQP_FIELD_KIND_UTF8 && kind != AMQP_FIELD_KIND_BYTES) return false;
  }
  return value.value.array.num_entries > 0;
}

}  // namespace tidegate::rabbitmq
