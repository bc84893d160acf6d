// Reads dumps of every version, written by the releases of mitmproxy that used it, and compares them with the flows as
// mitmproxy 12 reads them. fixtures/make/dumps.sh makes both. Also reads valid dumps that mitmproxy cannot read.
import { readdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { httpFlow, tcpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { dumpOf, minimalRecord, recordsOf } from "../../../fixtures/dump-records.ts";
import { readTape, reports, writeTape } from "../../../fixtures/tape-files.ts";
import { comparable } from "../../../fixtures/varied-flows.ts";
import { createTape, openTape } from "../../../formats/index.ts";
import { type Dictionary, Reader, type Value } from "../../../formats/mitm/tnetstring.ts";
import { VERSIONS } from "../../../formats/mitm/versions.ts";
import { writeFlow } from "../../../formats/mitm/write-flow.ts";
import { compileFilter } from "../../../src/filter/compile.ts";
import type { Flow } from "../../../src/flow/flow.ts";
import { Float, type MetaValue } from "../../../src/flow/metadata.ts";
import { pipe } from "../../../src/flow/pipe.ts";

const golden = "fixtures/flows";
const dumps = readdirSync(golden).filter((name) => /^mitm-.*\.mitm$/.test(name));

type State = { [key: string]: unknown };

/** The state of a flow in mitmproxy's form. */
function stateOf(flow: Flow): State {
	const bytes = writeFlow(flow, { version: 21, reportLoss: (what) => t.fail(what) }) as Buffer;
	return plain(new Reader(bytes).value(bytes.length)) as State;
}

function plain(value: Value): unknown {
	if (Buffer.isBuffer(value)) return { bytes: value.latin1Slice() };
	if (value instanceof Float) return value.value;
	if (Array.isArray(value)) return value.map(plain);
	return typeof value === "object" && value !== null
		? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
		: value;
}

/** Without ids that are made while reading. */
function withoutNewIds(state: State, like: State): State {
	const { version: _, ...rest } = state;
	if (like.id === undefined) delete rest.id;
	for (const name of ["client_conn", "server_conn"]) {
		const connection = { ...(rest[name] as State) };
		if ((like[name] as State).id === undefined) delete connection.id;
		rest[name] = connection;
	}
	return rest;
}

t.test("a dump of every version", async (t) => {
	for (const version of VERSIONS) t.ok(dumps.includes(`mitm-${version}.mitm`), version);
});

for (const dump of dumps) {
	t.test(dump, async (t) => {
		const { flows, reported } = await readTape(join(golden, dump));
		t.same(reported, []);
		const expected = JSON.parse(readFileSync(join(golden, dump.replace(/mitm$/, "json")), "utf8")) as State[];
		t.equal(flows.length, expected.length);
		for (const [n, flow] of flows.entries()) {
			const like = expected[n] as State;
			t.strictSame(withoutNewIds(stateOf(flow), like), like, `flow ${n}`);
		}
	});
}

/** The flow of the first record of a golden dump, edited. */
async function edited(
	version: string,
	edit: (record: Dictionary & { [key: string]: Dictionary }) => void,
	folder: string,
): Promise<Flow> {
	const [record = {}] = await recordsOf(join(golden, `mitm-${version}.mitm`));
	edit(record as Dictionary & { [key: string]: Dictionary });
	const file = join(folder, "edited.mitm");
	await writeFile(file, dumpOf(record));
	const { flows, reported } = await readTape(file);
	t.same(reported, []);
	return flows[0] as Flow;
}

t.test("dumps that mitmproxy cannot read", async (t) => {
	const folder = t.testdir();
	const noAddresses = (record: { [key: string]: Dictionary }): void => {
		Object.assign(record.server_conn as Dictionary, { source_address: null, address: null });
		Object.assign(record.client_conn as Dictionary, { address: null });
	};
	for (const version of ["0.11", "1.0", "4", "18"]) {
		const flow = await edited(version, noAddresses, folder);
		t.match(
			{ server: flow.serverConn, client: flow.clientConn },
			{ server: { sockname: null, address: null }, client: { peername: null } },
			version,
		);
	}
	t.match(
		await edited(
			"10",
			({ server_conn }) => Object.assign(server_conn as Dictionary, { sni: true, address: ["b", 1] }),
			folder,
		),
		{
			serverConn: { sni: "b" },
		},
	);
	t.match(
		await edited(
			"11",
			({ server_conn }) => Object.assign(server_conn as Dictionary, { sni: true, address: null }),
			folder,
		),
		{
			serverConn: { sni: null },
		},
	);
	const broken = await edited(
		"0.11",
		(record) => Object.assign(record, { error: { msg: Buffer.from("caf\xe9", "latin1"), timestamp: 1.5 } }),
		folder,
	);
	t.match(broken.error, { message: "caf\udce9" });
	const odd = await edited(
		"20",
		({ client_conn }) => Object.assign(client_conn as Dictionary, { proxy_mode: "osproxy:!x", tls_version: "TLSv9" }),
		folder,
	);
	t.match(odd.clientConn, { proxyMode: "osproxy:!x", tlsVersion: "TLSv9" });
});

t.test("versions mixed in one file", async (t) => {
	const file = join(t.testdir(), "mixed.mitm");
	const versions = ["21", "0.10", "7", "18", "0.16", "2.0"];
	const parts = await Promise.all(versions.map((version) => recordsOf(join(golden, `mitm-${version}.mitm`))));
	await writeFile(file, dumpOf(...parts.map(([first], n) => ({ ...first, id: `flow ${n}` }))));
	const { flows, reported } = await readTape(file);
	t.same(reported, []);
	t.same(
		flows.map((flow) => flow.type === "http" && flow.request.url),
		Array(6).fill("https://shop.example/cart?id=1&id=2"),
	);
});

t.test("the last of several copies is used", async (t) => {
	const folder = t.testdir();
	const file = join(folder, "twice.mitm");
	const flows = [
		httpFlow({ id: "a", comment: "old" }),
		httpFlow({ id: "b" }),
		httpFlow({ id: "a", comment: "newer" }),
		tcpFlow({ id: "c" }),
		httpFlow({ id: "a", comment: "newest" }),
	];
	// as mitmproxy writes them
	await writeFile(
		file,
		Buffer.concat(flows.map((flow) => writeFlow(flow, { version: 21, reportLoss: (what) => t.fail(what) }) as Buffer)),
	);
	const { flows: found } = await readTape(file);
	t.same(
		found.map(({ id, comment }) => [id, comment]),
		[
			["b", ""],
			["c", ""],
			["a", "newest"],
		],
	);
	// the newer copy does not match: the older one is no match either
	t.same((await readTape(file, { filter: compileFilter("~comment old") })).flows, []);
});

t.test("filters and ids", async (t) => {
	const file = join(t.testdir(), "some.mitm");
	await writeTape(file, [
		httpFlow({ id: "ok" }),
		httpFlow({ id: "gone", response: { statusCode: 404 }, marked: "x" }),
		httpFlow({ id: "open", response: null, request: { headers: [["Host", "other.example"]] } }),
		websocketFlow({ id: "talk", isReplay: "request" }),
		tcpFlow({ id: "stream", error: { message: "x", timestamp: 1 } }),
	]);
	const select = async (expression: string) =>
		(await readTape(file, { filter: compileFilter(expression) })).flows.map(({ id }) => id);
	for (const [expression, ids] of [
		["~c 404", ["gone"]],
		["!~c 404", ["ok", "open", "talk", "stream"]],
		["~q", ["open"]],
		["~d other & ~http", ["open"]],
		["~websocket", ["talk"]],
		["~tcp | ~marked", ["gone", "stream"]],
		["~e", ["stream"]],
		["~replayq", ["talk"]],
		["~b ping", ["talk"]],
		["~b hello & ~m get", ["ok", "gone"]],
		["~src 127 & ~c 200", ["ok"]],
	] as const)
		t.same(await select(expression), ids, expression);
	t.same(
		(await readTape(file, { ids: ["talk", "ok"] })).flows.map(({ id }) => id),
		["ok", "talk"],
	);
});

t.test("faults of older records are reported without an offset in the record", async (t) => {
	const file = join(t.testdir(), "a.mitm");
	await writeFile(
		file,
		Buffer.concat([
			dumpOf(minimalRecord()),
			dumpOf(minimalRecord({ version: 12, id: "other", request: { port: "x" } })),
		]),
	);
	const { flows, reported } = await readTape(file);
	t.equal(flows.length, 1);
	t.match(reported, [
		{
			code: "FT_CORRUPT_FLOW",
			record: 2,
			offset: dumpOf(minimalRecord()).length,
			message: /"request\.port": expected .*, found the text "x"/,
		},
	]);
});

t.test("unchanged flows keep the bytes of their record", async (t) => {
	for (const version of [15, 20, 21]) {
		const file = join(golden, `mitm-${version}.mitm`);
		const { flows } = await readTape(file);
		t.ok(
			Buffer.concat(flows.map(({ record }) => record?.data as Buffer)).equals(await readFile(file)),
			String(version),
		);
		t.equal(flows[0]?.record?.version, version);
	}
});

t.test("chunks are reused if the output keeps no part of them", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "many.mitm"), join(folder, "many.tape")];
	const flows = Array.from({ length: 900 }, (_, i) =>
		httpFlow({ request: { path: `/${i}` }, response: { body: `body ${i} `.repeat(300 + (i % 7) * 100) } }),
	);
	await writeTape(from, flows);
	const { report } = reports();
	const sink = await createTape(to, { report });
	await pipe([await openTape(from, { report })], [], sink);
	await sink.close();
	t.strictSame((await readTape(to)).flows.map(comparable), flows.map(comparable));
});

t.test("an odd field is reported, and the flow is kept", async (t) => {
	const folder = t.testdir();
	const file = join(folder, "odd.mitm");
	const odd = (id: string) =>
		minimalRecord({ id, marked: true, request: { ...(minimalRecord().request as object), timestamp_end: "noon" } });
	const records = [
		minimalRecord({ id: "whole" }),
		odd("a"),
		odd("b"),
		minimalRecord({ id: "lost", request: { method: 5 } }),
		odd("c"),
	];
	await writeFile(file, dumpOf(...records));
	const at = dumpOf(...records.slice(0, 1)).length;
	const expected = [
		`${file}: byte ${at}, flow 2: "marked": expected text, found the boolean true; left out`,
		`${file}: byte ${at}, flow 2: "request.timestamp_end": expected a number, found the text "noon"; left out`,
		`${file}: 2 more flows like that: "marked": expected text`,
		`${file}: 2 more flows like that: "request.timestamp_end": expected a number`,
	];
	for (const filter of [
		undefined,
		compileFilter("~all"),
		compileFilter("! ~marked"),
		compileFilter("~m GET & ! ~marker x"),
	]) {
		const { flows, reported } = await readTape(file, { filter });
		t.same(
			flows.map(({ id }) => id),
			["whole", "a", "b", "c"],
		);
		const odd = reported.filter(({ code }) => code === "FT_ODD_FIELD").map(({ message }) => message);
		t.same(odd.sort(), expected.sort());
		t.match(
			reported.filter(({ code }) => code !== "FT_ODD_FIELD"),
			[{ code: "FT_CORRUPT_FLOW", record: 4, message: /"request\.method": expected .*, found the number 5/ }],
		);
	}
	// mitmproxy would not load the next dump otherwise
	const copy = join(folder, "copy.mitm");
	await writeTape(copy, (await readTape(file)).flows);
	t.same((await readTape(copy)).reported, []);
	t.match(await recordsOf(copy), [{ id: "whole" }, { id: "a", marked: "", request: { timestamp_end: null } }, {}, {}]);
	// an older copy does not come back because the newer one has an odd field
	await writeFile(file, dumpOf(minimalRecord({ id: "a" }), odd("a")));
	t.match((await readTape(file)).flows, { length: 1 });
	// of old versions, whose records are brought up to date first
	await writeFile(file, dumpOf({ ...odd("old"), version: 12 } as MetaValue));
	const old = await readTape(file);
	t.match(old.flows, [{ id: "old" }]);
	t.match(old.reported, [{ code: "FT_ODD_FIELD", record: 1, message: /byte 0, flow 1: "request\.timestamp_end"/ }]);
});
