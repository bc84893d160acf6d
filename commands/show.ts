// `flowtape show`: prints flows in full, with decoded and formatted bodies.

import { createExportSink } from "../api/export-sink.ts";
import { summaryLine } from "../api/formats.ts";
import { FlowtapeError } from "../src/errors.ts";
import { rawFlow } from "../src/export/raw.ts";
import type { Flow } from "../src/flow/flow.ts";
import { FlowSink } from "../src/flow/pipe.ts";
import { defineCommand, type Io } from "./cli/command.ts";
import { flowFull } from "./print/flow-full.ts";
import { flowLine } from "./print/flow-line.ts";
import { openPager, type PagerOutput } from "./print/pager.ts";
import { type Paint, paintFor } from "./print/text.ts";
import { selectByIds } from "./tapes/by-id.ts";
import { copyFlows, inputOptions, selection, selectionOptions, type Troubles } from "./tapes/copy-flows.ts";
import { followTape } from "./tapes/follow.ts";

export const command = defineCommand({
	name: "show",
	summary: "print flows in full, with decoded and formatted bodies",
	args: "TAPE [ID…]",
	arity: { min: 1 },
	options: {
		json: { type: "boolean", default: false, help: "Print one JSON object per line." },
		raw: { type: "boolean", default: false, help: "Print messages byte for byte, as HTTP/1.1 sends them." },
		watch: {
			type: "boolean",
			default: false,
			help: "Print a line for each flow, also for those that are appended to the .tape, until Ctrl-C.",
		},
		pager: { type: "boolean", default: true, help: "Show the output in $PAGER on a terminal." },
		...selectionOptions,
		...inputOptions,
	},
	examples: [
		["flowtape show session.tape", "everything"],
		["flowtape show session.tape 3f2a", "the flow whose id begins with 3f2a"],
		["flowtape show session.tape --watch", "a line for each flow, while the tape is recorded"],
		["flowtape show session.tape 3f2a --raw | less", "its messages as they were sent"],
	],
	async run({ args: [tape = "-", ...ids], values }, io) {
		const { json, raw } = values;
		const paint = paintFor(io.stdout, io.env, values.color);
		if (values.watch) return watch(tape, ids, values, io);
		const choice = selectByIds(tape, ids);
		const print = json ? summaryLine : spaced(paint);
		const enough = new AbortController();
		const page = async (): Promise<FlowSink> => {
			const pager = await openPager(io, values.pager && !json && !raw, () => enough.abort(0));
			return FlowSink.of({ append: (flow) => writeAll(pager, print(flow)), close: pager.close, discard: pager.close });
		};
		const open = (troubles: Troubles) => (raw ? createExportSink("-", rawFlow, troubles.report) : page());
		const { passed, status } = await copyFlows(
			{ inputs: [tape], filter: await selection(values), steps: [choice.step], strict: values.strict, open },
			{ ...io, signal: AbortSignal.any([io.signal, enough.signal]) },
		);
		if (enough.signal.aborted) return status;
		choice.check();
		return status !== 0 ? status : passed > 0 ? 0 : 1;
	},
});

async function watch(
	tape: string,
	ids: readonly string[],
	values: Parameters<typeof selection>[0] & { json: boolean; raw: boolean; color: boolean; strict: boolean },
	io: Io,
): Promise<number> {
	if (ids.length > 0 || values.raw)
		throw new FlowtapeError("FT_USAGE", "show: --watch prints a line for each flow: leave out ids and --raw");
	const paint = paintFor(io.stdout, io.env, values.color);
	const print = values.json ? summaryLine : (flow: Flow) => [`${flowLine(flow, paint)}\n`];
	return followTape(
		{ option: "show: --watch", tapes: [tape], filter: await selection(values), strict: values.strict, print },
		io,
	);
}

async function writeAll(output: PagerOutput, pieces: Iterable<string>): Promise<void> {
	for (const piece of pieces) await output.write(piece);
}

/** An empty line between flows. */
function spaced(paint: Paint): (flow: Flow) => string[] {
	let gap = "";
	return (flow) => {
		const text = `${gap}${flowFull(flow, paint)}`;
		gap = "\n";
		return [text];
	};
}
