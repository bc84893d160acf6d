// Writes a HAR with attached bodies: each body once, the HAR last.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { ownTemporaryFolder } from "../../../fixtures/own-temporary-folder.ts";
import { readTape, reports, writeTape } from "../../../fixtures/tape-files.ts";
import { ZipFile } from "../../../formats/har/zip-file.ts";
import { createHarZip } from "../../../formats/har/zip-sink.ts";
import type { HttpFlow } from "../../../src/flow/flow.ts";

t.test("bodies are named by their digest", async (t) => {
	const left = ownTemporaryFolder(t);
	const path = join(t.testdir(), "a.zip");
	const flows = [
		httpFlow({
			request: { method: "POST", headers: [["Content-Type", "application/x-www-form-urlencoded"]], body: "a=1" },
		}),
		httpFlow({ response: { headers: [["Content-Type", "image/jpeg"]], body: Buffer.of(0, 255) } }),
		httpFlow({ response: { headers: [], body: "?" } }),
		httpFlow({ response: { body: "" } }),
		httpFlow({ response: { headers: [["Content-Type", "application/x-javascript"]], body: "1" } }),
	];
	t.match(await writeTape(path, flows), [{ code: "FT_LOSS" }]);
	const zip = new ZipFile(path, path);
	const names = [...zip.names];
	zip.close();
	t.match(names, [/^[0-9a-f]{40}\.dat$/, /\.txt$/, /\.jpg$/, /\.dat$/, /\.js$/, "har.har"]);
	t.equal(names.length, 6, "a body of two flows is stored once");
	const back = await readTape(path);
	t.same(back.reported, []);
	t.same(
		back.flows.map((flow) =>
			flow.type === "http" ? [flow.request.text, flow.response?.rawContent?.toString("latin1")] : [],
		),
		[
			["a=1", "hello"],
			["", "\0\xff"],
			["", "?"],
			["", ""],
			["", "1"],
		],
	);
	t.same(left(), []);
});

t.test("a ZIP is not appended to, and a discarded one leaves nothing", async (t) => {
	const left = ownTemporaryFolder(t);
	const folder = t.testdir();
	const { report } = reports();
	await t.rejects(createHarZip(join(folder, "a.zip"), { report, append: true }), {
		code: "FT_USAGE",
		message: /flows cannot be appended to a ZIP/,
	});
	const sink = await createHarZip(join(folder, "a.zip"), { report });
	await sink.append(httpFlow());
	await sink.discard();
	t.same(await readdir(folder), []);
	t.same(left(), []);
});

t.test("large bodies are in temporary files, not in memory", async (t) => {
	const left = ownTemporaryFolder(t);
	const folder = t.testdir();
	const [first, second, again] = ["first.zip", "second.zip", "again.zip"].map((name) => join(folder, name)) as [
		string,
		string,
		string,
	];
	const large = (text: string) => Buffer.alloc(9 * 1024 * 1024, text);
	await writeTape(first, [
		httpFlow({ request: { method: "POST", body: large("request ") }, response: { body: large("response ") } }),
		httpFlow({ response: { headers: [["Content-Encoding", "gzip"]], body: gzipSync(large("coded ")) } }),
	]);
	for (const [from, to] of [
		[first, second],
		[second, again],
	] as const) {
		const { flows, reported } = await readTape(from);
		t.same(reported, []);
		const [plain, coded] = flows as [HttpFlow, HttpFlow];
		t.notOk(Buffer.isBuffer(plain.request.body));
		t.notOk(Buffer.isBuffer(plain.response?.body));
		t.ok(plain.request.content?.equals(large("request ")));
		t.ok(plain.response?.content?.equals(large("response ")));
		t.ok(coded.response?.content?.equals(large("coded ")));
		await writeTape(to, flows);
	}
	t.same(left(), []);
});

t.test("a large file of a ZIP that is damaged is reported", async (t) => {
	const path = join(t.testdir(), "a.zip");
	await writeTape(path, [httpFlow({ response: { body: Buffer.alloc(9 * 1024 * 1024, "x") } })]);
	const bytes = await readFile(path);
	bytes[100] = (bytes[100] as number) ^ 0xff;
	await writeFile(path, bytes);
	const { flows, reported } = await readTape(path);
	t.match(reported, [{ code: "FT_CORRUPT_FLOW", message: /the flow is kept without it/ }]);
	t.match(flows, [{ response: { body: null } }]);
});
