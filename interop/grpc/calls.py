"""gRPC for grpc.mjs: a server for every kind of call, and a client that prints the result of each call as a JSON line.

    calls.py serve [CERTIFICATE KEY]   prints its port
    calls.py call ADDRESS [ROOTS]      uses the proxy of the environment
"""

import json
import sys
from concurrent import futures

import grpc

SERVICE = "flowtape.test.Calls"


def unary(request, context):
    context.send_initial_metadata((("x-first", "one"), ("x-bytes-bin", b"\x00\xff")))
    context.set_trailing_metadata((("x-last", "two"),))
    return request[::-1]


def refused(request, context):
    context.abort(grpc.StatusCode.PERMISSION_DENIED, "not for you: \u00fc%")


def invalid(request, context):
    context.set_trailing_metadata((("x-last", "details"),))
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no")


def counted(request, context):
    for number in range(int(request)):
        yield b"%d" % number


def broken(request, context):
    yield b"one"
    yield b"two"
    context.abort(grpc.StatusCode.UNAVAILABLE, "gone")


def summed(requests, context):
    return b"%d" % sum(len(one) for one in requests)


def echoed(requests, context):
    for one in requests:
        yield b"<" + one + b">"


def large(request, context):
    return b"x" * int(request)


def described(request, context):
    return json.dumps(sorted((key, value if isinstance(value, str) else value.hex()) for key, value in context.invocation_metadata() if key.startswith("x-"))).encode()


HANDLERS = {
    **{name: grpc.unary_unary_rpc_method_handler(globals()[name]) for name in ("unary", "refused", "invalid", "large", "described")},
    **{name: grpc.unary_stream_rpc_method_handler(globals()[name]) for name in ("counted", "broken")},
    "summed": grpc.stream_unary_rpc_method_handler(summed),
    "echoed": grpc.stream_stream_rpc_method_handler(echoed),
}


def serve(certificate=None, key=None):
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, HANDLERS),))
    if certificate is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        with open(key, "rb") as key_file, open(certificate, "rb") as certificate_file:
            port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key_file.read(), certificate_file.read())]))
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(0)


def call(address, roots=None):
    if roots is None:
        channel = grpc.insecure_channel(address)
    else:
        with open(roots, "rb") as file:
            channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(file.read()))
    metadata = [("x-text", "v\u0021"), ("x-bytes-bin", b"\x01\xfe"), ("x-long", "m" * 6000)]

    def report(name, give, *, is_stream=False):
        got = []
        try:
            answer = give()
            if is_stream:
                for one in answer:
                    got.append(one.decode())
                result = answer
            else:
                result, finished = answer[1], answer[0]
                got.append(finished.decode() if len(finished) < 100 else len(finished))
            outcome = [result.code().name, result.details() or "", dict(first(result.initial_metadata())), dict(first(result.trailing_metadata()))]
        except grpc.RpcError as error:
            outcome = [error.code().name, error.details() or "", dict(first(error.initial_metadata())), dict(first(error.trailing_metadata()))]
        print(json.dumps([name, got, *outcome]), flush=True)

    def first(pairs):
        return [(key, value if isinstance(value, str) else value.hex()) for key, value in pairs or () if key.startswith("x-")]

    path = f"/{SERVICE}/"
    for name, request in [("unary", b"abc"), ("unary", b""), ("refused", b"a"), ("invalid", b"b"), ("large", b"3000000"), ("described", b"")]:
        report(f"{name} {request.decode()}", lambda: channel.unary_unary(path + name).with_call(request, timeout=60, metadata=metadata))
    report("unknown", lambda: channel.unary_unary(path + "nothing").with_call(b"", timeout=60))
    for name, request in [("counted", b"5"), ("counted", b"0"), ("broken", b"")]:
        report(f"{name} {request.decode()}", lambda: channel.unary_stream(path + name)(request, timeout=60), is_stream=True)
    report("summed", lambda: channel.stream_unary(path + "summed").with_call(iter([b"a" * 100, b"b" * 70000, b""]), timeout=60))
    report("echoed", lambda: channel.stream_stream(path + "echoed")(iter([b"1", b"", b"3"]), timeout=60), is_stream=True)
    channel.close()


{"serve": serve, "call": call}[sys.argv[1]](*sys.argv[2:])
