// Base64 (RFC 4648 §4, with padding), hex, SHA-256, random ids.
// Thread: pure functions, any thread. Fails: decoders by nullopt.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidegate {

using Sha256Digest = std::array<std::uint8_t, 32>;

void AppendBase64(std::string& out, std::string_view bytes);
std::string Base64(std::string_view bytes);
// Strict: alphabet of §4, exact padding, no whitespace, zero trailing bits.
std::optional<std::string> Base64Decode(std::string_view text);

std::string Hex(const void* bytes, std::size_t size);
std::optional<std::string> HexDecode(std::string_view text);

Sha256Digest Sha256(std::string_view bytes);
// Equal in time that does not depend on where they differ.
bool ConstantTimeEquals(std::string_view a, std::string_view b);

std::uint64_t RandomUint64();            // fast, per thread, not for secrets
std::string RandomToken(std::size_t bytes);  // hex of bytes from the system's CSPRNG
std::string Uuid4();

// A request id: 128 random bits as 32 hex digits (the trace-id form of W3C Trace Context).
std::string RandomId128();

}  // namespace tidegate
