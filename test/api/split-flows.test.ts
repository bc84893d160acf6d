// Distributes flows to tapes by host, status, method, type or session.
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { fileNameFor, type SplitKey, SplitSink, splitValue } from "../../api/split-flows.ts";
import { dnsFlow, httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { readTape, reports } from "../../fixtures/tape-files.ts";
import { createTape } from "../../formats/index.ts";
import { FlowSink } from "../../src/flow/pipe.ts";

t.test("file names: safe on every system, and never outside the folder", async (t) => {
	const names = {
		"shop.example": "shop.example",
		"api.shop.example": "api.shop.example",
		"../../etc/passwd": "__.._etc_passwd".replace("..", "_"),
		"..": "_",
		".": "_",
		".hidden": "_hidden",
		"a..b": "a_b",
		"-rf": "_rf",
		"::1": "__1",
		'a/b\\c:d*e?f"g<h>i|j': "a_b_c_d_e_f_g_h_i_j",
		"line\nbreak\u0000\u202e": "line_break__",
		CON: "_CON",
		"nul.txt": "_nul.txt",
		console: "console",
		"müller.example": "müller.example",
		"dot.": "dot_",
	};
	for (const [value, name] of Object.entries(names)) t.equal(fileNameFor(value), name, value);
	t.ok(Buffer.byteLength(fileNameFor("ü".repeat(500))) <= 100);
	for (const value of Object.keys(names)) t.notMatch(fileNameFor(value), /[/\\]|\.\.|^[.-]/);
});

t.test("the values of each kind of flow", async (t) => {
	const http = httpFlow({
		request: { method: "PUT", host: "192.0.2.1", headers: [["Host", "Shop.Example:8080"]] },
		response: { statusCode: 404 },
		session: "worker 1",
	});
	const values = (flow: Parameters<typeof splitValue>[0]) =>
		(["host", "status", "method", "type", "session"] as SplitKey[]).map((by) => splitValue(flow, by));
	t.same(values(http), ["shop.example", "404", "PUT", "http", "worker 1"]);
	t.same(values(httpFlow({ response: null })), ["example.com", null, "GET", "http", null]);
	t.same(values(tcpFlow({ serverConn: { address: ["DB.example", 5432] } })), ["db.example", null, null, "tcp", null]);
	t.same(values(dnsFlow()), ["example.com", null, null, "dns", null]);
});

t.test("a discarded sink leaves no files, even with more tapes than are written at a time", async (t) => {
	const folder = t.testdir();
	const { report } = reports();
	let discarded = 0;
	const sink = new SplitSink({
		by: "host",
		folder,
		extension: ".tape",
		report,
		create: async () => FlowSink.of({ append() {}, discard: async () => void discarded++ }),
	});
	for (let i = 0; i < 100; i++) await sink.append(httpFlow({ request: { host: `h${i}.example` } }));
	await sink.discard();
	t.equal(discarded, 64);
	t.same(await readdir(folder), []);
});

t.test("until its tapes are complete, nothing is visible; the rest of a killed process is removed", async (t) => {
	const folder = t.testdir();
	const { report } = reports();
	const split = () =>
		new SplitSink({ by: "host", folder, extension: ".jsonl", report, create: (path) => createTape(path, { report }) });
	const killed = split();
	await killed.append(httpFlow());
	const [draft = ""] = await readdir(folder);
	t.match(draft, /^\.flowtape-split\./);
	t.equal((await readdir(folder)).length, 1);
	const sink = split();
	await sink.append(httpFlow());
	t.equal((await readdir(folder)).length, 2, "the draft of a running process stays");
	// above the highest process id of Linux
	await rename(join(folder, draft), join(folder, draft.replace(String(process.pid), "5000000")));
	await sink.close();
	const later = split();
	await later.append(httpFlow());
	await later.close();
	t.same(await readdir(folder), ["example.com-2.jsonl", "example.com.jsonl"]);
	await killed.discard().catch(() => {});
});

t.test("several at once in one folder do not replace each other's tapes", async (t) => {
	const folder = t.testdir();
	const { report } = reports();
	const create = (path: string) => createTape(path, { report });
	const sinks = [1, 2].map(() => new SplitSink({ by: "host", folder, extension: ".jsonl", report, create }));
	for (const [i, sink] of sinks.entries())
		for (let n = 0; n < 70; n++) await sink.append(httpFlow({ request: { host: `h${n}.example`, path: `/${i}` } }));
	for (const sink of sinks) await sink.close();
	t.equal((await readdir(folder)).length, 140);
	for (const [i, sink] of sinks.entries())
		for (const { path } of sink.tapes) t.match((await readTape(path)).flows, [{ request: { path: `/${i}` } }], path);
});

t.test("flows that the format leaves out do not count", async (t) => {
	const folder = t.testdir();
	const { report } = reports();
	const create = (path: string) => createTape(path, { report });
	const sink = new SplitSink({ by: "host", folder, extension: ".har", report, create });
	const hosts = Array.from({ length: 66 }, (_, i) => `h${i}.example`);
	for (const host of hosts) {
		await sink.append(httpFlow({ request: { host } }));
		await sink.append(tcpFlow({ serverConn: { address: [host, 80] } }));
	}
	await sink.close();
	t.same(
		sink.tapes.map(({ value, flows }) => [value, flows]),
		hosts.map((host) => [host, 1]),
	);
});

t.test("a failure while a tape is written is passed on", async (t) => {
	const sink = new SplitSink({
		by: "host",
		folder: join(t.testdir(), "none"),
		extension: ".tape",
		report: reports().report,
		create: (path) => createTape(path, { report: reports().report }),
	});
	await t.rejects(sink.append(httpFlow()), { code: "FT_IO" });
});
