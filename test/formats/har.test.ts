// HARs of many programs are read, and what is written is a HAR that says the same when it is read again.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import t from "tap";
import { httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { bytesInput } from "../../fixtures/bytes-input.ts";
import { harComplaints } from "../../fixtures/har-checks.ts";
import { readTape, reports, writeTape } from "../../fixtures/tape-files.ts";
import { factsOf, variedFlows } from "../../fixtures/varied-flows.ts";
import { har } from "../../formats/har.ts";
import type { Flow, HttpFlow } from "../../src/flow/flow.ts";

const HARS = ["chromium.har", "firefox.har", "safari.har", "charles.har", "fiddler.har", "mitmproxy.har", "playwright.zip"];
const fixture = (name: string): string => join("fixtures/flows", name);

async function flowsOf(name: string): Promise<{ flows: HttpFlow[]; reported: unknown[] }> {
	const { flows, reported } = await readTape(fixture(name));
	return { flows: flows as HttpFlow[], reported: reported.map(({ message }) => message) };
}

t.test("told from what else begins with a brace", async (t) => {
	t.ok(har.sniff(Buffer.from('\ufeff\n{ "log" : {')));
	t.ok(har.sniff(await readFile(fixture("playwright.zip"))));
	t.notOk(har.sniff(Buffer.from('{"id":1}')));
	t.notOk(har.sniff(Buffer.from("PK")));
});

t.test("Chromium", async (t) => {
	const { flows, reported } = await flowsOf("chromium.har");
	t.match(reported, [/entries that are no HTTP .* left out: 1$/]);
	const at = (path: string) => flows.find((flow) => flow.request.path === path) as HttpFlow;
	t.match(at("/style.css").response?.text, /^body \{ color: #333 \}\n/);
	t.match(at("/style.css").response?.headers.get("content-encoding"), "gzip");
	t.match(JSON.parse(at("/api/items?page=1&q=gr%C3%BC%C3%9Fe").response?.text ?? ""), { items: [{ name: "Tür" }, { name: "🍇" }] });
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
	t.match(page, { request: { httpVersion: "HTTP/2.0", timestampStart: 1_714_637_730.123 }, response: { text: "<!doctype html><p>Grüße</p>" } });
	t.match(page?.serverConn, { peername: ["192.0.2.7", 443], timestampTlsSetup: 1_714_637_730.178 });
	t.match(login, { request: { httpVersion: "HTTP/3", text: "user=a+b&pass=x%26y" }, response: { statusCode: 302 } });
	t.equal(video?.response?.rawContent, null, "a body that was not included is not an empty one");
	t.match(blocked, { response: null, error: { message: "there was no response" } });
});

t.test("Safari", async (t) => {
	const [logo, down] = (await flowsOf("safari.har")).flows;
	t.match(logo, { request: { authority: "shop.example", headers: { fields: ["Accept", "image/webp,*/*"] } }, serverConn: { peername: ["2001:db8::7", 443] } });
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
	t.match(page, { request: { timestampStart: 1_720_294_036.785774, rawContent: Buffer.alloc(0) }, response: { text: "<!doctype html>\nhi\n\n" } });
	t.match(tunnel?.request, { method: "CONNECT", authority: "secure.example.com:443" });
	t.equal(large?.response?.rawContent, null);
});

t.test("mitmproxy: what Chromium saved, through a dump and mitmproxy's own HAR", async (t) => {
	const theirs = (await flowsOf("mitmproxy.har")).flows;
	const ours = (await flowsOf("chromium.har")).flows;
	const said = ({ request, response, error, websocket }: HttpFlow) => ({
		...{ url: request.url, method: request.method, headers: request.headers.fields, status: response?.statusCode, fields: response?.headers.fields },
		...{ body: response?.decodedOrRaw?.toString("base64"), error: error?.message, messages: websocket?.messages.map(({ content }) => String(content)) },
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

t.test("HAR to tape to HAR, and again: nothing changes any more, and it is in order", async (t) => {
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
		t.strictSame(again.map(factsOf), flows.map(factsOf), `${name}: the flows are the same`);
		t.same(harComplaints(text), [], name);
	}
	t.ok((await readFile(path(`${HARS.length}a.har`))).equals(await readFile(path("varied.har"))), "what we wrote comes back to the byte");
});

t.test("a zip, and compressed in other ways", async (t) => {
	const folder = t.testdir();
	const { flows } = await readTape(fixture("chromium.har"));
	for (const name of ["a.zip", "a.zhar", "a.har.gz"]) {
		t.same(await writeTape(join(folder, name), flows), []);
		const back = await readTape(join(folder, name));
		t.same(back.reported, []);
		t.strictSame(back.flows.map(factsOf), flows.map(factsOf), name);
	}
});

t.test("bodies in files beside a HAR, never from elsewhere", async (t) => {
	const entry = (file: string) => ({
		...{ startedDateTime: "2024-05-02T08:15:30Z", time: 0, request: { method: "GET", url: `http://a/${file}`, headers: [] } },
		response: { status: 200, headers: [], content: { size: 6, _file: file } },
	});
	const files = ["body.txt", "inside/body.txt", "../secret.txt", "link.txt", "/etc/hostname", "none.txt"];
	const folder = t.testdir({
		"secret.txt": "secret",
		har: {
			"a.har": JSON.stringify({ log: { entries: files.map(entry) } }),
			"body.txt": "beside",
			"link.txt": t.fixture("symlink", "../secret.txt"),
			inside: { "body.txt": "inside" },
		},
	});
	const { flows, reported } = await readTape(join(folder, "har/a.har"));
	t.same(
		(flows as HttpFlow[]).map(({ response }) => response?.rawContent?.toString() ?? null),
		["beside", "inside", null, null, null, null],
	);
	t.match(reported, [
		{ code: "FT_CORRUPT_FLOW", record: 3, message: /entry 3: the file "..\/secret.txt" .* leads out of the folder; the flow is kept without/ },
		{ record: 4, message: /leads out/ },
		{ record: 5, message: /leads out|ENOENT/ },
		{ record: 6, message: /ENOENT/ },
	]);
});

t.test("a filter and ids select", async (t) => {
	const { flows } = await readTape(fixture("chromium.har"));
	const id = flows[3]?.id ?? "";
	t.same(
		(await readTape(fixture("chromium.har"), { ids: [id] })).flows.map((flow) => flow.id),
		[id],
	);
	const filter = { pattern: "", matches: (flow: Flow) => flow.error !== null, plan: { kind: "unknown" as const }, needs: new Set<never>() };
	t.equal((await readTape(fixture("chromium.har"), { filter })).flows.length, 1);
});

t.test("bad entries are named and passed over", async (t) => {
	const file = join(t.testdir(), "a.har");
	await writeTape(file, [httpFlow({ id: "one" }), httpFlow({ id: "two" }), httpFlow({ id: "three" })]);
	const [head = "", one = "", two = "", ...rest] = (await readFile(file, "utf8")).split("\n");
	const start = Buffer.byteLength(`${head}\n${one}\n`);
	for (const [broken, why] of [
		["null,", /null was found, an entry/],
		[two.replace('"status":200', '"status":"200"'), /"response.status" is "200", a number/],
		[two.replace('"method"', '"methud"'), /"request.method" is missing/],
		[two.replace('"status":', '"status"'), /JSON was expected/],
		[two.slice(0, -40), /before the next entry begins/],
	] as const) {
		await writeFile(file, [head, one, broken, ...rest].join("\n"));
		const { flows, reported } = await readTape(file);
		t.same(
			flows.map(({ id }) => id),
			["one", "three"],
			broken.slice(-30),
		);
		t.match(reported, [{ code: "FT_CORRUPT_FLOW", record: 2, offset: start, message: why }]);
		t.match(reported[0]?.message, `a.har: byte ${start}, entry 2: `);
	}
	await writeFile(file, Buffer.from([head, one, two.replace('"id', '"\xff'), ...rest].join("\n").replace("text/plain", "text/\xe9"), "latin1"));
	t.match((await readTape(file)).reported[0]?.message, /entry 1: UTF-8 was expected/);
});

t.test("pages that stand behind the entries", async (t) => {
	const file = join(t.testdir(), "a.har");
	await writeFile(file, JSON.stringify({ log: { entries: [], pages: [{ id: "p" }, 5] } }));
	t.same((await readTape(file)).reported, []);
	const [flow] = (await readTape(fixture("charles.har"))).flows;
	await writeTape(file, flow ? [flow] : []);
	const text = (await readFile(file, "utf8")).replace(/\]\}\}\s*$/, '],"pages":[{"id":"p"}]}}');
	await writeFile(file, text);
	t.match((await readTape(file)).reported, [{ code: "FT_LOSS", message: /pages stand behind the entries/ }]);
	await writeFile(file, '{"log":{"entries":[],"pages":[{"id":]}}');
	t.match((await readTape(file)).reported, [{ code: "FT_CORRUPT_FLOW", message: /byte 29: JSON was expected/ }]);
});

t.test("any cut of the bytes gives the same flows", async (t) => {
	const bytes = await readFile(fixture("firefox.har"));
	for (const size of [1, 10, 1000]) {
		const { list, report } = reports();
		const flows: Flow[] = [];
		for await (const batch of har.read(bytesInput(bytes, size), { report })) flows.push(...batch);
		t.equal(flows.length, 4);
		t.same(list, []);
	}
});

t.test("what a HAR has no room for is said once", async (t) => {
	const reported = await writeTape(join(t.testdir(), "a.har"), [...variedFlows(), tcpFlow()]);
	t.match(reported, [
		{ code: "FT_LOSS", message: /a\.har: HAR has no room for these flows: TCP \(2\), UDP \(1\), DNS \(2\): left out/ },
		{ code: "FT_LOSS", message: /HAR has no room for these parts of flows: .*trailers \(2\).*marks \(1\), notes \(1\)/ },
	]);
});

t.test("whatever the bytes, only what is damaged is reported, and what came before is kept", async (t) => {
	const good = await readFile(fixture("safari.har"));
	const compact = Buffer.from(JSON.stringify(JSON.parse(String(good))));
	for (const bytes of [good, compact, gzipSync(compact)]) {
		const file = join(t.testdir(), "a.har");
		await fc.assert(
			fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), fc.integer({ min: 2, max: bytes.length }), async (at, byte, end) => {
				const broken = Buffer.from(bytes.subarray(0, end));
				if (at < end && at > 1) broken[at] = byte;
				await writeFile(file, broken);
				const { list, report } = reports();
				const flows: Flow[] = [];
				try {
					const { openTape } = await import("../../formats/index.ts");
					for await (const batch of await openTape(file, { report, format: "har" })) flows.push(...batch);
				} catch (error) {
					if ((error as { code?: string }).code !== "FT_CORRUPT_FLOW") throw error;
					return true;
				}
				return list.every(({ code }) => code === "FT_CORRUPT_FLOW" || code === "FT_LOSS") && flows.length <= 2;
			}),
			{ seed: 13, numRuns: 150 },
		);
	}
});
