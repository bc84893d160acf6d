// The API of the viewer over real tapes: sets, rows, flows, edits, comparison, explanation.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { httpFlow, tcpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { flowsOf, storeAt, storeWith } from "../../../fixtures/stores.ts";
import { type TestViewer, viewerOf } from "../../../fixtures/viewer.ts";
import type { Flow } from "../../../src/flow/flow.ts";
import { defaultRequestKey } from "../../../src/replay/match/key.ts";
import { ROW_COLUMNS, type Row } from "../../../viewer/page/protocol.ts";

const flow = (n: number, parts: Parameters<typeof httpFlow>[0] = {}) =>
	httpFlow({
		...parts,
		request: { path: `/item/${n}`, timestampStart: 1000 + n, timestampEnd: 1000 + n, ...parts.request },
		...(parts.response !== null && {
			response: { timestampStart: 1000 + n, timestampEnd: 1000 + n + (n % 7) / 10, ...parts.response },
		}),
	});

const cellOf = (row: Row, name: (typeof ROW_COLUMNS)[number]) => row[ROW_COLUMNS.indexOf(name)];

async function start(t: Test, flows: readonly Flow[], setup = {}): Promise<TestViewer & { path: string }> {
	const path = join(t.testdir(), "a.tape");
	await storeWith(path, flows, { requestKey: defaultRequestKey });
	return { ...(await viewerOf(t, [path], setup)), path };
}

/** The paths of all flows of a set, when it is complete. */
async function pathsOf({ ask }: TestViewer, question: object): Promise<(string | number | null | undefined)[]> {
	let { json: state } = await ask("POST", "/api/v1/sets", { filter: "", sort: "", ...question });
	while (!state.isComplete) ({ json: state } = await ask("GET", `/api/v1/sets/${state.set}`));
	const { json } = await ask("GET", `/api/v1/sets/${state.set}/rows?from=0&count=500`);
	return json.rows.map((row: Row) => cellOf(row, "path"));
}

t.test("the description of the tape", async (t) => {
	const { ask } = await start(t, [flow(1), flow(2)]);
	const { json } = await ask("GET", "/api/v1/tape");
	t.match(json, { names: ["a.tape"], total: 2, isFollowed: true, editable: true, losses: [] });
	t.ok(json.operators.some(({ code }: { code: string }) => code === "u"));
	t.ok(json.formats.includes("har") && json.exports.includes("curl"));
});

t.test("sets by filter, order and time", async (t) => {
	const viewer = await start(t, [
		flow(1, { response: { body: "needle" } }),
		flow(2, { response: { statusCode: 500, body: "x".repeat(3000) } }),
		flow(3, { response: null }),
		flow(4, { request: { method: "POST" } }),
	]);
	t.same(await pathsOf(viewer, {}), ["/item/1", "/item/2", "/item/3", "/item/4"]);
	t.same(await pathsOf(viewer, { filter: "~c 500" }), ["/item/2"]);
	t.same(await pathsOf(viewer, { filter: "~u item/[34]" }), ["/item/3", "/item/4"]);
	t.same(await pathsOf(viewer, { filter: "~b needle" }), ["/item/1"]);
	t.same(await pathsOf(viewer, { sort: "-size" }), ["/item/2", "/item/1", "/item/4", "/item/3"]);
	t.same((await pathsOf(viewer, { sort: "duration" })).at(-1), "/item/3", "without a value last");
	t.same((await pathsOf(viewer, { sort: "-duration" })).at(-1), "/item/3");
	t.same(await pathsOf(viewer, { time: [1002, 1003] }), ["/item/2", "/item/3"]);
	t.same(await pathsOf(viewer, { filter: "~s", sort: "-path" }), ["/item/4", "/item/2", "/item/1"]);
	const [a, b] = await Promise.all(
		[1, 2].map(() => viewer.ask("POST", "/api/v1/sets", { filter: "~c 500", sort: "" })),
	);
	t.equal(a?.json.set, b?.json.set, "equal questions have equal sets");
});

t.test("windows, places and counts of a set", async (t) => {
	const { ask } = await start(
		t,
		Array.from({ length: 300 }, (_, n) => flow(n)),
	);
	const { json: all } = await ask("POST", "/api/v1/sets", { filter: "", sort: "" });
	t.match(all, { total: 300, isComplete: true });
	const { json: window } = await ask("GET", `/api/v1/sets/${all.set}/rows?from=250&count=10`);
	t.same(
		window.rows.map((row: Row) => cellOf(row, "seq")),
		[251, 252, 253, 254, 255, 256, 257, 258, 259, 260],
	);
	t.equal((await ask("GET", `/api/v1/sets/${all.set}/place?seq=251`)).json.place, 250);
	const { json: some } = await ask("POST", "/api/v1/sets", { filter: "~u item/1", sort: "" });
	t.equal((await ask("GET", `/api/v1/sets/${some.set}/place?seq=1`)).json.place, null, "not in the set");
	const { json: facets } = await ask("GET", `/api/v1/sets/${all.set}/facets?of=status,method,nothing`);
	t.same(facets, { status: [{ value: 200, count: 300 }], method: [{ value: "GET", count: 300 }] });
	const { json: times } = await ask("GET", `/api/v1/sets/${all.set}/timeline?buckets=10`);
	t.match(times, { from: 1000, to: 1299 });
	t.equal(
		times.counts.reduce((sum: number, count: number) => sum + count, 0),
		300,
	);
});

t.test("wrong questions", async (t) => {
	const { ask } = await start(t, [flow(1)]);
	const refused = async (method: string, path: string, body?: object) => {
		const { status, json } = await ask(method, `/api/v1/${path}`, body);
		return [status, json.code, json.column];
	};
	t.same(await refused("POST", "sets", { filter: "~c 200 & ~zz" }), [400, "FT_BAD_FILTER", 10]);
	t.same(await refused("POST", "sets", { filter: "~u [" }), [400, "FT_BAD_FILTER", 4]);
	t.match(await refused("POST", "sets", { filter: 1 }), [400, "FT_USAGE"]);
	t.match(await refused("POST", "sets", { sort: "nothing" }), [400, "FT_USAGE"]);
	t.match(await refused("POST", "sets", { time: ["a", 1] }), [400, "FT_USAGE"]);
	t.match(await refused("GET", "sets/99/rows"), [404]);
	t.match(await refused("GET", "flows/99"), [400, "FT_USAGE"]);
	t.match(await refused("GET", "flows/1e9"), [400, "FT_USAGE"]);
	t.match(await refused("GET", "flows/1/response/body?view=nothing"), [400, "FT_USAGE"]);
	t.match(await refused("PATCH", "flows", { flows: ["x"], marked: "a" }), [400, "FT_USAGE"]);
	t.match(await refused("PATCH", "flows", { flows: [1], marked: 1 }), [400, "FT_USAGE"]);
	t.match(await refused("DELETE", "flows"), [404]);
	t.match(await refused("POST", "export", { flows: [1], format: "nothing" }), [400]);
});

t.test("a flow in full", async (t) => {
	const { ask } = await start(t, [
		flow(1, {
			comment: "why",
			request: {
				method: "GET",
				path: "/item/1?a=1&b=%202",
				headers: [
					["Host", "shop.test"],
					["Cookie", "sid=1; theme=dark"],
				],
			},
			response: {
				headers: [
					["Content-Type", "application/json"],
					["Set-Cookie", "a=b; Path=/"],
				],
				body: '{"a":[1,2]}',
			},
		}),
		flow(1, { request: { path: "/item/1?a=1&b=%202", headers: [["Host", "shop.test"]] } }),
		tcpFlow({}),
	]);
	const { json } = await ask("GET", "/api/v1/flows/1");
	t.match(json, {
		seq: 1,
		kind: "http",
		title: "http://shop.test/item/1?a=1&b=%202",
		comment: "why",
		request: {
			first: "GET /item/1?a=1&b=%202 HTTP/1.1",
			query: [
				["a", "1"],
				["b", " 2"],
			],
			cookies: [
				["sid", "1"],
				["theme", "dark"],
			],
		},
		response: { first: "HTTP/1.1 200 OK", cookies: [["a", "b; Path=/"]], type: "application/json", size: 11 },
		sameKey: [1, 2],
	});
	const { json: body } = await ask("GET", "/api/v1/flows/1/response/body?lines=3");
	t.same(body, { from: 0, lines: ["{", '  "a": [', "    1,"], total: 6, note: null });
	const { json: found } = await ask("GET", "/api/v1/flows/1/response/body?find=2");
	t.same(found, { places: [[3, 4]], isCut: false });
	t.same((await ask("GET", "/api/v1/flows/1/response/body?view=text")).json.lines, ['{"a":[1,2]}']);
	t.match((await ask("GET", "/api/v1/flows/1/response/body?view=hex")).json.lines[0], /^00000000 {2}7b 22 61/);
	t.match((await ask("GET", "/api/v1/flows/3")).json, { kind: "tcp", request: null, messages: 2 });
});

t.test("recorded bytes are saved, never shown", async (t) => {
	const body = "<script>alert(1)</script>";
	const { ask } = await start(t, [
		flow(1, { request: { path: "/a/evil.html?x" }, response: { headers: [["Content-Type", "text/html"]], body } }),
		flow(2, { response: { body: null } }),
	]);
	const { bytes, headers } = await ask("GET", "/api/v1/flows/1/response/body/raw");
	t.equal(bytes.toString(), body);
	t.match(headers, {
		"content-type": "application/octet-stream",
		"content-disposition": 'attachment; filename="1-evil.html"',
		"content-security-policy": /^sandbox/,
	});
	t.equal((await ask("GET", "/api/v1/flows/2/response/body/raw")).status, 400, "it was not kept");
	t.match((await ask("GET", "/api/v1/flows/2/response/body")).json, { lines: [], note: "The body was not kept." });
});

t.test("commands, comparison and explanation", async (t) => {
	const { ask } = await start(t, [
		flow(1, { request: { path: "/a" }, response: { body: "one" } }),
		flow(2, { request: { path: "/a" }, response: { body: "two" } }),
		tcpFlow({}),
	]);
	t.match((await ask("GET", "/api/v1/flows/1/export/curl")).json, { text: /^curl /, losses: [] });
	t.equal((await ask("GET", "/api/v1/flows/1/export/nothing")).status, 404);
	t.equal((await ask("GET", "/api/v1/flows/3/export/curl")).status, 400);
	const { json: diff } = await ask("POST", "/api/v1/diff", { a: 1, b: 2 });
	t.same(diff.differences, [{ side: "response", part: "body", name: null, before: '"one"', after: '"two"' }]);
	t.match((await ask("POST", "/api/v1/explain", { seq: 2 })).json.text, /is answered by flow/);
});

t.test("messages in windows", async (t) => {
	const messages = Array.from({ length: 1000 }, (_, n) => ({
		content: Buffer.from(`message ${n}`),
		fromClient: n % 2 === 0,
	}));
	const { ask } = await start(t, [
		websocketFlow({ messages }),
		flow(1, {
			response: {
				headers: [["Content-Type", "text/event-stream"]],
				body: "event: tick\ndata: 1\n\ndata: 2\n\n",
			},
		}),
	]);
	const { json } = await ask("GET", "/api/v1/flows/1/messages?from=990&count=100");
	t.equal(json.total, 1000);
	t.equal(json.messages.length, 10);
	t.match(json.messages[1], { n: 991, fromClient: false, text: "message 991" });
	const { json: found } = await ask("GET", "/api/v1/flows/1/messages?find=MESSAGE%2099");
	t.equal(found.total, 11);
	t.match((await ask("GET", "/api/v1/flows/2/messages")).json.messages, [
		{ kind: "tick", text: "event: tick\ndata: 1" },
		{ kind: "message", text: "data: 2" },
	]);
});

t.test("marks and comments are in the tape, and can be undone", async (t) => {
	const { ask, path } = await start(t, [flow(1), flow(2), flow(3)]);
	const edited = await ask("PATCH", "/api/v1/flows", { flows: [1, 3], marked: ":red_circle:", comment: "look" });
	t.match(edited.json, { changed: 2, revision: 1, undoable: 1 });
	const { json: set } = await ask("POST", "/api/v1/sets", { filter: "~marked & ~comment look", sort: "" });
	t.equal(set.total, 2);
	t.match((await ask("PATCH", "/api/v1/flows", { flows: { set: set.set }, comment: "" })).json, { changed: 2 });
	t.match((await ask("POST", "/api/v1/undo", {})).json, { changed: 2, undoable: 1 });
	const store = storeAt(path, "read");
	t.same(
		(await flowsOf(store)).map(({ marked, comment }) => [marked, comment]),
		[
			[":red_circle:", "look"],
			["", ""],
			[":red_circle:", "look"],
		],
	);
	t.same([...store.keys()].flat().length, 3, "requests still find their recordings");
	await store.close();
	t.match((await ask("POST", "/api/v1/undo", {})).json, { changed: 2, undoable: 0 });
	t.match((await ask("POST", "/api/v1/undo", {})).json, { changed: 0 });
});

t.test("edits of several pages at once", async (t) => {
	const { ask } = await start(t, [flow(1), flow(2), flow(3)]);
	const answers = await Promise.all(
		[1, 2, 3].map((seq) => ask("PATCH", "/api/v1/flows", { flows: [seq], comment: `page ${seq}` })),
	);
	t.same(
		answers.map(({ json }) => json.changed),
		[1, 1, 1],
	);
	const { json: set } = await ask("POST", "/api/v1/sets", { filter: "~comment page", sort: "" });
	t.equal(set.total, 3);
});

t.test("a tape that may only be read", async (t) => {
	const { ask } = await start(t, [flow(1)], { isReadOnly: true });
	t.match((await ask("GET", "/api/v1/tape")).json.editable, /--read-only/);
	t.match(await ask("PATCH", "/api/v1/flows", { flows: [1], marked: "x" }), {
		status: 400,
		json: { message: /--read-only/ },
	});
});

t.test("flows are exported in every format", async (t) => {
	const { ask } = await start(t, [flow(1), flow(2), flow(3)]);
	const { json: set } = await ask("POST", "/api/v1/sets", { filter: "~u item/[23]", sort: "" });
	for (const [format, name] of [
		["har", "a.har"],
		["jsonl", "a.jsonl"],
		["mitm", "a.mitm"],
		["tape", "a.tape"],
	] as const) {
		const { status, headers, bytes } = await ask("POST", "/api/v1/export", { flows: { set: set.set }, format });
		t.equal(status, 200, format);
		t.match(headers["content-disposition"], `filename="${name}"`);
		const file = join(t.testdirName, `exported-${name}`);
		writeFileSync(file, bytes);
		t.equal((await (await viewerOf(t, [file])).ask("GET", "/api/v1/tape")).json.total, 2, format);
	}
});

t.test("several files of different formats are one list", async (t) => {
	const { ask, path } = await start(t, [flow(1), flow(2)]);
	const har = join(t.testdirName, "b.har");
	writeFileSync(har, (await ask("POST", "/api/v1/export", { flows: [1], format: "har" })).bytes);
	const both = await viewerOf(t, [path, har]);
	t.match((await both.ask("GET", "/api/v1/tape")).json, { names: ["a.tape", "b.har"], total: 3, isFollowed: false });
	const { json: set } = await both.ask("POST", "/api/v1/sets", { filter: "", sort: "" });
	const { json } = await both.ask("GET", `/api/v1/sets/${set.set}/rows`);
	t.same(
		json.rows.map((row: Row) => cellOf(row, "tape")),
		[0, 0, 1],
	);
});
