// Parses the value of --request.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { parseRawRequest, requestFromArgument } from "../../../commands/explain/request-argument.ts";
import { httpFlow, tcpFlow } from "../../../fixtures/build-flow.ts";
import { reports, writeTape } from "../../../fixtures/tape-files.ts";

const { report } = reports();

t.test("a curl command, a URL", async (t) => {
	t.match(await requestFromArgument("curl -X PUT 'http://a.test/b c'", [], report), { method: "PUT", path: "/b c" });
	t.match(await requestFromArgument("https://a.test/x", [], report), { method: "GET", scheme: "https", path: "/x" });
	t.match(await requestFromArgument("DELETE http://a.test/x", [], report), { method: "DELETE", path: "/x" });
});

t.test("a file with a request, a tape, a flow of a tape", async (t) => {
	const folder = t.testdir();
	const [raw, tape, dump] = [join(folder, "request.http"), join(folder, "a.tape"), join(folder, "a.mitm")];
	writeFileSync(raw, "POST /x HTTP/1.1\nHost: a.test:8080\nContent-Type: text/plain\n\nthe body\n");
	t.match(await requestFromArgument(raw, [], report), {
		method: "POST",
		scheme: "http",
		host: "a.test",
		port: 8080,
		path: "/x",
		text: "the body\n",
	});
	writeFileSync(raw, "curl -d x=1 \\\n  http://a.test/y | jq .\n");
	t.match(await requestFromArgument(raw, [], report), { method: "POST", host: "a.test", path: "/y", text: "x=1" });
	const flows = [
		tcpFlow(),
		httpFlow({ id: "aaaa", request: { path: "/1" } }),
		httpFlow({ id: "bbbb", request: { path: "/2" } }),
	];
	await writeTape(tape, flows);
	await writeTape(dump, flows);
	t.match(await requestFromArgument(tape, [], report), { path: "/1" });
	t.match(await requestFromArgument(`${dump}#bb`, [], report), { path: "/2" });
	t.match(await requestFromArgument("bbb", [dump, tape], report), { path: "/2" });
	await t.rejects(requestFromArgument("cccc", [tape], report), {
		code: "FT_NOT_FOUND",
		message: /expected a curl command, .*found "cccc"/,
	});
	await t.rejects(requestFromArgument(`${tape}#cc`, [], report), { code: "FT_NOT_FOUND", message: /begins with cc/ });
});

t.test("raw requests", (t) => {
	t.match(parseRawRequest(Buffer.from("GET https://a.test/p?q HTTP/1.1\r\nA: b\r\n\r\n")), {
		scheme: "https",
		port: 443,
		path: "/p?q",
		bodySize: 0,
	});
	t.match(parseRawRequest(Buffer.from("GET http://a.test/é HTTP/1.1\r\n\r\n")), { url: "http://a.test/é" });
	t.match(parseRawRequest(Buffer.from("GET /p\r\nHost: a.test:443")), { scheme: "https", host: "a.test" });
	t.equal(parseRawRequest(Buffer.from("GET /p HTTP/1.1\r\n\r\n")), null, "without a host");
	t.equal(parseRawRequest(Buffer.from("SQLite format 3\0")), null);
	t.end();
});
