// Reads HARs of many programs; writing and reading them again changes nothing.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { tcpFlow } from "../../fixtures/build-flow.ts";
import { harViolations } from "../../fixtures/har-checks.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";
import { comparable, variedFlows } from "../../fixtures/varied-flows.ts";
import { writeZip, type ZippedFile } from "../../fixtures/write-zip.ts";
import { har } from "../../formats/har.ts";
import type { Flow, HttpFlow } from "../../src/flow/flow.ts";

const HARS = [
	"chromium.har",
	"firefox.har",
	"safari.har",
	"charles.har",
	"fiddler.har",
	"mitmproxy.har",
	"playwright.zip",
];
const fixture = (name: string): string => join("fixtures/flows", name);

async function flowsOf(name: string): Promise<{ flows: HttpFlow[]; reported: unknown[] }> {
	const { flows, reported } = await readTape(fixture(name));
	return { flows: flows as HttpFlow[], reported: reported.map(({ message }) => message) };
}

t.test("detected among files that begin with a brace", async (t) => {
	t.ok(har.sniff(Buffer.from('\ufeff\n{ "log" : {')));
	t.ok(har.sniff(await readFile(fixture("playwright.zip"))));
	t.notOk(har.sniff(Buffer.from('{"id":1}')));
	t.notOk(har.sniff(Buffer.from("PK")));
});

t.test("Chromium", async (t) => {
	const { flows, reported } = await flowsOf("chromium.har");
	t.match(reported, [/entries other than HTTP .* left out: 1$/]);
	const at = (path: string) => flows.find((flow) => flow.request.path === path) as HttpFlow;
	t.match(at("/style.css").response?.text, /^body \{ color: #333 \}\n/);
	t.match(at("/style.css").response?.headers.get("content-encoding"), "gzip");
	t.match(JSON.parse(at("/api/items?page=1&q=gr%C3%BC%C3%9Fe").response?.text ?? ""), {
		items: [{ name: "Tür" }, { name: "🍇" }],
	});
	t.match(at("/api/login"), { request: { text: "user=bob&note=a+b+%26+c" }, response: { statusCode: 200 } });
	t.same(at("/api/login").response?.headers.getAll("set-cookie").length, 2);
	t.same(at("/api/upload").request.rawContent, Buffer.of(0, 1, 2, 253, 254, 255));
	t.same(at("/latin1").response?.rawContent, Buffer.from("caf\xe9\n", "latin1"));
	t.match(at("/redirect").response, { statusCode: 302 });
	t.match(at("/refused"), { response: null, error: { message: "net::ERR_CONNECTION_REFUSED" } });
	t.match(at("/events").response?.text, /data: \{"n": 1\}/);
	t.match(at("/image.png").response?.rawContent?.subarray(1, 4).toString(), "PNG");
	const { websocket, request } = at("/socket");
	t.equal(request.scheme, "http");
	t.same(
		websocket?.messages.map(({ fromClient, opcode, content }) => [fromClient, opcode, content.toString("latin1")]),
		[
			[true, 1, "hello"],
			[false, 1, "hello"],
			[true, 2, "\x01\x02\xc8"],
			[false, 2, "\x01\x02\xc8"],
		],
	);
	t.ok(flows.every((flow) => flow.metadata.har !== undefined));
});

t.test("Firefox", async (t) => {
	const { flows, reported } = await flowsOf("firefox.har");
	t.same(reported, []);
	const [page, login, video, blocked] = flows;
	t.match(page, {
		request: { httpVersion: "HTTP/2.0", timestampStart: 1_714_637_730.123 },
		response: { text: "<!doctype html><p>Grüße</p>" },
	});
	t.match(page?.serverConn, { peername: ["192.0.2.7", 443], timestampTlsSetup: 1_714_637_730.178 });
	t.match(login, { request: { httpVersion: "HTTP/3", text: "user=a+b&pass=x%26y" }, response: { statusCode: 302 } });
	t.equal(video?.response?.rawContent, null, "a missing body is not an empty one");
	t.match(blocked, { response: null, error: { message: "there was no response" } });
});

t.test("Safari", async (t) => {
	const [logo, down] = (await flowsOf("safari.har")).flows;
	t.match(logo, {
		request: { authority: "shop.example", headers: { fields: ["Accept", "image/webp,*/*"] } },
		serverConn: { peername: ["2001:db8::7", 443] },
	});
	t.equal(logo?.response?.rawContent?.length, 8);
	t.match(logo?.metadata, { har: { entry: { _fetchType: "Network Load", _priority: "medium" } } });
	t.match(down, { response: null, error: { message: "Could not connect to the server." } });
});

t.test("Charles", async (t) => {
	const [items, tunnel, upload] = (await flowsOf("charles.har")).flows;
	t.match(items?.response, { text: '{"html":"<b>Tür</b>"}\n    ' });
	t.match(tunnel, { request: { method: "CONNECT", host: "pinned.example", port: 443 } });
	t.match(upload, { request: { rawContent: Buffer.from("café") }, response: null });
});

t.test("Fiddler", async (t) => {
	const [page, tunnel, large] = (await flowsOf("fiddler.har")).flows;
	t.match(page, {
		request: { timestampStart: 1_720_294_036.785774, rawContent: Buffer.alloc(0) },
		response: { text: "<!doctype html>\nhi\n\n" },
	});
	t.match(tunnel?.request, { method: "CONNECT", authority: "secure.example.com:443" });
	t.equal(large?.response?.rawContent, null);
});

t.test("mitmproxy: the HAR of Chromium, converted to a dump and to a HAR by mitmproxy", async (t) => {
	const theirs = (await flowsOf("mitmproxy.har")).flows;
	const ours = (await flowsOf("chromium.har")).flows;
	const said = ({ request, response, error, websocket }: HttpFlow) => ({
		url: request.url,
		method: request.method,
		headers: request.headers.fields,
		status: response?.statusCode,
		fields: response?.headers.fields,
		body: response?.decodedOrRaw?.toString("base64"),
		error: error?.message,
		messages: websocket?.messages.map(({ content }) => String(content)),
	});
	t.strictSame(theirs.map(said), ours.map(said));
	const posted = (flows: HttpFlow[]) => flows.map(({ request }) => request.rawContent?.toString("hex"));
	t.strictSame(posted(theirs), posted(ours));
});

t.test("Playwright, bodies in files of the archive", async (t) => {
	const { flows, reported } = await flowsOf("playwright.zip");
	t.same(reported, []);
	const [page, logo, again, upload, down] = flows;
	t.match(page?.response, { text: "<!doctype html><title>Grüße</title>" });
	t.equal(logo?.response?.rawContent?.length, 264);
	t.same(again?.response?.rawContent, logo?.response?.rawContent);
	t.same(upload?.request.rawContent, Buffer.of(0, 1, 2, 253, 254, 255));
	t.match(down, { response: null, error: { message: "net::ERR_NAME_NOT_RESOLVED" } });
});

t.test("HAR to tape to HAR, twice: nothing changes, and the HAR is valid", async (t) => {
	const folder = t.testdir();
	const path = (name: string) => join(folder, name);
	const copy = async (from: string, to: string): Promise<Flow[]> => {
		const { flows } = await readTape(from);
		await writeTape(to, flows);
		return flows;
	};
	await writeTape(path("varied.har"), variedFlows());
	for (const [i, name] of [...HARS.map(fixture), path("varied.har")].entries()) {
		const flows = await copy(name, path(`${i}a.tape`));
		await copy(path(`${i}a.tape`), path(`${i}a.har`));
		const again = await copy(path(`${i}a.har`), path(`${i}b.tape`));
		await copy(path(`${i}b.tape`), path(`${i}b.har`));
		const text = await readFile(path(`${i}a.har`), "utf8");
		t.ok((await readFile(path(`${i}b.har`), "utf8")) === text, name);
		t.strictSame(again.map(comparable), flows.map(comparable), `${name}: the flows are the same`);
		t.same(harViolations(text), [], name);
	}
	t.ok(
		(await readFile(path(`${HARS.length}a.har`))).equals(await readFile(path("varied.har"))),
		"a HAR of flowtape is written byte for byte",
	);
});

t.test("a ZIP, and other compressions", async (t) => {
	const folder = t.testdir();
	const { flows } = await readTape(fixture("chromium.har"));
	for (const name of ["a.zip", "a.zhar", "a.har.gz"]) {
		t.same(await writeTape(join(folder, name), flows), []);
		const back = await readTape(join(folder, name));
		t.same(back.reported, []);
		t.strictSame(back.flows.map(comparable), flows.map(comparable), name);
	}
});

t.test("losses are reported once", async (t) => {
	const reported = await writeTape(join(t.testdir(), "a.har"), [...variedFlows(), tcpFlow()]);
	t.match(reported, [
		{ code: "FT_LOSS", message: /a\.har: HAR cannot store these flows: TCP \(2\), UDP \(1\), DNS \(2\): left out/ },
		{
			code: "FT_LOSS",
			message: /HAR cannot store these parts of flows: .*trailers \(2\).*marks \(1\), notes \(1\)/,
		},
	]);
});

t.test("files of an archive that are not read are named", async (t) => {
	const entry = (url: string, content = {}) =>
		JSON.stringify({
			startedDateTime: "2024-05-01T10:00:00Z",
			request: { method: "GET", url },
			response: { status: 200, content },
		});
	const log = (...entries: string[]) => `{"log":{"entries":[\n${entries.join(",\n")}\n]}}`;
	const own: ZippedFile[] = [
		["a.har", log(entry("http://a.example/body", { _file: "body.txt" }))],
		["body.txt", "hello"],
	];
	const macos: ZippedFile[] = [
		["__MACOSX/._a.har", "\0\x05"],
		["._b.har", ""],
		["folder/", ""],
		[".DS_Store", ""],
	];
	const hars = ["b", "c", "d", "e", "f"].map((name): ZippedFile => [`${name}.har`, log(entry("http://b.example/"))]);
	const path = join(t.testdir(), "a.zip");
	for (const [files, reported] of [
		[own, []],
		[[...macos, ...own], []],
		[
			[...own, ["screen.png", "png"]],
			[{ code: "FT_LOSS", message: /files in the ZIP that no entry names, left out: "screen\.png"$/ }],
		],
		[
			[...own, ...hars],
			[{ code: "FT_CORRUPT_FLOW", message: /only the first was read, not "b\.har", "c\.har", "d\.har" and 2 more/ }],
		],
	] as [ZippedFile[], object[]][]) {
		await writeZip(path, files);
		const read = await readTape(path);
		t.match(read.reported, reported);
		t.equal(read.reported.length, reported.length);
		t.same(
			(read.flows as HttpFlow[]).map(({ response }) => response?.text),
			["hello"],
		);
	}
});
