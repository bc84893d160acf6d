// Writes one entry per line, and appends to a HAR of flowtape.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { harViolations } from "../../../fixtures/har-checks.ts";
import { readTape, reports, writeTape } from "../../../fixtures/tape-files.ts";
import { createHar } from "../../../formats/har/sink.ts";

const { report } = reports();
const page = { id: "p", title: "Shop", startedDateTime: "2024-05-02T08:15:30Z", pageTimings: {} };

t.test("a line for each entry", async (t) => {
	const file = join(t.testdir(), "a.har");
	await writeTape(file, [httpFlow({ id: "one" }), httpFlow({ id: "two" })]);
	const lines = (await readFile(file, "utf8")).split("\n");
	t.equal(lines.length, 5);
	t.match(lines[0], /^\{"log":\{"version":"1.2","creator":\{"name":"flowtape","version":"[^"]+"\},"entries":\[$/);
	t.match(lines[1], /^\{"startedDateTime":.*"_id":"one"\},$/);
	t.equal(lines[3], "]}}");
});

t.test("without a flow", async (t) => {
	const file = join(t.testdir(), "a.har");
	await writeTape(file, []);
	t.same(harViolations(await readFile(file, "utf8")), []);
	t.same(await readTape(file), { flows: [], reported: [] });
});

t.test("pages are listed once, and the first entry that refers to one contains it", async (t) => {
	const file = join(t.testdir(), "a.har");
	const flow = (id: string) => httpFlow({ id, metadata: { har: { page, entry: { pageref: "p" } } } });
	await writeTape(file, [flow("one"), flow("two")]);
	const text = await readFile(file, "utf8");
	t.match(JSON.parse(text).log, { pages: [page], entries: [{ pageref: "p", _page: page }, { pageref: "p" }] });
	t.equal(text.split('"_page"').length, 2);
	t.same(harViolations(text), []);
});

t.test("a list of pages that could not be read again is cut; entries contain the others", async (t) => {
	const file = join(t.testdir(), "a.har");
	const flows = Array.from({ length: 5000 }, (_, i) =>
		httpFlow({ metadata: { har: { page: { id: `p${i}`, title: "x".repeat(1000) } } } }),
	);
	await writeTape(file, [...flows, ...flows.slice(-1)]);
	const { log } = JSON.parse(await readFile(file, "utf8"));
	t.ok(log.pages.length > 3000 && log.pages.length < 5000, log.pages.length);
	t.equal(log.entries.filter(({ _page }: { _page?: object }) => _page !== undefined).length, 5001);
	const read = await readTape(file);
	t.same(read.reported, []);
	t.match(read.flows.at(-1)?.metadata, { har: { page: { id: "p4999" }, log: undefined } });
});

t.test("appending to an existing HAR", async (t) => {
	const file = join(t.testdir(), "a.har");
	for (const ids of [["one"], [], ["two", "three"]]) {
		await writeTape(
			file,
			ids.map((id) => httpFlow({ id })),
			{ append: true },
		);
	}
	t.same(
		(await readTape(file)).flows.map(({ id }) => id),
		["one", "two", "three"],
	);
	t.same(harViolations(await readFile(file, "utf8")), []);
	await writeTape(file, []);
	await writeTape(file, [httpFlow({ id: "one" })], { append: true });
	t.equal((await readTape(file)).flows.length, 1);
	await writeFile(file, "");
	await writeTape(file, [httpFlow({ id: "one" })], { append: true });
	t.equal((await readTape(file)).flows.length, 1, "an empty file");
});

t.test("a flow that is too large for a string is reported", async (t) => {
	const file = join(t.testdir(), "a.har");
	// six characters each
	const large = Buffer.alloc(90 * 1024 * 1024, 1);
	const reported = await writeTape(file, [httpFlow({ response: { body: large } }), httpFlow({ id: "two" })]);
	t.match(reported[0], {
		code: "FT_LOSS",
		message: /cannot store these flows: HTTP flows too large to be read again \(1\): left out/,
	});
	t.equal((await readTape(file)).flows[0]?.id, "two");
});

t.test("a file that cannot be appended to stays unchanged", async (t) => {
	const folder = t.testdir({ "theirs.har": '{"log":{"version":"1.2","entries":[]}}\n' });
	const theirs = join(folder, "theirs.har");
	await t.rejects(createHar(theirs, { report, append: true }), {
		code: "FT_USAGE",
		message: /theirs\.har: flows cannot be appended: expected a complete HAR written by flowtape/,
	});
	t.equal((await readTape(theirs)).reported.length, 0);
	const packed = join(folder, "a.har.gz");
	await writeTape(packed, [httpFlow()]);
	await t.rejects(createHar(packed, { report, append: true }), {
		code: "FT_USAGE",
		message: /it is compressed; record to a \.tape/,
	});
});

t.test("a discarded HAR leaves the existing file unchanged", async (t) => {
	const file = join(t.testdir({ "a.har": "old" }), "a.har");
	const sink = await createHar(file, { report });
	await sink.append(httpFlow());
	await sink.discard();
	t.equal(await readFile(file, "utf8"), "old");
});
