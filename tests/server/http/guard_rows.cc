#include "tests/server/http/guard_rows.h"

namespace tidegate::http {

namespace {

using Rows = std::vector<GuardRow>;

std::string Get(const std::string& lines) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}
std::string Post(const std::string& lines, const std::string& body = "") {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n" + body;
}
std::string First(const std::string& line) { return line + "\r\nHost: a\r\n\r\n"; }
std::string Chunked(const std::string& body) {
  return Post("Transfer-Encoding: chunked\r\n", body);
}
std::string Nul() { return std::string(1, '\0'); }

void RequestLines(Rows& rows) {
  const auto add = [&rows](const std::string& line, int status, Rule rule) {
    rows.push_back({"request line: " + line.substr(0, 40), First(line), status, rule});
  };
  add("get / HTTP/1.1", 400, Rule::kMethodSyntax);
  add("Get / HTTP/1.1", 400, Rule::kMethodSyntax);
  add("GeT / HTTP/1.1", 400, Rule::kMethodSyntax);
  add(" GET / HTTP/1.1", 400, Rule::kMethodSyntax);
  add("\tGET / HTTP/1.1", 400, Rule::kMethodSyntax);
  add("", 400, Rule::kMethodSyntax);
  add("1GET / HTTP/1.1", 400, Rule::kMethodSyntax);
  add("GE(T / HTTP/1.1", 400, Rule::kMethodSyntax);
  add("GET\t/ HTTP/1.1", 400, Rule::kMethodSyntax);
  add("G\xC3\x89T / HTTP/1.1", 400, Rule::kMethodSyntax);
  add("GE" + Nul() + "T / HTTP/1.1", 400, Rule::kMethodSyntax);
  add("\x16\x03\x01 / HTTP/1.1", 400, Rule::kMethodSyntax);
  add("ABCDEFGHIJKLMNOPQRSTU / HTTP/1.1", 501, Rule::kMethodTooLong);
  add("CONNECT a:443 HTTP/1.1", 405, Rule::kMethodConnect);
  add("TRACE / HTTP/1.1", 405, Rule::kMethodTrace);
  add("GET /", 400, Rule::kRequestLineParts);
  add("GET", 400, Rule::kRequestLineParts);
  add("GET  / HTTP/1.1", 400, Rule::kRequestLineParts);
  add("GET /  HTTP/1.1", 400, Rule::kRequestLineParts);
  add("GET / HTTP/1.1 ", 400, Rule::kRequestLineParts);
  add("GET / x HTTP/1.1", 400, Rule::kRequestLineParts);
  add("GET /\tHTTP/1.1", 400, Rule::kRequestLineParts);
  add("GET / http/1.1", 400, Rule::kVersionSyntax);
  add("GET / HTTP/1.1x", 400, Rule::kVersionSyntax);
  add("GET / HTTP/1", 400, Rule::kVersionSyntax);
  add("GET / HTTP/11", 400, Rule::kVersionSyntax);
  add("GET / HTTP/01.1", 400, Rule::kVersionSyntax);
  add("GET / HTTP/1,1", 400, Rule::kVersionSyntax);
  add("GET / HTTPS/1.1", 400, Rule::kVersionSyntax);
  add("GET / ICY/1.1", 400, Rule::kVersionSyntax);
  add("GET / HTTP/1.\r1", 400, Rule::kVersionSyntax);
  add("GET / HTTP/0.9", 505, Rule::kVersionUnsupported);
  add("GET / HTTP/1.2", 505, Rule::kVersionUnsupported);
  add("GET / HTTP/2.0", 505, Rule::kVersionUnsupported);
  add("PRI * HTTP/2.0", 505, Rule::kVersionUnsupported);
  add("GET admin HTTP/1.1", 400, Rule::kTargetForm);
  add("GET * HTTP/1.1", 400, Rule::kTargetForm);
  add("GET ?x HTTP/1.1", 400, Rule::kTargetForm);
  add("GET http://a/ HTTP/1.1", 400, Rule::kTargetForm);
  add("GET https://evil/ HTTP/1.1", 400, Rule::kTargetForm);
  add("GET a:443 HTTP/1.1", 400, Rule::kTargetForm);
  add("OPTIONS * HTTP/1.1", 405, Rule::kTargetAsterisk);
  add("GET /a#b HTTP/1.1", 400, Rule::kTargetByte);
  add("GET /a\x7F HTTP/1.1", 400, Rule::kTargetByte);
  add("GET /\xC3\xBC HTTP/1.1", 400, Rule::kTargetByte);
  add("GET /a\x01 HTTP/1.1", 400, Rule::kTargetByte);
  add("GET /a" + Nul() + "b HTTP/1.1", 400, Rule::kTargetByte);
  add("GET /a\rb HTTP/1.1", 400, Rule::kTargetByte);
  add("GET /a?b=\x1F HTTP/1.1", 400, Rule::kTargetByte);
  add("GET /%zz HTTP/1.1", 400, Rule::kPathEscape);
  add("GET /% HTTP/1.1", 400, Rule::kPathEscape);
  add("GET /%C0%AE%C0%AE/ HTTP/1.1", 400, Rule::kPathEscape);
  add("GET /%u002e HTTP/1.1", 400, Rule::kPathEscape);
  add("GET /a%2Fb HTTP/1.1", 400, Rule::kPathForbidden);
  add("GET /a%5cb HTTP/1.1", 400, Rule::kPathForbidden);
  add("GET /a%00b HTTP/1.1", 400, Rule::kPathForbidden);
  add("GET /a\\b HTTP/1.1", 400, Rule::kPathForbidden);
  add("GET /a/..;/b HTTP/1.1", 400, Rule::kPathForbidden);
  add("GET /../etc/passwd HTTP/1.1", 400, Rule::kPathAboveRoot);
  add("GET /%2e%2e/%2e%2e/x HTTP/1.1", 400, Rule::kPathAboveRoot);
  add("GET /" + std::string(8192, 'a') + " HTTP/1.1", 414, Rule::kRequestLineTooLong);
}

void Fields(Rows& rows) {
  const auto add = [&rows](const std::string& line, int status, Rule rule) {
    rows.push_back({"field: " + line.substr(0, 40), Get(line + "\r\n"), status, rule});
  };
  add("X-A: 1\r\n X-B: 2", 400, Rule::kFieldFolded);
  add("X-A: 1\r\n\tX-B: 2", 400, Rule::kFieldFolded);
  add("X-A: 1\r\n Content-Length: 5", 400, Rule::kFieldFolded);
  add("Transfer-Encoding:\r\n chunked", 400, Rule::kCodingSyntax);
  add(" X-A: 1", 400, Rule::kFieldFolded);
  add("X-A", 400, Rule::kFieldNoColon);
  add("garbage without colon", 400, Rule::kFieldNoColon);
  add("X-A : 1", 400, Rule::kFieldSpaceBeforeColon);
  add("X-A\t: 1", 400, Rule::kFieldSpaceBeforeColon);
  add("Content-Length : 5", 400, Rule::kFieldSpaceBeforeColon);
  add("Transfer-Encoding : chunked", 400, Rule::kFieldSpaceBeforeColon);
  add(": 1", 400, Rule::kFieldName);
  add("X A: 1", 400, Rule::kFieldName);
  add("X(A): 1", 400, Rule::kFieldName);
  add("X\"A: 1", 400, Rule::kFieldName);
  add("X/A: 1", 400, Rule::kFieldName);
  add("X@A: 1", 400, Rule::kFieldName);
  add("X[A]: 1", 400, Rule::kFieldName);
  add("X{A}: 1", 400, Rule::kFieldName);
  add("X\xC3\xBC: 1", 400, Rule::kFieldName);
  add("X" + Nul() + "A: 1", 400, Rule::kFieldName);
  add("\x01X: 1", 400, Rule::kFieldName);
  add("\rX: 1", 400, Rule::kFieldName);
  add("X\rY: 1", 400, Rule::kFieldName);
  add("\x0BTransfer-Encoding: chunked", 400, Rule::kFieldName);
  add("X_A: 1", 400, Rule::kFieldUnderscore);
  add("Transfer_Encoding: chunked", 400, Rule::kFieldUnderscore);
  add("Content_Length: 5", 400, Rule::kFieldUnderscore);
  add("X-A: a" + Nul() + "b", 400, Rule::kNulByte);
  add("X-A: a\rb", 400, Rule::kBareCr);
  add("X-A: a\r\r", 400, Rule::kBareCr);
  add("X-A: \x01", 400, Rule::kFieldValueByte);
  add("X-A: \x1B[0m", 400, Rule::kFieldValueByte);
  add("X-A: long enough for eight\x7F", 400, Rule::kFieldValueByte);
  add("X-A: \x0B", 400, Rule::kFieldValueByte);
  add("X-A: \x0C", 400, Rule::kFieldValueByte);
  add("X-A: a\nX-B: 1", 400, Rule::kBareLf);
  add("X-A: 1\n", 400, Rule::kBareLf);
  add("X-A: " + std::string(8190, 'a'), 431, Rule::kFieldTooLarge);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
  rows.push_back({"101 fields", Get(many), 431, Rule::kTooManyFields});
  std::string large;
  for (int i = 0; i < 3; ++i) large += "X-A: " + std::string(6000, 'a') + "\r\n";
  rows.push_back({"head of 18 KiB", Get(large), 431, Rule::kHeadTooLarge});
  rows.push_back({"LF only", "GET / HTTP/1.1\nHost: a\n\n", 400, Rule::kBareLf});
  rows.push_back({"LF ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, Rule::kBareLf});
  rows.push_back({"empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400,
                  Rule::kMethodSyntax});
}

void Hosts(Rows& rows) {
  const auto add = [&rows](const std::string& lines, Rule rule) {
    rows.push_back({"host: " + lines.substr(0, 40), "GET / HTTP/1.1\r\n" + lines + "\r\n", 400,
                    rule});
  };
  add("", Rule::kHostMissing);
  add("X-Host: a\r\n", Rule::kHostMissing);
  add("Host: a\r\nHost: b\r\n", Rule::kHostRepeated);
  add("Host: a\r\nhost: a\r\n", Rule::kHostRepeated);
  for (const std::string host :
       {"", "a b", "a,b", "user@a", "a/b", "a:80:90", "a:", "a:x", "a:99999", "a..b", ".a", "a..",
        "[::1", "[]", "[zz]", "[::1]x", "[::1]:x", "a%20b", "a\tb", "a?b", "a#b", "\xC3\xBC.test",
        "a\"b", "*", "http://a", "a:-1", "a;b"}) {
    add("Host: " + host + "\r\n", Rule::kHostInvalid);
  }
  add("Host: " + std::string(300, 'a') + "\r\n", Rule::kHostInvalid);
}

void Framing(Rows& rows) {
  const auto add = [&rows](const std::string& lines, int status, Rule rule) {
    rows.push_back({"framing: " + lines.substr(0, 50), Post(lines, "0\r\n\r\n"), status, rule});
  };
  for (const std::string value : {"", "+5", "-5", "5 5", "0x5", "1_0", "5,5", "5, 5", "005", "00",
                                  "5.0", "5e1", "five", "99999999999999999999", "5;",
                                  "18446744073709551616", "\"5\"", "5\xA0"}) {
    add("Content-Length: " + value + "\r\n", 400, Rule::kLengthSyntax);
  }
  add("Content-Length: 5\r\nContent-Length: 5\r\n", 400, Rule::kLengthRepeated);
  add("Content-Length: 5\r\nContent-Length: 6\r\n", 400, Rule::kLengthRepeated);
  add("Content-Length: 5\r\ncontent-length: 0\r\n", 400, Rule::kLengthRepeated);
  add("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400, Rule::kCodingWithLength);
  add("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400, Rule::kCodingWithLength);
  add("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400,
      Rule::kCodingRepeated);
  add("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400,
      Rule::kCodingRepeated);
  add("Transfer-Encoding: foo\r\nTransfer-Encoding: chunked\r\n", 501, Rule::kCodingUnknown);
  for (const std::string value :
       {"", "chunked, chunked", "chunked, gzip", "gzip, chunked", "chunked,", ",chunked",
        "chunked;q=1", "\"chunked\"", "'chunked' x", "chunked\x85", "\xA0" "chunked",
        "chunked\xA0", "chunked cow", "cow chunked bar", "chun ked", "chunked\t,", "{chunked}",
        "chunked=", "x chunked"}) {
    add("Transfer-Encoding: " + value + "\r\n", 400, Rule::kCodingSyntax);
    add("Content-Length: 5\r\nTransfer-Encoding: " + value + "\r\n", 400, Rule::kCodingSyntax);
  }
  for (const std::string value : {"identity", "gzip", "chunk", "xchunked", "chunkedx",
                                  "deflate, br", "chunked1", "'chunked'"}) {
    add("Transfer-Encoding: " + value + "\r\n", 501, Rule::kCodingUnknown);
    add("Content-Length: 5\r\nTransfer-Encoding: " + value + "\r\n", 501, Rule::kCodingUnknown);
  }
  rows.push_back({"chunked on 1.0",
                  "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
                  Rule::kCodingOnOldVersion});
}

void Others(Rows& rows) {
  const auto add = [&rows](const std::string& line, int status, Rule rule) {
    rows.push_back({"other: " + line, Get(line + "\r\n"), status, rule});
  };
  add("Connection: a b", 400, Rule::kConnectionSyntax);
  add("Connection: close;x", 400, Rule::kConnectionSyntax);
  add("Connection: \"close\"", 400, Rule::kConnectionSyntax);
  for (const std::string field :
       {"authorization", "Host", "Cookie", "X-Api-Key", "Content-Length", "Transfer-Encoding",
        "X-Gravitee-Api-Key", "X-Forwarded-For", "Forwarded", "Content-Type", "Last-Event-ID"}) {
    add("Connection: keep-alive, " + field, 400, Rule::kConnectionProtected);
  }
  add("Expect: 200-ok", 417, Rule::kExpectUnknown);
  add("Expect: 100-continue, x", 417, Rule::kExpectUnknown);
  add("Expect: 100-continue\r\nExpect: 100-continue", 400, Rule::kExpectRepeated);
  add("Upgrade: web socket", 400, Rule::kUpgradeSyntax);
  add("Upgrade: websocket/", 400, Rule::kUpgradeSyntax);
}

void Chunks(Rows& rows) {
  const auto add = [&rows](const std::string& body, int status, Rule rule) {
    rows.push_back({"chunks: " + body.substr(0, 40), Chunked(body), status, rule});
  };
  add("0x5\r\nhello\r\n0\r\n\r\n", 400, Rule::kChunkSize);
  add("+5\r\nhello\r\n0\r\n\r\n", 400, Rule::kChunkSize);
  add("-5\r\nhello\r\n0\r\n\r\n", 400, Rule::kChunkSize);
  add(" 5\r\nhello\r\n0\r\n\r\n", 400, Rule::kChunkSize);
  add("5 \r\nhello\r\n0\r\n\r\n", 400, Rule::kChunkSize);
  add("\r\nhello\r\n0\r\n\r\n", 400, Rule::kChunkSize);
  add("g\r\nhello\r\n0\r\n\r\n", 400, Rule::kChunkSize);
  add("5_0\r\nhello\r\n0\r\n\r\n", 400, Rule::kChunkSize);
  add("0000000005\r\nhello\r\n0\r\n\r\n", 400, Rule::kChunkSize);
  add("10000000000000005\r\nhello\r\n0\r\n\r\n", 400, Rule::kChunkSize);
  add("FFFFFFFFF\r\nhello\r\n0\r\n\r\n", 400, Rule::kChunkSize);
  add("5;a=b\r\nhello\r\n0\r\n\r\n", 400, Rule::kChunkExtension);
  add("5;\r\nhello\r\n0\r\n\r\n", 400, Rule::kChunkExtension);
  add("0;x\r\n\r\n", 400, Rule::kChunkExtension);
  add("5\nhello\r\n0\r\n\r\n", 400, Rule::kChunkLine);
  add("5\rhello\r\n0\r\n\r\n", 400, Rule::kChunkLine);
  add("5\r\r\nhello\r\n0\r\n\r\n", 400, Rule::kChunkLine);
  add("5\r\nhelloX0\r\n\r\n", 400, Rule::kChunkEnd);
  add("5\r\nhello\n0\r\n\r\n", 400, Rule::kChunkEnd);
  add("5\r\nhello\rX0\r\n\r\n", 400, Rule::kChunkEnd);
  add("4\r\nhello\r\n0\r\n\r\n", 400, Rule::kChunkEnd);
  add("0\r\nX\r\n\r\n", 400, Rule::kTrailerSyntax);
  add("0\r\nX Y: 1\r\n\r\n", 400, Rule::kTrailerSyntax);
  add("0\r\nX: \x01\r\n\r\n", 400, Rule::kTrailerSyntax);
  add("0\r\n X: 1\r\n\r\n", 400, Rule::kTrailerSyntax);
  add("0\r\nX: 1\n\r\n", 400, Rule::kBareLf);
  for (const std::string field : {"Host", "Authorization", "X-Api-Key", "X-Gravitee-Api-Key",
                                  "Content-Length", "Transfer-Encoding", "connection", "Cookie"}) {
    add("0\r\n" + field + ": 1\r\n\r\n", 400, Rule::kTrailerForbidden);
  }
  add("0\r\nX: " + std::string(5000, 'a') + "\r\n\r\n", 400, Rule::kTrailerTooLarge);
}

}  // namespace

std::vector<GuardRow> GuardRows() {
  Rows rows;
  RequestLines(rows);
  Fields(rows);
  Hosts(rows);
  Framing(rows);
  Others(rows);
  Chunks(rows);
  return rows;
}

std::vector<GuardRow> AcceptedRows() {
  Rows rows;
  const auto add = [&rows](const std::string& name, const std::string& bytes) {
    rows.push_back({name, bytes, 200, Rule::kNone});
  };
  add("plain", Get(""));
  add("1.0 without Host", "GET / HTTP/1.0\r\n\r\n");
  add("unusual method", First("M-SEARCH / HTTP/1.1"));
  add("tab in a value", Get("X-A: a\tb\r\n"));
  add("empty value", Get("X-A:\r\n"));
  add("obs-text in a value", Get("X-A: gr\xFC\xDF\r\n"));
  add("blanks around a value", Get("X-A: \t 1 \t\r\n"));
  add("TE in capitals", Post("Transfer-Encoding: Chunked\r\n", "0\r\n\r\n"));
  add("harmless trailer", Chunked("3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"));
  add("capital hex size", Chunked("A\r\n0123456789\r\n0\r\n\r\n"));
  add("length zero", Post("Content-Length: 0\r\n"));
  add("host with port", "GET / HTTP/1.1\r\nHost: a.test.:8080\r\n\r\n");
  add("IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n");
  add("Connection with an own field", Get("Connection: keep-alive, X-Mine\r\n"));
  add("h2c is ignored", Get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"));
  add("all token characters", Get("!#$%&'*+-.^`|~09azAZ: 1\r\n"));
  add("all path characters", First("GET /-._~!$&'()*+,;=:@ HTTP/1.1"));
  return rows;
}

}  // namespace tidegate::http
