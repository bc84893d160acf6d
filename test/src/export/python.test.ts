// Runs the exported code with Python's requests, against a server that stores every byte.
import { spawn, spawnSync } from "node:child_process";
import t from "tap";
import { httpRequest } from "../../../fixtures/build-flow.ts";
import { startRawServer } from "../../../fixtures/raw-server.ts";
import { pythonCode } from "../../../src/export/python.ts";
import { toByteString } from "../../../src/flow/bytes.ts";
import { Headers } from "../../../src/flow/headers.ts";

const lacksRequests: string | false =
	spawnSync("python3", ["-c", "import requests, urllib3"]).status === 0
		? false
		: "python3 with requests is not installed";

/** Runs code; rejects with Python's output if it fails. */
function runPython(code: string): Promise<void> {
	const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/proxy$/i.test(name)));
	const child = spawn("python3", ["-"], { env, stdio: ["pipe", "ignore", "pipe"] });
	let err = "";
	child.stderr.on("data", (chunk: Buffer) => {
		err += chunk;
	});
	child.stdin.end(code);
	return new Promise((resolve, reject) => {
		child.on("error", reject);
		child.on("close", (status) => (status === 0 ? resolve() : reject(new Error(err))));
	});
}

/** Texts that end literals, comments, lines or commands in some language. */
const HOSTILE = [
	'"',
	"'",
	'"""',
	"\\",
	'\\"',
	"\\x41",
	"\\N{DIGIT ONE}",
	"$(id)",
	"`id`",
	"%s",
	"{x}",
	"#",
	";",
	"-- ",
	"-X",
	"\x80\xff",
	"\xc3\xa9",
	"\u0007",
	"\t",
	"\x00",
	"\n",
	"\r\n",
	"\u007f",
];

t.test("method, path, headers and body arrive byte for byte", { skip: lacksRequests }, async (t) => {
	const server = await startRawServer();
	t.teardown(() => server.close());
	const { port } = server;
	let state = 5;
	const next = (n: number) => {
		state = (state * 1103515245 + 12345) % 2147483648;
		return Math.floor(state / 65536) % n;
	};
	const hostile = (pieces: readonly string[]) =>
		Array.from({ length: 1 + next(5) }, () => pieces[next(pieces.length)]).join("x");
	const inHeader = HOSTILE.filter((piece) => !/[\n\0]/.test(piece));
	const requests = Array.from({ length: 40 }, (_, i) => {
		const body = i % 4 === 0 ? Buffer.alloc(0) : Buffer.from(hostile(HOSTILE), "latin1");
		const value = `v${hostile(inHeader)}v`;
		const fields = ["Host", `127.0.0.1:${port}`, "X-Hostile", value, "Connection", "keep-alive", "TE", "trailers"];
		if (body.length > 0) fields.push("Content-Length", "1");
		return {
			value,
			request: httpRequest({
				method: ["POST", "PUT", "patch", "X'TOKEN", "DELETE"][i % 5] ?? "",
				host: "127.0.0.1",
				port,
				path: `/-p;'$(id)/../a${i}?q='*'&r=-%20`,
				headers: new Headers(fields),
				body,
			}),
		};
	});
	await runPython(requests.map(({ request }) => pythonCode(request)).join(""));
	t.equal(server.requests.length, requests.length);
	for (const [i, { request, value }] of requests.entries()) {
		const [head = "", ...rest] = (server.requests[i] ?? "").split("\r\n\r\n");
		const [line, ...fields] = head.split("\r\n");
		const body = request.rawContent?.latin1Slice() ?? "";
		t.equal(line, `${request.method} ${request.path} HTTP/1.1`);
		t.equal(rest.join("\r\n\r\n"), body);
		const named = fields.filter((field) => !/^content-length: 0$/i.test(field));
		t.same(
			named.sort(),
			[
				`Host: 127.0.0.1:${port}`,
				`X-Hostile: ${value}`,
				...(body === "" ? [] : [`Content-Length: ${body.length}`]),
			].sort(),
		);
	}
});

t.test("headers, a different Host, and chunked bodies", { skip: lacksRequests }, async (t) => {
	const server = await startRawServer();
	t.teardown(() => server.close());
	const { port } = server;
	const headers = [
		["Host", "other.test"],
		["User-Agent", "mine"],
		["Accept-Encoding", "br"],
		["Transfer-Encoding", "chunked"],
		["Cookie", "a=1"],
		["cookie", "b=2"],
	] as const;
	const notes: string[] = [];
	await runPython(
		pythonCode(httpRequest({ method: "POST", host: "127.0.0.1", port, headers, body: "hello" }), (note) =>
			notes.push(note),
		),
	);
	const [sent = ""] = server.requests;
	for (const line of [
		"Host: other.test",
		"User-Agent: mine",
		"Accept-Encoding: br",
		"Cookie: a=1; b=2",
		"Transfer-Encoding: chunked",
	])
		t.match(sent, `\r\n${line}\r\n`);
	t.notMatch(sent, /content-length|connection/i);
	t.match(sent, "hello");
	t.same(notes, ['the headers "cookie" are joined to one']);
});

t.test("the code is always printable ASCII", async (t) => {
	const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
	const headers = new Headers(["X-All", all.latin1Slice()]);
	t.match(pythonCode(httpRequest({ method: "POST", headers, path: '/\x80"\n', body: all })), /^[\n -~]+$/);
});

t.test("requests that the library cannot send or changes are errors or noted", async (t) => {
	const noted = (path: string) => {
		const notes: string[] = [];
		pythonCode(httpRequest({ path }), (note) => notes.push(note));
		return notes;
	};
	for (const path of ["/a%2fb", '/a"b', "/a?", "//a", "/caf\xc3\xa9"]) t.match(noted(path), [/requests changes/], path);
	for (const path of ["/", "/a/../b", "/a%2Fb?c=%20&d=/?", "/a~b"]) t.same(noted(path), [], path);
	t.throws(() => pythonCode(httpRequest({ method: "OPTIONS", path: "*" })), { code: "FT_LOSS" });
	t.throws(() => pythonCode(httpRequest({ host: toByteString("münchen.example") })), { code: "FT_LOSS" });
	t.throws(() => pythonCode(httpRequest({ scheme: "ftp" })), { code: "FT_LOSS" });
	t.throws(() => pythonCode(httpRequest({ body: null })), { code: "FT_LOSS" });
});
