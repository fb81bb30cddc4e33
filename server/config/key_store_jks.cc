#include "server/config/key_store_jks.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>
#include <memory>

#include "server/base/codec.h"

namespace tidegate::config {
namespace {

constexpr std::size_t kDigestBytes = 20;  // SHA-1
constexpr std::size_t kAliasBytesMax = 4096;
constexpr std::string_view kSealWord = "Mighty Aphrodite";
constexpr std::string_view kProtectorOid = "1.3.6.1.4.1.42.2.17.1.1";
constexpr std::uint32_t kTagKey = 1;
constexpr std::uint32_t kTagCertificate = 2;

std::string Sha1(std::initializer_list<std::string_view> parts) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  std::string digest(kDigestBytes, '\0');
  EVP_DigestInit_ex(context.get(), EVP_sha1(), nullptr);
  for (const std::string_view part : parts) {
    EVP_DigestUpdate(context.get(), part.data(), part.size());
  }
  EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

// The next code point of UTF-8; false when the bytes are none.
bool TakeCodePoint(std::string_view* text, std::uint32_t* out) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>((*text)[i]); };
  const unsigned char first = byte(0);
  const std::size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if ((first >= 0x80 && first < 0xc0) || first > 0xf7 || text->size() < size) return false;
  std::uint32_t point = size == 1 ? first : first & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return false;
    point = (point << 6) | (byte(i) & 0x3fU);
  }
  text->remove_prefix(size);
  *out = point;
  return true;
}

void AppendUnit(std::string* out, std::uint32_t unit) {
  *out += static_cast<char>(unit >> 8);
  *out += static_cast<char>(unit & 0xff);
}

// Java hashes a password as its UTF-16 units, big end first.
bool ToUtf16(std::string_view text, std::string* out) {
  while (!text.empty()) {
    std::uint32_t point = 0;
    if (!TakeCodePoint(&text, &point)) return false;
    if (point < 0x10000) {
      AppendUnit(out, point);
    } else {
      AppendUnit(out, 0xd800 + ((point - 0x10000) >> 10));
      AppendUnit(out, 0xdc00 + ((point - 0x10000) & 0x3ff));
    }
  }
  return true;
}

void AppendUtf8(std::string* out, std::uint32_t point) {
  if (point < 0x80) {
    *out += static_cast<char>(point);
  } else if (point < 0x800) {
    *out += static_cast<char>(0xc0 | (point >> 6));
    *out += static_cast<char>(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    *out += static_cast<char>(0xe0 | (point >> 12));
    *out += static_cast<char>(0x80 | ((point >> 6) & 0x3f));
    *out += static_cast<char>(0x80 | (point & 0x3f));
  } else {
    *out += static_cast<char>(0xf0 | (point >> 18));
    *out += static_cast<char>(0x80 | ((point >> 12) & 0x3f));
    *out += static_cast<char>(0x80 | ((point >> 6) & 0x3f));
    *out += static_cast<char>(0x80 | (point & 0x3f));
  }
}

// Java's modified UTF-8 writes each half of a pair by itself; bytes that are no text become U+FFFD.
std::string FromModifiedUtf8(std::string_view text) {
  std::string out;
  std::uint32_t high = 0;
  while (!text.empty()) {
    std::uint32_t point = 0;
    if (!TakeCodePoint(&text, &point)) {
      text.remove_prefix(1);
      point = 0xfffd;
    }
    const bool low = point >= 0xdc00 && point < 0xe000;
    if (high != 0 && low) {
      AppendUtf8(&out, 0x10000 + ((high - 0xd800) << 10) + (point - 0xdc00));
      high = 0;
      continue;
    }
    if (high != 0) AppendUtf8(&out, 0xfffd);
    high = point >= 0xd800 && point < 0xdc00 ? point : 0;
    if (high == 0) AppendUtf8(&out, low || point > 0x10ffff ? 0xfffd : point);
  }
  if (high != 0) AppendUtf8(&out, 0xfffd);
  return out;
}

// Reads within the bytes; every Take fails once something did not fit.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}

  bool Take(std::size_t size, std::string_view* out) {
    if (size > rest_.size()) return false;
    *out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }
  bool Number(std::size_t size, std::uint32_t* out) {
    std::string_view bytes;
    if (!Take(size, &bytes)) return false;
    *out = 0;
    for (const char c : bytes) *out = (*out << 8) | static_cast<unsigned char>(c);
    return true;
  }
  bool Text(std::size_t size_max, std::string_view* out) {
    std::uint32_t size = 0;
    return Number(2, &size) && size <= size_max && Take(size, out);
  }
  bool Block(std::string_view* out) {
    std::uint32_t size = 0;
    return Number(4, &size) && Take(size, out);
  }
  std::size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

bool TakeCertificate(Cursor& cursor, std::uint32_t version, std::string* der) {
  std::string_view type;
  std::string_view bytes;
  if (version >= 2 && !cursor.Text(kAliasBytesMax, &type)) return false;
  if (!cursor.Block(&bytes)) return false;
  *der = std::string(bytes);
  return true;
}

bool TakeKey(Cursor& cursor, std::uint32_t version, std::size_t* budget, StoreKey* key) {
  std::string_view sealed;
  std::uint32_t count = 0;
  if (!cursor.Block(&sealed) || !cursor.Number(4, &count)) return false;
  if (count > kChainMax || count > *budget) return false;
  *budget -= count;
  key->sealed = std::string(sealed);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!TakeCertificate(cursor, version, &key->chain.emplace_back())) return false;
  }
  return true;
}

StoreFault Damaged(const std::string& where) {
  return StoreFault(StorePart::kStore, std::string(kCutShort) + " (" + where + ")");
}

StoreFault Walk(Cursor& cursor, StoreContents* contents) {
  std::uint32_t version = 0;
  std::uint32_t count = 0;
  std::string_view magic;
  if (!cursor.Take(4, &magic) || !cursor.Number(4, &version) || !cursor.Number(4, &count)) {
    return Damaged("its head");
  }
  if (version != 1 && version != 2) {
    return StoreFault(StorePart::kStore, "is a JKS store of version " + std::to_string(version) +
                                             "; versions 1 and 2 are read");
  }
  if (count > kStoreEntriesMax) {
    return StoreFault(StorePart::kStore, "has more than " + std::to_string(kStoreEntriesMax) +
                                             " entries");
  }
  std::size_t budget = kStoreEntriesMax;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string where = "entry " + std::to_string(i + 1) + " of " + std::to_string(count);
    std::uint32_t tag = 0;
    std::string_view alias;
    std::string_view time;
    if (!cursor.Number(4, &tag) || !cursor.Text(kAliasBytesMax, &alias) ||
        !cursor.Take(8, &time)) {
      return Damaged(where);
    }
    if (tag == kTagKey) {
      StoreKey& key = contents->keys.emplace_back();
      key.alias = FromModifiedUtf8(alias);
      if (!TakeKey(cursor, version, &budget, &key)) return Damaged(where);
    } else if (tag == kTagCertificate) {
      StoreCertificate& certificate = contents->certificates.emplace_back();
      certificate.alias = FromModifiedUtf8(alias);
      certificate.trusted = true;
      if (!TakeCertificate(cursor, version, &certificate.der)) return Damaged(where);
    } else {
      return Damaged(where);
    }
  }
  return StoreFault();
}

}  // namespace

StoreFault ReadJks(std::string_view bytes, const std::optional<std::string>& password,
                   StoreContents* contents) {
  if (bytes.size() < kDigestBytes) return Damaged("its seal");
  const std::string_view sealed = bytes.substr(0, bytes.size() - kDigestBytes);
  const std::string_view seal = bytes.substr(sealed.size());
  Cursor cursor(sealed);
  StoreContents found;
  StoreFault fault = Walk(cursor, &found);
  if (!fault.ok()) return fault;
  if (cursor.left() != 0) return Damaged("bytes after its last entry");
  if (password) {
    std::string units;
    const Wiped wiped(units);
    if (!ToUtf16(*password, &units)) return StoreFault(StorePart::kPassword, "is no UTF-8 text");
    if (!ConstantTimeEquals(Sha1({units, kSealWord, sealed}), seal)) {
      return StoreFault(StorePart::kPassword, std::string(kWrongPassword));
    }
  }
  *contents = std::move(found);
  return StoreFault();
}

bool OpenJksKey(std::string_view sealed, std::string_view password, std::string* pkcs8) {
  const auto* at = reinterpret_cast<const unsigned char*>(sealed.data());
  const std::unique_ptr<X509_SIG, decltype(&X509_SIG_free)> info(
      d2i_X509_SIG(nullptr, &at, static_cast<long>(sealed.size())), &X509_SIG_free);
  if (!info) return false;
  const X509_ALGOR* algorithm = nullptr;
  const ASN1_OCTET_STRING* octets = nullptr;
  X509_SIG_get0(info.get(), &algorithm, &octets);
  std::array<char, 64> oid{};
  OBJ_obj2txt(oid.data(), oid.size(), algorithm->algorithm, 1);
  if (std::string_view(oid.data()) != kProtectorOid) return false;
  const std::string_view all(reinterpret_cast<const char*>(ASN1_STRING_get0_data(octets)),
                             static_cast<std::size_t>(ASN1_STRING_length(octets)));
  if (all.size() < 2 * kDigestBytes) return false;
  const std::string_view cipher = all.substr(kDigestBytes, all.size() - 2 * kDigestBytes);
  const std::string_view check = all.substr(all.size() - kDigestBytes);
  std::string units;
  const Wiped wiped(units);
  if (!ToUtf16(password, &units)) return false;
  std::string plain(cipher);
  std::string pad(all.substr(0, kDigestBytes));
  const Wiped wiped_pad(pad);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    if (i % kDigestBytes == 0) pad = Sha1({units, pad});
    plain[i] = static_cast<char>(plain[i] ^ pad[i % kDigestBytes]);
  }
  if (!ConstantTimeEquals(Sha1({units, plain}), check)) {
    const Wiped wiped_plain(plain);
    return false;
  }
  *pkcs8 = std::move(plain);
  return true;
}

}  // namespace tidegate::config
