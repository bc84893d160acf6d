"""The tests of a client in Python. `npm test` runs them under flowtape."""

import json
import os
import urllib.request

API = os.environ.get("API_URL", "http://127.0.0.1:4567")


def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(API + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def test_creates_a_user():
    assert call("/users", {"id": "1", "name": "Ann"})["name"] == "Ann"


def test_numbers_orders():
    first = call("/orders")["number"]
    assert call("/orders")["number"] == first + 1
