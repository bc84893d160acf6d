// Confidential tapes are read from memory: as from a file, also a cut one, one with a log, and a forged one.
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { bytesInput } from "../../../fixtures/bytes-input.ts";
import { rootOf, withEndlessTree } from "../../../fixtures/forged-trees.ts";
import { writeTape } from "../../../fixtures/tape-files.ts";
import { formats } from "../../../formats/index.ts";
import { readImage } from "../../../formats/tape/tape-image.ts";
import type { Reporter } from "../../../src/errors.ts";
import type { Flow } from "../../../src/flow/flow.ts";
import { openStore } from "../../../src/store/sqlite/store.ts";

async function read(bytes: Buffer, report: Reporter): Promise<Flow[]> {
	const tape = formats.find(({ name }) => name === "tape");
	const source = await tape?.read(bytesInput(bytes), { report, isConfidential: true });
	const flows: Flow[] = [];
	for await (const batch of source ?? []) flows.push(...batch);
	await source?.close();
	return flows;
}

const noReport: Reporter = (_code, message) => t.fail(message);

t.test("flows, their bodies after the tape was closed, and copies of them", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "a.tape");
	await writeTape(path, [httpFlow({ response: { body: "first" } }), httpFlow({ response: { body: "second" } })]);
	const flows = await read(readFileSync(path), noReport);
	await writeTape(join(folder, "copy.tape"), flows);
	const copied = await read(readFileSync(join(folder, "copy.tape")), noReport);
	for (const some of [flows, copied])
		t.same(
			some.map((flow) => flow.type === "http" && String(flow.response?.rawContent)),
			["first", "second"],
		);
});

t.test("a tape of a recording that was killed", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "a.tape");
	const store = openStore(path, { mode: "append", report: noReport });
	store.append(httpFlow());
	store.flush();
	copyFileSync(path, join(folder, "copy.tape"));
	await store.close();
	const { bytes } = await readImage(bytesInput(readFileSync(join(folder, "copy.tape"))));
	t.same([...bytes.subarray(18, 20)], [1, 1]);
});

t.test("a tape that is cut off has the readable parts of its flows", async (t) => {
	const path = join(t.testdir(), "a.tape");
	await writeTape(path, [httpFlow(), httpFlow({ response: { body: "x".repeat(100_000) } })]);
	const whole = readFileSync(path);
	const cut = whole.subarray(0, whole.length - 50_000);
	const image = await readImage(bytesInput(cut));
	t.equal(image.bytes.length, whole.length);
	t.same(image.missing, { size: cut.length, whole: whole.length });
	const messages: string[] = [];
	t.equal((await read(cut, (_code, message) => messages.push(message))).length, 2);
	t.match(messages[0], /^stream: byte \d+: the tape is cut off here/);
	t.ok(messages.every((message) => message.startsWith("stream: ")));
});

t.test("a forged tape is refused", async (t) => {
	const path = join(t.testdir(), "a.tape");
	await writeTape(path, [httpFlow()]);
	const forged = withEndlessTree(readFileSync(path), rootOf(path, "flow"));
	await t.rejects(read(forged, noReport), { code: "FT_STORE", message: /^stream: the tape is damaged: its tables/ });
	await t.rejects(read(Buffer.from("SQLite format 3\0 and nothing"), noReport), { code: "FT_UNKNOWN_FORMAT" });
});

t.test("a tape that is too large for memory", async (t) => {
	const input = { ...bytesInput(Buffer.alloc(100)), chunks: () => endless() };
	await t.rejects(readImage(input), { code: "FT_IO", message: /stream: a tape of more than 2147483648 bytes/ });
});

/** Pieces of no memory of their own. */
async function* endless(): AsyncGenerator<Buffer> {
	const piece = Buffer.alloc(64 * 1024 * 1024);
	for (;;) yield piece;
}
