# The origin of suite.mjs, and a plugin for suites that use pytest-httpbin: their tests use this origin instead of one in the test process.
import os
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer

import pytest


class Origin:
    """A server in another process, with the interface of pytest-httpbin's fixtures."""

    def __init__(self, url):
        self.url = url

    def __add__(self, path):
        return self.url + path


@pytest.fixture(scope="session")
def httpbin():
    return Origin(os.environ["HTTPBIN_URL"])


@pytest.fixture(scope="session")
def httpbin_secure():
    return Origin(os.environ["HTTPBIN_SECURE_URL"])


@pytest.fixture(scope="session", params=["http", "https"])
def httpbin_both(request, httpbin, httpbin_secure):
    return httpbin if request.param == "http" else httpbin_secure


@pytest.fixture
def httpbin_ca_bundle():
    """The environment names the authorities to trust."""


class ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def serve(host):
    from httpbin import app
    from pytest_httpbin.serve import SecureServer, Server

    with Server(host, application=app, server_class=ThreadingServer) as plain, SecureServer(host, application=app) as secure:
        print(f"{plain.url} {secure.url}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    serve(sys.argv[1])
