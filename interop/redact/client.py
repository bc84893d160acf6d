# A session with Python: client.py urllib|requests BASE PASSWORD KEY CA; prints the statuses. The proxy is in the environment.
import gzip
import http.cookiejar
import json
import ssl
import sys
import urllib.parse
import urllib.request

library, base, password, key, ca = sys.argv[1:]
JSON = {"Content-Type": "application/json"}

if library == "requests":
    import requests

    session = requests.Session()
    session.verify = ca

    def ask(path, body=None, headers={}):
        answer = session.request("GET" if body is None else "POST", base + path, data=body, headers=headers)
        return answer.status_code, answer.content

else:
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca)),
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
    )

    def ask(path, body=None, headers={}):
        with opener.open(urllib.request.Request(base + path, body, headers)) as answer:
            content = answer.read()
            coded = answer.headers.get("Content-Encoding") == "gzip"
            return answer.status, gzip.decompress(content) if coded else content


def as_json(value):
    return json.dumps(value).encode()


statuses = []


def step(*args):
    status, content = ask(*args)
    statuses.append(str(status))
    return content


token = json.loads(step("/login", as_json({"user": "ann", "password": password}), JSON))["access_token"]
step("/me", None, {"Authorization": "Bearer " + token})
step("/items?" + urllib.parse.urlencode({"access_token": token}))
step("/json", as_json({"auth": {"session_token": token}}), JSON)
step("/go")
part = '--limit\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
form = (part % ("password", password) + part % ("title", "a picture") + "--limit--\r\n").encode()
step("/upload", form, {"Content-Type": "multipart/form-data; boundary=limit"})
step("/gzip", gzip.compress(as_json({"api_key": key}), mtime=0), {**JSON, "Content-Encoding": "gzip"})
print(" ".join(statuses))
