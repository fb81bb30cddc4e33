#!/usr/bin/env python3
"""A token endpoint for the tests: OAuth 2.0 client credentials, answered with a signed JWT.

usage: token_server.py DIR KEY
KEY is an RSA key (PEM). DIR gets jwks.json, tokens.log (a line per call, no secret in it) and,
when it listens, token.tls_port (https, by DIR/tls/server.pem) and token.port. The client is
`gateway`, its secret stands in DIR/token.secret.
  POST /token[?life=SECONDS]   a token of that life, 3600 s when it is not said
  POST /broken /empty /failing /slow   not JSON; JSON without a token; 503; no answer for 30 s
"""
import base64
import http.server
import json
import os
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

DIR, KEY = sys.argv[1:]
CLIENT = "gateway"
SECRET = open(os.path.join(DIR, "token.secret")).read().strip()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*args, data=b""):
    return subprocess.run(["openssl", *args], input=data, capture_output=True, check=True).stdout


def token(life):
    now = int(time.time())
    claims = {"iss": "https://tokens.tidegate.test", "aud": "kafka", "sub": CLIENT, "iat": now,
              "exp": now + life, "scope": "kafka"}
    head = b64(json.dumps({"alg": "RS256", "kid": "test"}).encode())
    body = head + "." + b64(json.dumps(claims).encode())
    return body + "." + b64(openssl("dgst", "-sha256", "-sign", KEY, data=body.encode()))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, content, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def known(self):
        scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic":
            return False
        user, _, password = base64.b64decode(rest).decode().partition(":")
        return urllib.parse.unquote(user) == CLIENT and urllib.parse.unquote(password) == SECRET

    def do_POST(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        with open(os.path.join(DIR, "tokens.log"), "a") as log:
            log.write("%s scope=%s known=%s\n" % (self.path, form.get("scope"), self.known()))
        if url.path == "/broken":
            return self.answer(200, b"<html>no token here</html>", "text/html")
        if url.path == "/empty":
            return self.answer(200, b'{"token_type": "Bearer"}')
        if url.path == "/slow":
            return time.sleep(30)
        if url.path == "/failing":
            return self.answer(503, b'{"error": "temporarily_unavailable"}')
        if not self.known():
            said = {"error": "invalid_client", "error_description": "who is that?"}
            return self.answer(401, json.dumps(said).encode())
        if form.get("grant_type") != ["client_credentials"]:
            return self.answer(400, b'{"error": "unsupported_grant_type"}')
        life = int(query.get("life", ["3600"])[0])
        said = {"access_token": token(life), "token_type": "Bearer", "expires_in": life}
        return self.answer(200, json.dumps(said).encode())


def listen(name, context):
    """On the port that stands in a file of that name, else on a free one, told there."""
    path = os.path.join(DIR, name)
    wanted = int(open(path).read()) if os.path.exists(path) else 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", wanted), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with open(path + ".new", "w") as file:
        file.write(str(server.server_port))
    os.replace(path + ".new", path)
    return server


def main():
    modulus = openssl("rsa", "-in", KEY, "-noout", "-modulus").decode().strip().partition("=")[2]
    key = {"kty": "RSA", "kid": "test", "use": "sig", "alg": "RS256", "e": "AQAB",
           "n": b64(bytes.fromhex(modulus))}
    with open(os.path.join(DIR, "jwks.json"), "w") as file:
        json.dump({"keys": [key]}, file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(DIR, "tls", "server.pem"))
    threading.Thread(target=listen("token.tls_port", context).serve_forever, daemon=True).start()
    listen("token.port", None).serve_forever()


main()
