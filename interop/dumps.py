"""mitmproxy's side of dumps.mjs, for releases from 8.1 on. `make FILE` writes flows of all types with all properties. `load FILE…`
loads dumps and prints the flows of each as JSON, always with the names of version 21; bytes are {"bytes": …} in Latin-1."""

import json
import os
import sys

from mitmproxy import certs, http, io, version
from mitmproxy.test import tflow, tutils

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../fixtures/shop-example.pem"), "rb") as pem:
    PEM = pem.read()
RELEASE = int(version.VERSION.split(".")[0])
BODY = bytes(range(256)) * 3


def kinds():
    """At least one flow of each type."""
    headers = http.Headers([(b"Host", b"a.example"), (b"X-Twice", b"one"), (b"x-twice", b"two"), (b"X-Latin", b"caf\xe9"), (b"Empty", b"")])
    request = tutils.treq(method=b"POST", scheme=b"https", host="a.example", port=8443, path=b"/caf\xc3\xa9?\xff", http_version=b"HTTP/2.0", authority=b"a.example:8443", headers=headers, content=BODY)
    response = tutils.tresp(status_code=418, reason=b"Odd \xff", headers=http.Headers([(b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2")]), content=b"", trailers=http.Headers([(b"T", b"v")]))
    missing = tflow.tflow(req=tutils.treq(content=None, trailers=http.Headers([(b"T", b"v")])), resp=tutils.tresp(content=None, timestamp_end=None))
    talk = tflow.twebsocketflow() if hasattr(tflow, "twebsocketflow") else tflow.tflow(ws=True)
    talk.websocket.messages[0].dropped = True
    talk.websocket.messages[1].injected = True
    talk.websocket.close_reason, talk.websocket.close_code, talk.websocket.closed_by_client = "b\u00fce", 1001, True
    yield from [tflow.tflow(req=request, resp=response), missing, tflow.tflow(err=True), tflow.tflow(resp=True, err=True), talk, tflow.ttcpflow(err=True), tflow.ttcpflow(messages=[])]
    for name in ("tudpflow", "tdnsflow"):
        if hasattr(tflow, name):
            yield getattr(tflow, name)()
            yield getattr(tflow, name)(err=True)
    if hasattr(tflow, "tdnsflow"):
        yield tflow.tdnsflow(resp=True)


def dressed(n, found):
    """Sets properties that every flow can have; some flows get more of them."""
    found.marked = ["", ":star:", "\u2603"][n % 3]
    found.comment = ["", "look at this\n\u00fcml\u00e4ute \U0001f347"][n % 2]
    found.is_replay = [None, "request", "response"][n % 3]
    found.metadata = [{}, {"user": "bob", "n": 1, "deep": {"list": [True, None, 1.5, "x"]}}][n % 2]
    if n == 3 and RELEASE >= 10:
        found.metadata["blob"] = b"\x00\xff"
    client, server = found.client_conn, found.server_conn
    client.peername = [("127.0.0.1", 50000), ("2001:db8::1", 50000, 0, 3)][n % 2]
    if n % 2:
        client.tls = server.tls = True
        client.mitmcert, server.certificate_list = certs.Cert.from_pem(PEM), [certs.Cert.from_pem(PEM)] * 2
        client.alpn_offers, server.alpn, server.tls_version = [b"h2", b"http/1.1"], b"h2", "TLSv1.3"
        client.cipher_list, server.cipher, server.error = ["A", "B"], "TLS_AES_128_GCM_SHA256", "reset"
    if n % 3 == 1:
        server.via = ("http", ("proxy.example", 3128))
    if n % 4 == 3:
        server.address = server.peername = server.sockname = server.timestamp_start = server.timestamp_tcp_setup = server.timestamp_tls_setup = server.sni = None
    if RELEASE >= 9:
        from mitmproxy.proxy.mode_specs import ProxyMode

        client.proxy_mode = ProxyMode.parse(["regular", "socks5", "reverse:https://a.example:8443@8081", "upstream:http://proxy.example:3128"][n % 4])
    if n == 0:
        found.backup()
        found.request.path = "/edited"
    return found


def neutral(state):
    """The state of a flow with the names of version 21, without properties that only some versions have."""
    for name in ("version", "mode", "backup"):
        state.pop(name, None)
    renamed = {"cipher_name": "cipher", "ip_address": "peername", "source_address": "sockname", "via2": "via"}
    for name in ("client_conn", "server_conn"):
        connection = state[name]
        for old in ("state", "tls_extensions", "tls_established"):
            connection.pop(old, None)
        if name == "client_conn" and "peername" not in connection:
            connection["peername"] = connection.pop("address")
        if name == "server_conn" and "via2" in connection:
            connection.pop("via", None)
        state[name] = {renamed.get(key, key): value for key, value in connection.items()}
        state[name].setdefault("transport_protocol", "tcp")
    return plain(state)


def plain(value):
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def load(path):
    """All flows, and the error that ended reading."""
    flows, why = [], None
    with open(path, "rb") as file:
        try:
            for found in io.FlowReader(file).stream():
                flows.append(neutral(found.get_state()))
        except BaseException as error:  # noqa: BLE001 - several kinds come out of the reader, not all of them its own
            why = f"{type(error).__name__}: {error}"
    return {"flows": flows, "error": why}


if __name__ == "__main__":
    if sys.argv[1] == "make":
        with open(sys.argv[2], "wb") as file:
            writer = io.FlowWriter(file)
            for n, found in enumerate(kinds()):
                writer.add(dressed(n, found))
    else:
        json.dump([load(path) for path in sys.argv[2:]], sys.stdout)
