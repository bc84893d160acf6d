// `flowtape export`: exports flows as commands, code or raw messages for other tools.

import { createExportSink, createOpenApiSink } from "../api/export-sink.ts";
import { exportBytes, exportFormats, exportFrames } from "../api/exporters.ts";
import { FlowtapeError } from "../src/errors.ts";
import type { FlowSink } from "../src/flow/pipe.ts";
import { defineCommand } from "./cli/command.ts";
import { selectByIds } from "./tapes/by-id.ts";
import {
	copyFlows,
	createOutput,
	inputOptions,
	selection,
	selectionOptions,
	type Troubles,
} from "./tapes/copy-flows.ts";
import { checkDistinct } from "./tapes/same-file.ts";

const names: readonly string[] = [...exportFormats, "openapi", "har"];

export const command = defineCommand({
	name: "export",
	summary: `print flows for other tools: ${names.join(", ")}`,
	args: "FORMAT TAPE [ID…]",
	arity: { min: 2 },
	options: {
		output: { type: "string", default: "-", short: "o", metavar: "FILE", help: "Write to a file instead of stdout." },
		...selectionOptions,
		...inputOptions,
	},
	examples: [
		["flowtape export curl session.tape 3f2a", "a curl command for the request whose flow's id begins with 3f2a"],
		["flowtape export raw-response session.tape 3f2a -o answer.http", "the response, byte for byte"],
		["flowtape export httpie session.tape -f '~m POST'", "a command for each POST request"],
		[
			"flowtape export openapi session.tape -f '~d api.example.com' -o api.json",
			"an OpenAPI document of the recorded API",
		],
		["flowtape export har session.tape -o session.har", "everything, for a browser's network panel"],
	],
	async run({ args: [format = "", tape = "-", ...ids], values }, io) {
		if (!names.includes(format))
			throw new FlowtapeError("FT_USAGE", `export: expected one of ${names.join(", ")}, found "${format}"`);
		checkDistinct(values.output, [tape]);
		const choice = selectByIds(tape, ids);
		const as = exportFormats.find((name) => name === format);
		const open = (troubles: Troubles): Promise<FlowSink> =>
			format === "openapi"
				? createOpenApiSink(values.output, troubles.report)
				: as === undefined
					? createOutput(values.output, { format: "har", dump_version: null }, troubles)
					: createExportSink(
							values.output,
							(flow, note) => exportBytes(flow, as, note),
							troubles.report,
							exportFrames[as],
						);
		const { passed, status } = await copyFlows(
			{ inputs: [tape], filter: await selection(values), steps: [choice.step], strict: values.strict, open },
			io,
		);
		choice.check();
		return status !== 0 ? status : passed > 0 ? 0 : 1;
	},
});
