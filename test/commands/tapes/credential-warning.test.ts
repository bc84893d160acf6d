import t from "tap";
import { warnOfCredentials } from "../../../commands/tapes/credential-warning.ts";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { captureIo } from "../../../fixtures/run-captured.ts";
import type { Flow } from "../../../src/flow/flow.ts";
import type { Metadata } from "../../../src/flow/metadata.ts";
import { FlowSource } from "../../../src/flow/pipe.ts";
import { defaults } from "../../../src/options.ts";
import { noteOfRules } from "../../../src/redact/note.ts";
import { options } from "../../../src/redact/options.ts";

class TestSource extends FlowSource {
	readonly #notes: Metadata;
	constructor(notes: Metadata = {}) {
		super();
		this.#notes = notes;
	}
	override async notes() {
		return this.#notes;
	}
	async *read(): AsyncGenerator<Flow[]> {
		const credential = () =>
			httpFlow({ id: "12345678-9", request: { headers: [["Authorization", "Bearer a1b2c3d4"]] } });
		yield [httpFlow(), credential()];
		yield [credential()];
	}
}

async function warned(sources: readonly FlowSource[]): Promise<string> {
	const { io, captured } = captureIo();
	let flows = 0;
	for (const source of warnOfCredentials(sources, io, () => {}))
		for await (const batch of source) flows += batch.length;
	t.equal(flows, 3 * sources.length);
	return captured.err;
}

t.test("once, for the first credential", async (t) => {
	const expected =
		"flowtape: these flows have credentials: request header authorization of flow 12345678. Before you share them: flowtape rewrite --redact\n";
	t.equal(await warned([new TestSource(), new TestSource()]), expected);
});

t.test("not for tapes that were redacted", async (t) => {
	const notes = Object.fromEntries([noteOfRules(defaults(options))]);
	t.equal(await warned([new TestSource(notes)]), "");
});
