# Browses a site with requests, or with urllib if it is missing: `browse.py PROXY CA BASE…`. Each base is `URL VERSION`; a proxy of `-`
# means none. Prints a line for each response.
import hashlib
import re
import ssl
import sys
import urllib.parse
import urllib.request

proxy, ca, *targets = sys.argv[1:]
proxies = {} if proxy == "-" else {"http": proxy, "https": proxy}

try:
    import requests

    session = requests.Session()
    session.trust_env = False
    session.verify = ca
    session.proxies = proxies

    def fetch(url, form=None):
        response = session.get(url) if form is None else session.post(url, data=form)
        return response.status_code, response.content, response.raw.version

except ImportError:
    context = ssl.create_default_context(cafile=ca)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=context))

    def fetch(url, form=None):
        data = None if form is None else urllib.parse.urlencode(form).encode()
        with opener.open(url, data) as response:
            return response.status, response.read(), response.version


def note(name, url, form=None):
    status, body, version = fetch(url, form)
    print(name, status, hashlib.sha256(body).hexdigest())
    return body.decode("latin1"), version


for target in targets:
    base = target.split(" ")[0]
    index, version = note("index", base)
    for name in re.findall(r'(?:href|src)="([^"]+)"', index):
        note(name, base + name)
    note("form", base + "form", {"a": "1"})
    print("protocol", {10: "HTTP/1.0", 11: "HTTP/1.1"}[version])
