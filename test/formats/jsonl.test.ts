// Reads and writes JSON lines; damage affects only its line.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import t from "tap";
import { httpFlow, websocketFlow } from "../../fixtures/build-flow.ts";
import { compileSchema } from "../../fixtures/json-schema.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";
import { variedFlows } from "../../fixtures/varied-flows.ts";
import { createTape } from "../../formats/index.ts";
import { jsonl, summaryLine } from "../../formats/jsonl.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";
import { sortByTime } from "../../src/rewrite/sort.ts";

t.test("one flow per line, with id and type first", async (t) => {
	const file = join(t.testdir(), "a.jsonl");
	const flows = [httpFlow({ id: "one" }), httpFlow({ id: "two" })];
	await writeTape(file, flows);
	const lines = (await readFile(file, "utf8")).split("\n");
	t.equal(lines.length, 3);
	t.match(lines[0], /^\{"id":"one","type":"http","request":\{"method":"GET"/);
	t.notMatch(lines[0], /"url"/);
	t.match([...summaryLine(flows[0] as (typeof flows)[0])].join(""), /"url":"http:\/\/example\.com\/"/);
});

t.test("a damaged line is reported with its number and offset, and the others are read", async (t) => {
	const file = join(t.testdir(), "a.jsonl");
	await writeTape(file, [httpFlow({ id: "one" }), httpFlow({ id: "two" })]);
	const [first = "", second = ""] = (await readFile(file, "utf8")).split("\n");
	for (const [line, why] of [
		['{"id": broken', /expected JSON/],
		["{}", /"request": expected an object, found nothing/],
		["[1]", /expected a JSON object, found a list/],
		["42", /expected a JSON object, found 42/],
		[second.replace('"status":200', '"status":"200"'), /"response.status": expected a number, found "200"/],
		[second.replace('"type":"http"', '"type":"smtp"'), /"type": expected "http".*, found "smtp"/],
	] as const) {
		await writeFile(file, `\ufeff${first}\n${line}\n\n  ${second}`);
		const { flows, reported } = await readTape(file);
		t.same(
			flows.map(({ id }) => id),
			["one", "two"],
		);
		t.match(reported, [{ code: "FT_CORRUPT_FLOW", record: 2, offset: Buffer.byteLength(first) + 4, message: why }]);
		t.match(reported[0]?.message, /line 2, byte/);
	}
});

t.test("unknown keys of a line are kept, and notes after the first line are reported", async (t) => {
	const file = join(t.testdir(), "a.jsonl");
	const line = {
		"x-mine": { a: [1, null, "é"] },
		request: { method: "GET", url: "http://a.test/x", "x-request": true },
		response: { status: 200, "x-response": { $base64: "not bytes" }, extra: { tail: [1] } },
		ticket: 7,
	};
	const notes = '{"type":"tape","notes":{"a":1}}';
	await writeFile(file, `${notes}\n${JSON.stringify(line)}\n${notes}\n`);
	const { flows, reported } = await readTape(file);
	t.match(reported, [{ code: "FT_LOSS", record: 3, message: /line 3, byte \d+: only the first line can hold notes/ }]);
	t.equal(reported.length, 1);
	await writeTape(file, flows);
	const written = JSON.parse(await readFile(file, "utf8"));
	const { request, response } = written;
	t.same([written["x-mine"], written.ticket], [line["x-mine"], 7]);
	t.equal(request["x-request"], true);
	t.equal(request.url, undefined, "other keys contain it");
	t.same(response["x-response"], line.response["x-response"]);
	t.same(response.extra, { tail: [1] });
	t.equal(written.extra, undefined);
});

t.test("numbers in unknown keys keep their digits, also those that JavaScript cannot represent", async (t) => {
	const file = join(t.testdir(), "a.jsonl");
	const numbers = ["9007199254740993", "1e400", "-12345678901234567890", "0.12345678901234567890", "1", "1.5e3", "0.1"];
	const list = `[${numbers.join(",")},{"deep":[9007199254740993]}]`;
	const line = `{"mine":${list},"n":1e400,"request":{"method":"GET","url":"http://a.test/","x":9007199254740993},"response":{"status":200,"y":${list}}}`;
	const dns = `{"type":"dns","request":{"id":1,"query":true,"questions":[],"x-id":18446744073709551615,"extra":{"tail":[1]}},"response":{"id":1,"query":false,"z":[1]}}`;
	await writeFile(file, `${line}\n${dns}\n`);
	const { flows, reported } = await readTape(file);
	t.same(reported, []);
	await writeTape(file, flows);
	const [http = "", other = ""] = (await readFile(file, "utf8")).split("\n");
	const kept = list.replace("1.5e3", "1500");
	const texts = [`"mine":${kept}`, `"n":1e400`, `"x":9007199254740993`, `"y":${kept}`];
	for (const text of texts) t.match(http, text);
	await writeFile(file, line.replace('"status":200', `"status":200,"body":"${"b".repeat(5_000_000)}"`));
	await writeTape(file, (await readTape(file)).flows);
	const long = await readFile(file, "utf8");
	for (const text of texts) t.ok(long.includes(text), "a long line too");
	t.match(other, `"x-id":18446744073709551615`);
	t.match(other, `"z":[1]`);
	t.same(JSON.parse(other).request.extra, { tail: [1] });
});

t.test("unknown keys of messages are kept, with the digits of their numbers", async (t) => {
	const folder = t.testdir();
	const [file, sorted] = [join(folder, "a.jsonl"), join(folder, "sorted.jsonl")];
	const unknown = '"seq":9007199254740993,"note":{"a":[null]}';
	const message = (content: string) => `{"from_client":true,"content":"${content}","timestamp":1,${unknown}}`;
	const request = '"request":{"method":"GET","url":"http://a.test/"},"response":{"status":101}';
	const lines = ["short", "x".repeat(5_000_000)].flatMap((content) => [
		`{"id":"websocket",${request},"websocket":{"messages":[${message(content)}],${unknown}}}`,
		`{"id":"tcp","type":"tcp","messages":[${message(content)},{"from_client":false,"content":"${content}"}]}`,
		`{"id":"dns","type":"dns","request":{"id":1,"query":true,${unknown}}}`,
	]);
	await writeFile(file, lines.join("\n"));
	const { flows, reported } = await readTape(file);
	t.same(reported, []);
	const sorting = await sortByTime(await createTape(sorted, { report: () => {} }), () => {});
	for (const flow of flows) await sorting.append(flow);
	await sorting.close();
	await writeTape(file, flows);
	for (const written of [file, sorted]) {
		const texts = (await readFile(written, "utf8")).trimEnd().split("\n");
		t.equal(texts.length, 6);
		for (const text of texts)
			t.equal(text.split(unknown).length - 1, text.includes('"id":"websocket"') ? 2 : 1, text.slice(0, 40));
	}
	const lost = await writeTape(join(folder, "a.mitm"), flows);
	t.match(lost, [{ code: "FT_LOSS", message: /a dump of version 21 cannot store unknown fields: left out/ }]);
});

t.test("each kind of odd field is reported once, and the flow is kept", async (t) => {
	const file = join(t.testdir(), "a.jsonl");
	const line = (comment: string) => `{"request":{"method":"GET","url":"http://a/"},"comment":${comment}}`;
	await writeFile(file, `${[line('"x"'), line("[1]"), line("{}")].join("\n")}\n`);
	const { flows, reported } = await readTape(file);
	t.same(
		flows.map(({ comment }) => comment),
		["x", "", ""],
	);
	t.match(reported, [
		{
			code: "FT_ODD_FIELD",
			record: 2,
			message: /a\.jsonl: line 2, byte \d+: "comment": expected a string, found a list; left out$/,
		},
		{ code: "FT_ODD_FIELD", message: /a\.jsonl: 1 more lines like that: comment: expected a string$/ },
	]);
});

t.test("bytes that are not JSON, and malicious nesting", async (t) => {
	const file = join(t.testdir(), "a.jsonl");
	const line = (metadata: string) => `{"request":{"method":"GET","url":"http://a/"},"metadata":${metadata}}`;
	const deep = (depth: number) => line(`{"x":${"[".repeat(depth)}${"]".repeat(depth)}}`);
	await writeFile(
		file,
		Buffer.from(
			`${line('{"a":"\xff"}')}\n${deep(400)}\n${deep(501)}\n${deep(200_000)}\n${line('{"a":1e999}')}\r\n`,
			"latin1",
		),
	);
	const { flows, reported } = await readTape(file);
	t.match(reported, [
		{ record: 1, message: /line 1, byte 0: expected UTF-8/ },
		{ record: 3, message: /nested deeper than 500/ },
		{ record: 4, message: /nested deeper than 500/ },
	]);
	t.equal(flows.length, 2);
	const tape = join(t.testdir({}), "b.tape");
	await writeTape(tape, flows);
	t.equal((await readTape(tape)).flows.length, 2, "flows that were read can be written");
});

t.test("a flow that is too large for a line is reported", async (t) => {
	const file = join(t.testdir(), "a.jsonl");
	// six characters each
	const large = Buffer.alloc(90 * 1024 * 1024, 1);
	const reported = await writeTape(file, [httpFlow({ id: "one", response: { body: large } }), httpFlow({ id: "two" })]);
	t.match(reported, [
		{ code: "FT_TOO_LARGE", message: /a\.jsonl: flow one is too large for a line: kept without its bodies$/ },
	]);
	const { flows } = await readTape(file);
	t.match(flows, [
		{ id: "one", response: { statusCode: 200, body: null } },
		{ id: "two", response: { body: Buffer } },
	]);
});

t.test("lines follow the published schema", async (t) => {
	const violations = compileSchema(JSON.parse(await readFile("docs/jsonl.schema.json", "utf8")));
	const file = join(t.testdir(), "a.jsonl");
	const { flows: saved } = await readTape("fixtures/flows/chromium.har");
	const flows = [
		...variedFlows(),
		...saved,
		httpFlow({ metadata: { n: Number.NaN, deep: { $key: 1 } }, extra: { x: 1 } }),
	];
	await writeTape(file, flows);
	const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
	for (const [i, line] of lines.entries()) t.same(violations(JSON.parse(line)), [], `line ${i + 1}, ${flows[i]?.type}`);
	const printed = JSON.parse([...summaryLine(flows[0] as (typeof flows)[0])].join(""));
	t.same(violations(printed), [], "as filter --json prints it");
	for (const [change, why] of [
		[{ type: "smtp" }, "/type: must be equal to constant"],
		[{ request: { ...printed.request, port: "80" } }, "/request/port: must be integer"],
		[{ response: undefined }, ": must have required property 'response'"],
		[{ comment: 5 }, "/comment: must be string"],
		[{ surprise: 1 }, ": must NOT have additional properties"],
	] as const)
		t.ok(violations({ ...printed, ...change }).includes(why), why);
});

t.test("detected among files that begin with a brace", async (t) => {
	t.ok(jsonl.sniff(Buffer.from('{"id":1}')));
	t.ok(jsonl.sniff(Buffer.from('\ufeff\n {"type"')));
	t.notOk(jsonl.sniff(Buffer.from('{"log":{')));
	t.notOk(jsonl.sniff(Buffer.from("12:abc")));
});

t.test("random bytes cause only reports of damage", async (t) => {
	const file = join(t.testdir(), "a.jsonl");
	await writeTape(file, [httpFlow({ id: "one" })]);
	const good = await readFile(file);
	await fc.assert(
		fc.asyncProperty(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), async (at, byte, end) => {
			const bytes = Buffer.from(good.subarray(0, Math.max(end, 2)));
			if (at < bytes.length && at > 0) bytes[at] = byte;
			await writeFile(file, bytes);
			const { flows, reported } = await readTape(file, { format: "jsonl" });
			return flows.length + reported.length >= 1 && reported.every(({ code }) => code === "FT_CORRUPT_FLOW");
		}),
		{ numRuns: 150, seed: 7 },
	);
});

t.test("a large body is read into a file, and a line that needs too much memory is skipped", async (t) => {
	const file = join(t.testdir(), "a.jsonl");
	const body = Buffer.from('{"é":"\\n"}\n'.repeat(1_500_000));
	await writeTape(file, [httpFlow({ id: "large", response: { body } }), httpFlow({ id: "last" })]);
	const [large = "", last = ""] = (await readFile(file, "utf8")).split("\n");
	const bad = last.replace("{", `{"x":[${"{},".repeat(3_000_000)}0],`);
	await writeFile(file, `${large}\n${bad}\n${last}\n`);
	const { flows, reported } = await readTape(file);
	t.same(
		flows.map(({ id }) => id),
		["large", "last"],
	);
	const [{ response }] = flows as [HttpFlow];
	t.notOk(Buffer.isBuffer(response?.body), "it is in a file");
	t.ok(response?.rawContent?.equals(body));
	t.match(reported, [{ code: "FT_CORRUPT_FLOW", record: 2, offset: Buffer.byteLength(large) + 1 }]);
	t.match(reported[0]?.message, /values need too much memory: more than 160 MiB/);
});

t.test("a large line keeps its unknown keys, and large notes after the first line are reported", async (t) => {
	const file = join(t.testdir(), "a.jsonl");
	const unknown = "x".repeat(2_000_000);
	const body = Buffer.alloc(5_000_000, "y");
	await writeTape(file, [httpFlow({ id: "large", response: { body } })]);
	const line = (await readFile(file, "utf8")).trim();
	const more = { "request.body": unknown, "\u00e9": [unknown] };
	const notes = `{ "notes": {"a": "${"x".repeat(5_000_000)}"}, "type": "tape"}`;
	await writeFile(file, `\ufeff${JSON.stringify({ ...JSON.parse(line), ...more })}\r\n${notes}`);
	const { flows, reported } = await readTape(file);
	t.match(reported, [{ code: "FT_LOSS", record: 2 }]);
	t.match(reported[0]?.message, /only the first line can hold notes/);
	await writeTape(file, flows);
	t.ok(isDeepStrictEqual(JSON.parse(await readFile(file, "utf8")), { ...JSON.parse(line), ...more }));
});

t.test("a WebSocket with too many messages is kept without them", async (t) => {
	const file = join(t.testdir(), "a.jsonl");
	const flow = websocketFlow({ id: "many" });
	flow.request.body = Buffer.alloc(100_000, "x");
	const [message] = flow.websocket?.messages ?? [];
	if (flow.websocket !== null && message !== undefined) flow.websocket.messages = Array(500_000).fill(message);
	const written = await writeTape(file, [flow, httpFlow({ id: "last" })]);
	t.match(written, [
		{ code: "FT_TOO_LARGE", message: /flow many is too large .*kept without its bodies and messages/ },
	]);
	const { flows, reported } = await readTape(file);
	t.match(flows, [{ id: "many", websocket: { messages: [] } }, { id: "last" }]);
	t.same(reported, []);
});

t.test("the line of a large flow is printed in pieces", async (t) => {
	const body = "\u00fc\n".repeat(1_000_000);
	const pieces = [...summaryLine(httpFlow({ response: { body } }))];
	t.equal((JSON.parse(pieces.join("")) as { response: { body: string } }).response.body, body);
	t.ok(Math.max(...pieces.map(({ length }) => length)) < 1_000_000);
});
