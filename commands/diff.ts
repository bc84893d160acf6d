// `flowtape diff`: compares two recordings and prints flows that are new, gone or changed.
import { compareRecordings, type FlowChange } from "../api/diff.ts";
import { compileIgnore, options as ignoreOptions } from "../src/compare/ignore.ts";
import type { HttpFlow } from "../src/flow/flow.ts";
import { jsonText } from "../src/flow/json-text.ts";
import { FlowSink } from "../src/flow/pipe.ts";
import { defineCommand, type Io } from "./cli/command.ts";
import { changeJson, changeText, countsText } from "./print/differences.ts";
import { paintFor } from "./print/text.ts";
import { copyFlows, inputOptions, selection, selectionOptions } from "./tapes/copy-flows.ts";

export const command = defineCommand({
	name: "diff",
	summary: "print the differences between two recordings",
	args: "TAPE TAPE",
	arity: { min: 2, max: 2 },
	options: {
		...ignoreOptions,
		json: { type: "boolean", default: false, help: "Print one JSON object for each flow that differs." },
		...selectionOptions,
		...inputOptions,
	},
	examples: [
		["flowtape diff monday.tape tuesday.tape", "end with status 1 if they differ"],
		[
			"flowtape diff old.tape new.tape --ignore header:etag --ignore json:/timestamp",
			"ignore differences that are expected",
		],
	],
	async run({ args: [first = "", second = ""], values }, io) {
		const ignored = compileIgnore(values.ignore);
		const filter = await selection(values);
		const { quiet, strict } = values;
		let worst = 0;
		const read = async (path: string): Promise<HttpFlow[]> => {
			const flows: HttpFlow[] = [];
			const open = async () => FlowSink.of({ append: (flow) => void (flow.type === "http" && flows.push(flow)) });
			const { status } = await copyFlows({ inputs: [path], filter, strict, quiet, open, progress: !quiet }, io);
			worst = Math.max(worst, status);
			return flows;
		};
		const { paired, differences } = await compareRecordings(await read(first), await read(second), ignored);
		if (io.signal.aborted) return worst;
		const changes = [...differences];
		print(changes, paired, values, io);
		return worst || (changes.length > 0 ? 1 : 0);
	},
});

function print(
	changes: readonly FlowChange[],
	paired: number,
	{ json, quiet, color }: { json: boolean; quiet: boolean; color: boolean },
	io: Io,
): void {
	const paint = paintFor(io.stdout, io.env, color);
	for (const change of changes) io.stdout.write(json ? `${jsonText(changeJson(change))}\n` : changeText(change, paint));
	if (!json && !quiet) io.stdout.write(countsText(changes, paired));
}
