// `flowtape diff`: what changed between two recordings: flows that are new, gone or answered otherwise.

import { align } from "../src/compare/align.ts";
import { flowDifferences } from "../src/compare/differences.ts";
import { compileIgnore, options as ignoreOptions } from "../src/compare/ignore.ts";
import type { HttpFlow } from "../src/flow/flow.ts";
import { jsonText } from "../src/flow/json-text.ts";
import { FlowSink } from "../src/flow/pipe.ts";
import { defaultRequestKey } from "../src/replay/match/key.ts";
import { defineCommand, type Io } from "./cli/command.ts";
import { type Change, changeJson, changeText, tallyText } from "./print/differences.ts";
import { paintFor } from "./print/text.ts";
import { copyFlows, inputOptions, selection, selectionOptions } from "./tapes/copy-flows.ts";

export const command = defineCommand({
	name: "diff",
	summary: "tell what changed between two recordings",
	args: "TAPE TAPE",
	arity: { min: 2, max: 2 },
	options: {
		...ignoreOptions,
		json: { type: "boolean", default: false, help: "Print one JSON object a line for each flow that differs." },
		...selectionOptions,
		...inputOptions,
	},
	examples: [
		["flowtape diff monday.tape tuesday.tape", "status 1 when they differ"],
		["flowtape diff old.tape new.tape --ignore header:etag --ignore json:/timestamp", "without what is meant to vary"],
	],
	async run({ args: [first = "", second = ""], options, values }, io) {
		const ignored = compileIgnore(options.ignore);
		const filter = await selection(options);
		const quiet = values.quiet === true;
		let worst = 0;
		const read = async (path: string): Promise<HttpFlow[]> => {
			const flows: HttpFlow[] = [];
			const open = async () => FlowSink.of({ append: (flow) => void (flow.type === "http" && flows.push(flow)) });
			const { status } = await copyFlows({ inputs: [path], filter, strict: options.strict, quiet, open, progress: !quiet }, io);
			worst = Math.max(worst, status);
			return flows;
		};
		const { pairs, gone, fresh } = align(await read(first), await read(second), defaultRequestKey);
		if (io.signal.aborted) return worst;
		const changes: Change[] = [];
		for (const { before, after } of pairs) {
			const differences = flowDifferences(before, after, ignored);
			if (differences.length > 0) changes.push({ kind: "changed", flow: after, before, differences });
		}
		for (const flow of gone) changes.push({ kind: "gone", flow });
		for (const flow of fresh) changes.push({ kind: "new", flow });
		print(changes, pairs.length, { json: options.json, quiet, color: values.color === true }, io);
		return worst || (changes.length > 0 ? 1 : 0);
	},
});

function print(changes: readonly Change[], paired: number, { json, quiet, color }: { json: boolean; quiet: boolean; color: boolean }, io: Io): void {
	const paint = paintFor(io.stdout, io.env, color);
	for (const change of changes) io.stdout.write(json ? `${jsonText(changeJson(change))}\n` : changeText(change, paint));
	if (!json && !quiet) io.stdout.write(tallyText(changes, paired));
}
