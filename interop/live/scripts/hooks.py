# The same hooks as in hooks.mjs, for mitmproxy.
from mitmproxy import http

order = []


def output(name, flow):
    if flow.request.path.startswith("/order"):
        order.append(name)


def requestheaders(flow):
    output("requestheaders", flow)
    if flow.request.path == "/early":
        flow.response = http.Response.make(201, b"early", {"X-Made": "early"})
    if flow.request.path == "/stream-request":
        flow.request.stream = lambda chunk: chunk.upper()


def request(flow):
    output("request", flow)
    path = flow.request.path
    if path == "/made":
        flow.response = http.Response.make(418, "made é", {"X-Made": "yes", "Content-Type": "text/plain; charset=utf-8"})
    elif path == "/empty":
        flow.response = http.Response.make()
    elif path == "/kill":
        flow.kill()
    elif path == "/host":
        flow.request.host = "127.0.0.1"
    elif path == "/path":
        flow.request.path = "/other?x=1"
    elif path == "/method":
        flow.request.method = "PUT"
    elif path == "/text":
        flow.request.text = flow.request.text.replace("a", "bb")
    elif path == "/content":
        flow.request.content = b"\x00\xff"
    elif path.startswith("/query"):
        flow.request.query["added"] = "1 2"
        del flow.request.query["gone"]
    elif path == "/cookies":
        flow.request.cookies["b"] = "2"
    elif path == "/form":
        flow.request.urlencoded_form["b"] = "x y"
    elif path == "/fields":
        flow.request.headers["X-New"] = "1"
        flow.request.headers["x-old"] = "new"
        flow.request.headers.add("X-Old", "second")
        del flow.request.headers["X-Gone"]
        flow.request.headers.set_all("X-All", ["1", "2"])
    elif path == "/throws":
        raise ValueError("on purpose")


def responseheaders(flow):
    output("responseheaders", flow)
    if flow.request.path == "/stream":
        flow.response.stream = True
    if flow.request.path == "/transform":
        flow.response.stream = lambda chunk: chunk.replace(b"l", b"L")
    if flow.request.path == "/head-only":
        flow.response.headers["X-Head"] = "1"


def response(flow):
    output("response", flow)
    path = flow.request.path
    if path == "/order":
        flow.response.text = " ".join(order)
        order.clear()
    elif path == "/status":
        flow.response.status_code = 299
        flow.response.reason = "Changed Indeed"
    elif path == "/response-text":
        flow.response.text = flow.response.text + " été"
    elif path == "/response-kill":
        flow.kill()
    elif path == "/response-fields":
        flow.response.headers["Set-Cookie"] = "only=1"
        flow.response.headers.add("X-A", "1")
    elif path == "/decode":
        flow.response.decode()
    elif path == "/replace":
        flow.response = http.Response.make(200, b"replaced", {"X-R": "1"})


def error(flow):
    output("error", flow)


def websocket_message(flow):
    message = flow.websocket.messages[-1]
    if message.content == b"drop":
        message.drop()
    elif message.from_client:
        message.content = message.content.replace(b"a", b"A")
    else:
        message.content = message.content + b"!"
