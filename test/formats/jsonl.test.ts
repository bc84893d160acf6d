// JSON lines: damage costs a line, not the file.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { violations } from "../../fixtures/json-schema.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";
import { variedFlows } from "../../fixtures/varied-flows.ts";
import { jsonl, summaryLine } from "../../formats/jsonl.ts";

t.test("one flow a line, ids and types first", async (t) => {
	const file = join(t.testdir(), "a.jsonl");
	const flows = [httpFlow({ id: "one" }), httpFlow({ id: "two" })];
	await writeTape(file, flows);
	const lines = (await readFile(file, "utf8")).split("\n");
	t.equal(lines.length, 3);
	t.match(lines[0], /^\{"id":"one","type":"http","request":\{"method":"GET"/);
	t.notMatch(lines[0], /"url"/);
	t.match(summaryLine(flows[0] as (typeof flows)[0]), /"url":"http:\/\/example\.com\/"/);
});

t.test("a damaged line is named by its number and offset, the others are read", async (t) => {
	const file = join(t.testdir(), "a.jsonl");
	await writeTape(file, [httpFlow({ id: "one" }), httpFlow({ id: "two" })]);
	const [first = "", second = ""] = (await readFile(file, "utf8")).split("\n");
	for (const [line, why] of [
		['{"id": broken', /JSON was expected/],
		["{}", /"request" is missing, an object was expected/],
		["[1]", /a list was found, a JSON object was expected/],
		["42", /42 was found/],
		[second.replace('"status":200', '"status":"200"'), /"response.status" is "200", a number was expected/],
		[second.replace('"type":"http"', '"type":"smtp"'), /"type" is "smtp", "http"/],
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

t.test("an odd field is told of once for each kind, and costs no flow", async (t) => {
	const file = join(t.testdir(), "a.jsonl");
	const line = (comment: string) => `{"request":{"method":"GET","url":"http://a/"},"comment":${comment}}`;
	await writeFile(file, `${[line('"x"'), line("[1]"), line("{}")].join("\n")}\n`);
	const { flows, reported } = await readTape(file);
	t.same(
		flows.map(({ comment }) => comment),
		["x", "", ""],
	);
	t.match(reported, [
		{ code: "FT_ODD_FIELD", record: 2, message: /a\.jsonl: line 2, byte \d+: "comment" is a list, a string was expected: left out$/ },
		{ code: "FT_ODD_FIELD", message: /a\.jsonl: 1 more lines like that: comment: a string was expected$/ },
	]);
});

t.test("what stands in no JSON, and nesting that is meant to hurt", async (t) => {
	const file = join(t.testdir(), "a.jsonl");
	const line = (metadata: string) => `{"request":{"method":"GET","url":"http://a/"},"metadata":${metadata}}`;
	const deep = (depth: number) => line(`{"x":${"[".repeat(depth)}${"]".repeat(depth)}}`);
	await writeFile(file, Buffer.from(`${line('{"a":"\xff"}')}\n${deep(400)}\n${deep(501)}\n${deep(200_000)}\n${line('{"a":1e999}')}\r\n`, "latin1"));
	const { flows, reported } = await readTape(file);
	t.match(reported, [
		{ record: 1, message: /line 1, byte 0: UTF-8 was expected/ },
		{ record: 3, message: /nested deeper than 500/ },
		{ record: 4, message: /nested deeper than 500/ },
	]);
	t.equal(flows.length, 2);
	const tape = join(t.testdir({}), "b.tape");
	await writeTape(tape, flows);
	t.equal((await readTape(tape)).flows.length, 2, "what is read can be written");
});

t.test("a flow that is too large for a line is told of", async (t) => {
	const file = join(t.testdir(), "a.jsonl");
	// six characters each
	const large = Buffer.alloc(90 * 1024 * 1024, 1);
	const reported = await writeTape(file, [httpFlow({ id: "one", response: { body: large } }), httpFlow({ id: "two" })]);
	t.match(reported, [{ code: "FT_TOO_LARGE", message: /a\.jsonl: flow one is too large for a line: kept without its bodies/ }]);
	const { flows } = await readTape(file);
	t.match(flows, [
		{ id: "one", response: { statusCode: 200, body: null } },
		{ id: "two", response: { body: Buffer } },
	]);
});

t.test("lines are as the published schema has them", async (t) => {
	const schema = JSON.parse(await readFile("docs/jsonl.schema.json", "utf8"));
	const file = join(t.testdir(), "a.jsonl");
	const { flows: saved } = await readTape("fixtures/flows/chromium.har");
	const flows = [...variedFlows(), ...saved, httpFlow({ metadata: { n: Number.NaN, deep: { $key: 1 } }, extra: { x: 1 } })];
	await writeTape(file, flows);
	const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
	for (const [i, line] of lines.entries()) t.same(violations(schema, JSON.parse(line)), [], `line ${i + 1}, ${flows[i]?.type}`);
	const printed = JSON.parse(summaryLine(flows[0] as (typeof flows)[0]));
	t.same(violations(schema, printed), [], "as filter --json prints it");
	for (const [change, why] of [
		[{ type: "smtp" }, /\$.type is not/],
		[{ request: { ...printed.request, port: "80" } }, /\$.request.port is no integer/],
		[{ response: undefined }, /\$.response/],
		[{ comment: 5 }, /\$.comment is no string/],
		[{ surprise: 1 }, /\$.surprise is not known/],
	] as const)
		t.match(violations(schema, { ...printed, ...change })[0], why);
});

t.test("told from what else begins with a brace", async (t) => {
	t.ok(jsonl.sniff(Buffer.from('{"id":1}')));
	t.ok(jsonl.sniff(Buffer.from('\ufeff\n {"type"')));
	t.notOk(jsonl.sniff(Buffer.from('{"log":{')));
	t.notOk(jsonl.sniff(Buffer.from("12:abc")));
});

t.test("whatever the bytes, only what is damaged is reported", async (t) => {
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
