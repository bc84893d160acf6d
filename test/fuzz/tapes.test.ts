// Tapes cut off at every byte and with bits turned over: only errors of ours, what stands before the damage is kept,
// and it ends.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import { httpFlow, websocketFlow } from "../../fixtures/build-flow.ts";
import { bytesInput } from "../../fixtures/bytes-input.ts";
import { reports, writeTape } from "../../fixtures/tape-files.ts";
import { formatForWriting, openTape } from "../../formats/index.ts";
import { FlowtapeError } from "../../src/errors.ts";
import type { Flow } from "../../src/flow/flow.ts";

// run alone it has half a minute otherwise, which is too little where others keep the processor busy
t.setTimeout(600_000);

const flows = [httpFlow({ id: "first", response: { body: Buffer.alloc(300, 0xff) } }), websocketFlow({ id: "second" })];
/** How many bytes further each cut is: a .tape has many, most of them in empty pages. */
const kinds = [
	{ extension: ".har", step: 1 },
	{ extension: ".jsonl", step: 1 },
	{ extension: ".tape", step: 61 },
] as const;

/**
 * Reads a damaged tape; only FlowtapeErrors are allowed. Only a database has to be a file for that.
 */
async function idsOf(file: string, bytes: Buffer): Promise<{ ids: string[]; reported: number }> {
	const { list, report } = reports();
	const ids: string[] = [];
	let thrown = 0;
	try {
		const format = formatForWriting(file);
		if (format.name === "tape") await writeFile(file, bytes);
		const source =
			format.name === "tape" ? await openTape(file, { report }) : await format.read(bytesInput(bytes), { report });
		for await (const batch of source) ids.push(...batch.map((flow) => touched(flow).id));
	} catch (error) {
		if (!(error instanceof FlowtapeError) || error.status !== 3) throw error;
		thrown = 1;
	}
	return { ids, reported: list.length + thrown };
}

/** What is read only when somebody asks. */
function touched(flow: Flow): Flow {
	if (flow.type === "http") for (const message of [flow.request, flow.response]) void message?.rawContent;
	void [flow.clientConn, flow.serverConn, flow.metadata, flow.backup];
	return flow;
}

for (const { extension, step } of kinds) {
	t.test(`${extension} cut off`, async (t) => {
		const file = join(t.testdir(), `a${extension}`);
		await writeTape(file, flows);
		const bytes = await readFile(file);
		const lines = bytes.toString("latin1").split("\n");
		const faults: string[] = [];
		for (let size = 1; size < bytes.length; size += step) {
			const { ids, reported } = await idsOf(file, bytes.subarray(0, size));
			// pages stand in any order: the first flow may be the one whose body is gone
			const kept = flows
				.map(({ id }) => id)
				.filter((id, i) => (extension === ".tape" ? ids.includes(id) : i < ids.length));
			if (ids.join() !== kept.join()) faults.push(`${size} bytes: ${ids}`);
			const whole = bytes.toString("latin1", 0, size).split("\n");
			const flowsBefore = whole.filter((line, i) => line === lines[i] && line.includes('id":"')).length;
			if (extension !== ".tape" && ids.length < flowsBefore) faults.push(`${size} bytes: only ${ids}`);
			// where nothing is missing there is nothing to tell
			const isWhole =
				extension === ".jsonl"
					? whole.every((line, i) => line === lines[i] || line === "")
					: ids.length === flows.length;
			if (reported === 0 && !isWhole) faults.push(`${size} bytes: the damage is not reported`);
		}
		t.same(faults, [], "complete flows are kept, and damage is reported");
	});

	t.test(`${extension} with bits turned over`, async (t) => {
		const file = join(t.testdir(), `a${extension}`);
		await writeTape(file, flows);
		const bytes = await readFile(file);
		const checked = await fc.check(
			fc.asyncProperty(fc.array(fc.nat(bytes.length * 8 - 1), { minLength: 1, maxLength: 4 }), async (bits) => {
				const broken = Buffer.from(bytes);
				for (const bit of bits) broken[bit >> 3] = (broken[bit >> 3] as number) ^ (1 << (bit & 7));
				const { ids } = await idsOf(file, broken);
				return ids.length <= flows.length + 1;
			}),
			{ seed: 17, numRuns: 800, interruptAfterTimeLimit: 10_000 },
		);
		t.notOk(checked.failed, "no other error, and no flows that were not there", { checked });
	});
}
