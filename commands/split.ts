// `flowtape split`: writes one tape for each host, status, method, type or session.
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { detectFormat, extensionOf, isRegularFile } from "../api/formats.ts";
import { SplitSink, splitKeys } from "../api/split-flows.ts";
import { FlowtapeError, messageOf } from "../src/errors.ts";
import { expandHome } from "../src/options.ts";
import { printableLine } from "../src/views/printable.ts";
import { defineCommand } from "./cli/command.ts";
import {
	copyFlows,
	createOutput,
	inputOptions,
	outputOptions,
	selection,
	selectionOptions,
	type Troubles,
} from "./tapes/copy-flows.ts";

export const command = defineCommand({
	name: "split",
	summary: "write one tape for each host, status, method, type or session",
	args: "TAPE",
	arity: { min: 1, max: 1 },
	options: {
		by: {
			type: "string",
			default: null,
			choices: splitKeys,
			metavar: "KEY",
			help: "The property to split by.",
		},
		output: {
			type: "string",
			default: ".",
			short: "o",
			metavar: "FOLDER",
			help: "Write the tapes to this folder. Existing files are kept; a name in use gets a number.",
		},
		...selectionOptions,
		...outputOptions,
		...inputOptions,
	},
	examples: [
		["flowtape split session.tape --by host -o hosts", "hosts/shop.example.tape and so on"],
		["flowtape split session.mitm --by status --format har", "a HAR for each status"],
	],
	async run({ args: [tape = "-"], values }, io) {
		const { by, strict, quiet } = values;
		if (by === null) throw new FlowtapeError("FT_USAGE", `split: expected --by with one of ${splitKeys.join(", ")}`);
		const folder = expandHome(values.output);
		const filter = await selection(values);
		const format = values.format ?? (await formatOfInput(tape));
		const extension = extensionOf(format);
		let sink: SplitSink | null = null;
		const open = async (troubles: Troubles) => {
			await makeFolder(folder);
			const create = (path: string) => createOutput(path, { ...values, format }, troubles);
			sink = new SplitSink({ by, folder, extension, create, report: troubles.report });
			return sink;
		};
		const { passed, status } = await copyFlows({ inputs: [tape], filter, strict, quiet, open, progress: true }, io);
		if (io.signal.aborted) return status;
		const tapes = (sink as SplitSink | null)?.tapes ?? [];
		if (!quiet)
			for (const { path, flows } of tapes) io.stdout.write(`${String(flows).padStart(8)}  ${printableLine(path)}\n`);
		return status !== 0 ? status : passed > 0 ? 0 : 1;
	},
});

/** @throws FlowtapeError FT_USAGE for stdin and pipes, which can be read only once */
async function formatOfInput(tape: string): Promise<string> {
	const path = expandHome(tape);
	if (tape === "-" || (existsSync(path) && !(await isRegularFile(path))))
		throw new FlowtapeError(
			"FT_USAGE",
			`split: expected a format for flows from ${tape === "-" ? "stdin" : "a pipe"}: --format FORMAT`,
		);
	return (await detectFormat(path)) ?? "tape";
}

/** @throws FlowtapeError FT_IO */
async function makeFolder(folder: string): Promise<void> {
	try {
		await mkdir(folder, { recursive: true });
	} catch (cause) {
		throw new FlowtapeError("FT_IO", `${folder}: the folder cannot be created: ${messageOf(cause)}`, {
			file: folder,
			cause,
		});
	}
}
