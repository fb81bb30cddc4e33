#include "server/base/codec.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "server/base/check.h"

namespace tidegate {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kHexDigits[] = "0123456789abcdef";

int Base64Value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void SecureRandom(void* out, std::size_t size) {
  TG_CHECK(RAND_bytes(static_cast<unsigned char*>(out), static_cast<int>(size)) == 1);
}

// xoshiro256**, seeded per thread from the system.
struct Generator {
  std::uint64_t s[4];
  Generator() { SecureRandom(s, sizeof s); }
  static std::uint64_t Rotate(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  std::uint64_t Next() {
    const std::uint64_t result = Rotate(s[1] * 5, 7) * 9;
    const std::uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = Rotate(s[3], 45);
    return result;
  }
};

}  // namespace

void AppendBase64(std::string& out, std::string_view bytes) {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  out.reserve(out.size() + (left + 2) / 3 * 4);
  for (; left >= 3; left -= 3, p += 3) {
    const std::uint32_t word = (p[0] << 16) | (p[1] << 8) | p[2];
    out += kAlphabet[word >> 18];
    out += kAlphabet[(word >> 12) & 63];
    out += kAlphabet[(word >> 6) & 63];
    out += kAlphabet[word & 63];
  }
  if (left == 0) return;
  const std::uint32_t word = (p[0] << 16) | (left == 2 ? p[1] << 8 : 0);
  out += kAlphabet[word >> 18];
  out += kAlphabet[(word >> 12) & 63];
  out += left == 2 ? kAlphabet[(word >> 6) & 63] : '=';
  out += '=';
}

std::string Base64(std::string_view bytes) {
  std::string out;
  AppendBase64(out, bytes);
  return out;
}

std::optional<std::string> Base64Decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const int pad = !last ? 0 : text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
    std::uint32_t word = 0;
    for (int k = 0; k < 4; ++k) {
      const int value = k >= 4 - pad ? 0 : Base64Value(text[i + k]);
      if (value < 0) return std::nullopt;
      word = (word << 6) | static_cast<std::uint32_t>(value);
    }
    if (pad == 1 && (word & 0xFF) != 0) return std::nullopt;
    if (pad == 2 && (word & 0xFFFF) != 0) return std::nullopt;
    out += static_cast<char>(word >> 16);
    if (pad < 2) out += static_cast<char>((word >> 8) & 0xFF);
    if (pad < 1) out += static_cast<char>(word & 0xFF);
  }
  return out;
}

std::string Hex(const void* bytes, std::size_t size) {
  const auto* p = static_cast<const unsigned char*>(bytes);
  std::string out;
  out.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    out += kHexDigits[p[i] >> 4];
    out += kHexDigits[p[i] & 15];
  }
  return out;
}

std::optional<std::string> HexDecode(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = HexValue(text[i]);
    const int low = HexValue(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

Sha256Digest Sha256(std::string_view bytes) {
  Sha256Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::uint64_t RandomUint64() {
  thread_local Generator generator;
  return generator.Next();
}

std::string RandomToken(std::size_t bytes) {
  std::string raw(bytes, '\0');
  SecureRandom(raw.data(), raw.size());
  return Hex(raw.data(), raw.size());
}

std::string Uuid4() {
  unsigned char raw[16];
  SecureRandom(raw, sizeof raw);
  raw[6] = static_cast<unsigned char>((raw[6] & 0x0F) | 0x40);
  raw[8] = static_cast<unsigned char>((raw[8] & 0x3F) | 0x80);
  const std::string hex = Hex(raw, sizeof raw);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20);
}

std::string RandomId128() {
  const std::uint64_t raw[2] = {RandomUint64(), RandomUint64() | 1};
  return Hex(raw, sizeof raw);
}

}  // namespace tidegate
