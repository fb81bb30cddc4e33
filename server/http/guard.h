// The strict rules of HTTP/1 heads: what is refused, by which name, with which status.
//
// Beast's parser lets request smuggling through (reliability.md §3.1), so every byte of a head
// passes these rules. They are functions of bytes; head_parser walks a head once and asks them.
// Every refusal closes the connection and is counted by its rule's name.
// Thread: pure. Fails: by Verdict; texts name the rule and never echo what was sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/base/limits.h"

namespace tidegate::http {

// Order is that of the table in guard.cc (name, status, text).
enum class Rule : std::uint8_t {
  kNone,
  kMethodSyntax,
  kMethodTooLong,
  kMethodConnect,
  kMethodTrace,
  kRequestLineParts,
  kRequestLineTooLong,
  kTargetForm,
  kTargetAsterisk,
  kTargetByte,
  kPathEscape,
  kPathForbidden,
  kPathAboveRoot,
  kVersionSyntax,
  kVersionUnsupported,
  kBareLf,
  kBareCr,
  kNulByte,
  kHeadTooLarge,
  kTooManyFields,
  kFieldTooLarge,
  kFieldNoColon,
  kFieldName,
  kFieldUnderscore,
  kFieldSpaceBeforeColon,
  kFieldFolded,
  kFieldValueByte,
  kHostMissing,
  kHostRepeated,
  kHostInvalid,
  kLengthRepeated,
  kLengthSyntax,
  kCodingRepeated,
  kCodingWithLength,
  kCodingOnOldVersion,
  kCodingSyntax,
  kCodingUnknown,
  kConnectionSyntax,
  kConnectionProtected,
  kExpectUnknown,
  kExpectRepeated,
  kUpgradeSyntax,
  kChunkSize,
  kChunkExtension,
  kChunkLine,
  kChunkEnd,
  kTrailerSyntax,
  kTrailerForbidden,
  kTrailerTooLarge,
  kHeadTimeout,
  kCount,
};

struct RuleInfo {
  std::string_view name;  // label of tidegate_http_rejected_total
  int status;
  std::string_view text;  // what the client is told
};
const RuleInfo& InfoOf(Rule rule);

enum class Underscores : std::uint8_t { kRefuse, kDrop, kAllow };

struct HeadLimits {
  std::size_t request_line_bytes = kRequestLineBytesMax;
  std::size_t head_bytes = kHeadBytesMax;
  std::size_t fields = kHeaderFieldsMax;
  std::size_t field_bytes = kHeaderFieldBytesMax;
  Underscores underscores = Underscores::kRefuse;
};

bool IsTokenByte(unsigned char byte);
bool IsToken(std::string_view text);          // RFC 9110 token, not empty
Rule CheckMethod(std::string_view method);
Rule CheckTarget(std::string_view method, std::string_view target);
Rule CheckVersion(std::string_view version, int& minor);
Rule CheckFieldName(std::string_view name);   // underscores are the caller's affair
Rule CheckFieldValue(std::string_view value);
// A host with optional port; on success `host` is the part without port and trailing dot.
Rule CheckAuthority(std::string_view authority, std::string_view& host);
Rule CheckContentLength(std::string_view value, std::uint64_t& length);
Rule CheckTransferEncoding(std::string_view value);

// Fields that Connection may not name (taking them away would change security or routing), and
// that a trailer may not carry.
bool IsProtectedField(std::string_view name);

}  // namespace tidegate::http
