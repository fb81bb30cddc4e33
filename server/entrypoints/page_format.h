// The three layouts of an http-get page (gravitee-behaviour §2.3): JSON, XML, text.
//
// A page is: Open, items with Separator between them, Close with what is known at the end. Items
// are frames that consumers share, so the separator is not part of them.
// Thread: pure. Fails: never.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/base/status.h"
#include "server/flow/encoder.h"
#include "server/http/handler.h"

namespace tidegate::entrypoints {

enum class PageType : std::uint8_t { kJson, kXml, kText };

std::string_view ContentTypeOf(PageType type);

// By Accept, highest q first; absent or empty: text/plain. nullopt: nothing that we can write.
std::optional<PageType> ChoosePageType(const http::RequestHead& head);

// An error that ended the page, as an item.
struct PageError {
  std::string id;       // "goaway" when the gateway stops; else empty
  std::string content;
  std::string key;      // metadata.key, of the error table
};

struct PageEnd {
  std::string next_cursor;            // empty: no pagination
  std::optional<std::string> limit;   // when the client asked for one
  std::optional<PageError> error;
};

std::string_view PageOpen(PageType type);
std::string_view PageSeparator(PageType type);
std::string PageClose(PageType type, const PageEnd& end);

class PageEncoder final : public flow::Encoder {
 public:
  PageEncoder(PageType type, bool headers, bool metadata, http::BodyFraming framing);
  std::string_view key() const override { return key_; }
  bool wants_headers() const override { return headers_; }
  bool wants_id() const override { return true; }
  void Encode(const connectors::Message& message, std::string_view id,
              std::string& out) const override;

 private:
  void AppendJson(const connectors::Message& message, std::string_view id, std::string& out) const;
  void AppendXml(const connectors::Message& message, std::string_view id, std::string& out) const;
  void AppendText(const connectors::Message& message, std::string_view id, std::string& out) const;

  const PageType type_;
  const bool headers_;
  const bool metadata_;
  const http::BodyFraming framing_;
  std::string key_;
};

}  // namespace tidegate::entrypoints
