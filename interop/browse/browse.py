# Browses a site with requests: `browse.py PROXY CA BASE…`, `-` for no proxy. Prints what it got, a line each.
import hashlib
import re
import sys

import requests

proxy, ca, *bases = sys.argv[1:]
session = requests.Session()
session.trust_env = False
session.verify = ca
if proxy != "-":
    session.proxies = {"http": proxy, "https": proxy}


def note(name, response):
    print(name, response.status_code, hashlib.sha256(response.content).hexdigest())


for base in bases:
    base = base.split(" ")[0]
    index = session.get(base)
    note("index", index)
    for name in re.findall(r'(?:href|src)="([^"]+)"', index.text):
        note(name, session.get(base + name))
    note("form", session.post(base + "form", data={"a": "1"}))
    print("protocol", {10: "HTTP/1.0", 11: "HTTP/1.1"}[index.raw.version])
