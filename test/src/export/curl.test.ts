// Requests as curl commands.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { httpRequest } from "../../../fixtures/build-flow.ts";
import { curlCommand } from "../../../src/export/curl.ts";
import type { Request } from "../../../src/flow/message.ts";

/** The arguments with which a shell starts curl, and its stdin. */
function started(t: Test, request: Request): { args: string[]; stdin: string } {
	const folder = t.testdir({
		"curl.cjs": `const chunks = [];
			process.stdin.on("data", (chunk) => chunks.push(chunk)).on("end", () => console.log(JSON.stringify({ args: process.argv.slice(2), stdin: Buffer.concat(chunks).toString("latin1") })))`,
	});
	const script = `curl() { '${process.execPath}' '${join(folder, "curl.cjs")}' "$@"; }\n${curlCommand(request)}`;
	const file = join(folder, "command.sh");
	writeFileSync(file, script, "latin1");
	return JSON.parse(execFileSync("sh", [file], { encoding: "utf8", input: "", cwd: folder }));
}

t.test("a plain request", async (t) => {
	const { args } = started(
		t,
		httpRequest({
			path: "/a?b=c d'e",
			headers: [
				["Host", "example.com"],
				["User-Agent", "it's $me"],
				["X-Empty", ""],
				["Accept", "*/*"],
			],
		}),
	);
	t.same(args, ["http://example.com/a?b=c%20d'e", "-H", "User-Agent: it's $me", "-H", "X-Empty;", "-H", "Accept: */*"]);
});

t.test("removes headers that curl would add", async (t) => {
	const { args } = started(t, httpRequest({ headers: [] }));
	t.same(args.slice(1), ["-H", "user-agent:", "-H", "accept:"]);
});

t.test("text, binary and long bodies", async (t) => {
	const headers = [
		["Host", "example.com"],
		["Content-Type", "application/json"],
		["Content-Length", "9"],
	] as const;
	const text = started(t, httpRequest({ method: "POST", headers, body: '@{"a":1}\n' }));
	t.same(text.args.slice(-2), ["--data-raw", '@{"a":1}\n'], "not read from a file");
	t.notMatch(text.args.join(" "), /content-length|-X/i, "the method and the length follow from the body");
	const binary = Buffer.from([0, 255, 10, 39, 37, 92]);
	const piped = started(t, httpRequest({ method: "PUT", headers, body: binary }));
	t.equal(piped.stdin, binary.toString("latin1"));
	t.match(piped.args, ["http://example.com/", "-X", "PUT"]);
	t.same(piped.args.slice(-2), ["--data-binary", "@-"]);
	const long = "x".repeat(200_000);
	t.equal(started(t, httpRequest({ method: "POST", body: long })).stdin, long);
});

t.test("methods and paths that need an option", async (t) => {
	t.ok(started(t, httpRequest({ method: "HEAD" })).args.includes("--head"));
	t.match(started(t, httpRequest({ method: "DELETE" })).args.join(" "), "-X DELETE");
	t.match(started(t, httpRequest({ path: "/a/../b[1-3]" })).args.join(" "), /--globoff --path-as-is/);
	const empty = httpRequest({ method: "PUT", headers: [["Content-Length", "0"]] });
	t.match(started(t, empty).args.join(" "), "-H content-length: 0");
	t.match(started(t, httpRequest({ method: "OPTIONS", path: "*" })).args.join(" "), "--request-target *");
	t.match(started(t, httpRequest({ path: "/../a#b" })).args.join(" "), "--path-as-is", "a fragment is not sent");
	t.notMatch(started(t, httpRequest({ path: "/../a#b" })).args.join(" "), "#");
	t.match(
		started(t, httpRequest({ host: "10.0.0.1", headers: [["Host", "example.com"]] })).args.join(" "),
		"--connect-to ::10.0.0.1:80",
	);
	t.match(
		started(t, httpRequest({ port: 8080, headers: [["Host", "example.com"]] })).args.join(" "),
		"http://example.com/ --connect-to ::example.com:8080",
	);
	t.match(
		started(t, httpRequest({ headers: [["Host", "example.com:80"]] })).args.join(" "),
		"http://example.com/ -H Host: example.com:80",
	);
	t.match(started(t, httpRequest({ scheme: "https", port: 443, httpVersion: "HTTP/2.0" })).args.join(" "), "--http2");
	t.notMatch(
		started(t, httpRequest({ httpVersion: "HTTP/2.0" })).args.join(" "),
		"--http2",
		"without TLS curl would ask for an upgrade",
	);
	t.match(started(t, httpRequest({ httpVersion: "HTTP/1.0" })).args.join(" "), "--http1.0");
	t.ok(started(t, httpRequest({ headers: [["Accept-Encoding", "gzip"]] })).args.includes("--compressed"));
});

t.test("a header that curl would read as a file name is left out", async (t) => {
	t.notMatch(
		started(
			t,
			httpRequest({
				headers: [
					["@/etc/passwd", "x"],
					[":authority", "y"],
				],
			}),
		).args.join(" "),
		/passwd|authority/,
	);
});
