// `flowtape export`: flows as commands, code or bytes for other tools.
import { FlowtapeError } from "../src/errors.ts";
import type { FlowSink } from "../src/flow/pipe.ts";
import { defineCommand } from "./cli/command.ts";
import { chosen } from "./tapes/by-id.ts";
import { copyFlows, createOutput, inputOptions, type Troubles } from "./tapes/copy-flows.ts";
import { type Exporter, exporting } from "./tapes/export-sink.ts";

/** By name; loaded when named. */
const exporters: Readonly<Record<string, () => Promise<Exporter>>> = {
	async curl() {
		const { curlCommand } = await import("../src/export/curl.ts");
		return ({ request }, note) => Buffer.from(curlCommand(request, note), "latin1");
	},
	async httpie() {
		const { httpieCommand } = await import("../src/export/httpie.ts");
		return ({ request }, note) => Buffer.from(httpieCommand(request, note), "latin1");
	},
	async fetch() {
		const { fetchCall } = await import("../src/export/fetch.ts");
		return ({ request }, note) => Buffer.from(fetchCall(request, note));
	},
	raw: async () => (await import("../src/export/raw.ts")).rawFlow,
	"raw-request": async () => (await import("../src/export/raw.ts")).rawRequest,
	"raw-response": async () => (await import("../src/export/raw.ts")).rawResponse,
};

const names = [...Object.keys(exporters), "har"];

export const command = defineCommand({
	name: "export",
	summary: `print flows for other tools: ${names.join(", ")}`,
	args: "FORMAT TAPE [ID…]",
	arity: { min: 2 },
	options: {
		output: { type: "string", default: "-", short: "o", metavar: "FILE", help: "Write to a file instead of stdout." },
		...inputOptions,
	},
	examples: [
		["flowtape export curl session.tape 3f2a", "a curl command for the request whose flow's id begins with 3f2a"],
		["flowtape export raw-response session.tape 3f2a -o answer.http", "the response as it goes over the wire"],
		["flowtape export har session.tape -o session.har", "everything, for a browser's network panel"],
	],
	async run({ args: [format = "", tape = "-", ...ids], options }, io) {
		if (!names.includes(format)) throw new FlowtapeError("FT_USAGE", `export: "${format}" is none of ${names.join(", ")}`);
		const choice = chosen(tape, ids);
		const exporter = await exporters[format]?.();
		const open = (troubles: Troubles): Promise<FlowSink> =>
			exporter === undefined ? createOutput(options.output, { format: "har", dump_version: null }, troubles) : exporting(options.output, exporter, troubles);
		const { passed, status } = await copyFlows({ inputs: [tape], steps: [choice.step], strict: options.strict, open }, io);
		choice.check();
		return status !== 0 ? status : passed > 0 ? 0 : 1;
	},
});
