// Requests as HTTPie commands.
import t from "tap";
import { httpRequest } from "../../../fixtures/build-flow.ts";
import { httpieCommand } from "../../../src/export/httpie.ts";

t.test("headers, without those that HTTPie adds by default", async (t) => {
	const request = httpRequest({
		method: "PATCH",
		headers: [
			["Host", "example.com"],
			["X-A", "=1"],
			["X-Empty", ""],
			["Accept", "*/*"],
		],
	});
	t.equal(
		httpieCommand(request),
		`http --ignore-stdin -- PATCH http://example.com/ \\
  'X-A: =1' \\
  'X-Empty;' \\
  'Accept: */*' \\
  user-agent: \\
  accept-encoding: \\
  connection:
`,
	);
});

t.test("a body is piped in", async (t) => {
	const command = httpieCommand(httpRequest({ method: "POST", body: "a=1\n" }));
	t.match(command, /^printf 'a=1\\012' \|\nhttp -- POST /);
	t.match(command, "content-type:");
	t.match(httpieCommand(httpRequest({ path: "/a/../b" })), /^http --ignore-stdin --path-as-is -- GET /);
});

t.test("a different Host, chunked bodies, and requests that HTTPie cannot send", async (t) => {
	const other = httpRequest({ host: "127.0.0.1", port: 8123, path: "/p#x", headers: [["Host", "shop.example"]] });
	t.match(
		httpieCommand(other),
		/^http --ignore-stdin -- GET http:\/\/127\.0\.0\.1:8123\/p \\\n {2}'Host: shop\.example'/,
	);
	t.notMatch(
		httpieCommand(httpRequest({ method: "POST", headers: [["Transfer-Encoding", "chunked"]], body: "x" })),
		/chunked/i,
	);
	const notes: string[] = [];
	const odd = httpRequest({
		headers: [
			["X-A", "a\\:b"],
			["X-B", "ok"],
		],
	});
	t.match(
		httpieCommand(odd, (note) => notes.push(note)),
		/X-B: ok/,
	);
	t.notMatch(httpieCommand(odd), /X-A/);
	t.match(notes, [/cannot send.*"X-A"/]);
	for (const method of ["--output=/tmp/x", "-o", "get", "M-SEARCH", "127.0.0.1:9"])
		t.throws(() => httpieCommand(httpRequest({ method })), { code: "FT_LOSS" }, method);
	t.throws(() => httpieCommand(httpRequest({ method: "OPTIONS", path: "*" })), { code: "FT_LOSS" });
});

t.test("paths and queries that HTTPie changes are noted", async (t) => {
	for (const [path, expected] of [
		["/a%2Fb/%7Ec?x=%2F", []],
		["/a%2fb", ["HTTPie changes percent-encoding in the path"]],
		["/a[1]", ["HTTPie changes percent-encoding in the path"]],
		["/\xe9", ["HTTPie changes percent-encoding in the path"]],
		["/?a=%2f", ["HTTPie changes percent-encoding in the query"]],
		["/?a=%7E", ["HTTPie changes percent-encoding in the query"]],
		["/p?", ["HTTPie leaves out the ? of an empty query"]],
	] as const) {
		const notes: string[] = [];
		httpieCommand(httpRequest({ path }), (note) => notes.push(note));
		t.same(notes, expected, path);
	}
});
