import t from "tap";
import { httpRequest } from "../../../fixtures/build-flow.ts";
import { httpieCommand } from "../../../src/export/httpie.ts";

t.test("fields, and what HTTPie would add by itself taken away", async (t) => {
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

t.test("a Host of its own, chunked, and what HTTPie cannot send", async (t) => {
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
