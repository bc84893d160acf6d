"""mitmproxy's side of filters.mjs. `make DUMP` writes flows of all types. `match DUMP` reads a JSON list of expressions from stdin, and
prints the ids of the matching flows for each, or null if mitmproxy rejects it."""

import gzip
import json
import re
import sys

from mitmproxy import flowfilter, http, io
from mitmproxy.dns import ResourceRecord
from mitmproxy.test import tflow, tutils

METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "get", "PROPFIND"]
HOSTS = ["example.com", "api.example.com", "shop.example", "xn--mnchen-3ya.example", "127.0.0.1", "2001:db8::1", "LOCALHOST"]
PATHS = ["/", "/api/v1/items?id=1&id=2", "/api/v2/users/42", "/logo.png", "/app.js?v=3", "/caf%C3%A9", "/search?q=a+b|c", "/(x)/[y]", "/needle"]
TYPES = ["text/html; charset=utf-8", "application/json", "text/javascript", "image/png", "font/woff2", "TEXT/PLAIN", "application/octet-stream", ""]
CODES = [200, 201, 204, 301, 302, 304, 400, 401, 404, 418, 500, 503]
BODIES = [b"", b"hello world", b'{"needle": 1, "list": [1, 2]}', "caf\u00e9 \u2603 STRASSE".encode(), "caf\u00e9".encode("latin1"), b"line one\nline two\r\nline three\n", bytes(range(256)), b"x" * 3000 + b"Needle"]


def http_flow(n):
    host, body, kind = HOSTS[n % 7], BODIES[n % 8], TYPES[n * 3 % 8]
    headers = [(b"Host", (host if n % 5 else f"named-{n}.example:8080").encode()), (b"X-Number", str(n).encode())]
    if n % 4 == 1:
        headers += [(b"Cookie", b"sid=%d" % n), (b"Content-Type", b"application/x-www-form-urlencoded")]
    if n % 6 == 2:
        headers += [(b"x-dup", b"one"), (b"X-Dup", "zw\u00f6lf".encode()), (b"Empty", b"")]
    version = b"HTTP/2.0" if n % 9 == 3 else b"HTTP/1.1"
    request = tutils.treq(
        host=host, port=[80, 443, 8080][n % 3], scheme=b"https" if n % 2 else b"http", method=METHODS[n % 9].encode(), path=PATHS[n % 9].encode(),
        http_version=version, authority=host.encode() if version == b"HTTP/2.0" else b"", headers=http.Headers(headers), content=BODIES[n * 5 % 8],
    )
    response = None
    if n % 7:
        coded = n % 5 == 2 and len(body) > 0
        fields = [(b"Content-Type", kind.encode()), (b"Server", b"nginx/1.2%d" % n), (b"Set-Cookie", b"a=1; Path=/")] + ([(b"Content-Encoding", b"gzip")] if coded else [])
        if n % 11 == 4:
            fields.append((b"content-encoding", b"br"))  # which the body is not
        response = tutils.tresp(status_code=CODES[n % 12], headers=http.Headers(fields), content=gzip.compress(body, mtime=0) if coded else body)
        if n % 13 == 5:
            response.data.content = None
    flow = tflow.tflow(req=request, resp=response or False, err=n % 10 == 4, ws=n % 8 == 6)
    if flow.websocket and response:
        flow.websocket.messages[0].content = b"from client %d" % n
    return flow


def dress(flow, n):
    """Sets the properties that flows of every type can have."""
    flow.id = f"00000000-0000-4000-8000-{n:012x}"
    flow.marked = ["", "", ":star:", "\u2603"][n % 4]
    flow.comment = ["", "look at this", "two\nlines", "\u00dcml\u00e4ute \U0001f347"][n * 3 % 4]
    flow.is_replay = [None, None, "request", "response"][n // 2 % 4]
    flow.metadata = [{}, {"user": "bob", "n": 1}, {"deep": {"k": [True, None, 1.5, b"\x00x"]}, "quote": "it's"}, {"f": 1e16, "neg": -0.0001}][n * 5 % 4]
    flow.client_conn.peername = ("10.0.0.%d" % (n % 5), 40000 + n) if n % 6 else ("::1", 50000)
    flow.server_conn.address = (HOSTS[n % 7], 443 if n % 2 else 80) if n % 9 else None
    return flow


def flows():
    found = [http_flow(n) for n in range(120)]
    for n in range(6):
        found += [tflow.ttcpflow(err=n == 1), tflow.tudpflow(err=n == 2), tflow.tdnsflow(resp=n % 2 == 0, err=n == 3)]
    answered = next(f for f in found if f.type == "dns" and f.response)
    answered.response.answers += [ResourceRecord.TXT("example.com", "v=spf1 needle"), ResourceRecord.CNAME("a", "alias.example.org")]
    answered.response.answers += [ResourceRecord("m", 15, 1, 60, b"\x00\x0a"), ResourceRecord("b", 1, 1, 60, b"\x01")]
    return [dress(flow, n) for n, flow in enumerate(found)]


def match(path):
    # newer versions ignore case in all patterns; older ones only in some
    for operator in flowfilter.filter_rex:
        operator.flags |= re.IGNORECASE
    with open(path, "rb") as file:
        read = list(io.FlowReader(file).stream())
    for expression in json.load(sys.stdin):
        try:
            test = flowfilter.parse(expression)
        except ValueError:
            test = None
        yield [flow.id for flow in read if test(flow)] if test else None


if __name__ == "__main__":
    if sys.argv[1] == "make":
        with open(sys.argv[2], "wb") as file:
            writer = io.FlowWriter(file)
            for flow in flows():
                writer.add(flow)
    else:
        json.dump(list(match(sys.argv[2])), sys.stdout)
