// `flowtape prune`: drops the recordings that no run of replaying used.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { FlowtapeError, hasErrno } from "../src/errors.ts";
import { defineCommand } from "./cli/command.ts";
import { copyFlows, createOutput, inputOptions, outputOptions } from "./tapes/copy-flows.ts";

export const command = defineCommand({
	name: "prune",
	summary: "drop recordings that no run used",
	args: "TAPE…",
	arity: { min: 1 },
	options: {
		unused: {
			type: "sequence",
			default: [],
			metavar: "REPORT",
			help: "What replay-server --report wrote. Of several reports, recordings go that all of them call unused.",
		},
		output: { type: "string", default: null, short: "o", metavar: "TAPE", help: "Where the other flows go." },
		...outputOptions,
		...inputOptions,
	},
	examples: [
		["flowtape prune session.tape --unused report.jsonl -o smaller.tape", "keep what the run used"],
		["flowtape prune session.tape --unused unit.jsonl --unused e2e.jsonl -o smaller.tape", "keep what one of two runs used"],
	],
	async run({ args: inputs, options, values }, io) {
		const { output, unused: reports } = options;
		if (output === null) throw new FlowtapeError("FT_USAGE", "prune: where to? -o TAPE was expected");
		if (reports.length === 0) throw new FlowtapeError("FT_USAGE", "prune: by what? --unused REPORT was expected");
		const unused = common(await Promise.all(reports.map(readUnused)));
		let dropped = 0;
		const keep = (flow: { id: string }) => {
			if (!unused.has(flow.id)) return true;
			dropped++;
			return false;
		};
		const { passed, status } = await copyFlows(
			{
				inputs,
				steps: [(flow) => (keep(flow) ? flow : null)],
				strict: options.strict,
				open: (troubles, size) => createOutput(output, options, troubles, size),
			},
			io,
		);
		if (values.quiet !== true) io.stderr.write(`dropped ${dropped} of ${dropped + passed} flows\n`);
		return status;
	},
});

function common([first = new Set(), ...others]: readonly Set<string>[]): Set<string> {
	return new Set([...first].filter((id) => others.every((other) => other.has(id))));
}

/** The ids of a report's unused recordings. @throws FlowtapeError FT_NOT_FOUND, FT_UNKNOWN_FORMAT */
async function readUnused(path: string): Promise<Set<string>> {
	const ids = new Set<string>();
	let line = 0;
	try {
		for await (const text of createInterface(createReadStream(path))) {
			line++;
			const { event, id } = JSON.parse(text) as { event?: unknown; id?: unknown };
			if (typeof event !== "string") throw new SyntaxError();
			if (event === "unused" && typeof id === "string") ids.add(id);
		}
	} catch (cause) {
		if (hasErrno(cause, "ENOENT")) throw new FlowtapeError("FT_NOT_FOUND", `${path}: no such file`, { file: path, cause });
		if (!(cause instanceof SyntaxError || cause instanceof TypeError)) throw cause;
		throw new FlowtapeError("FT_UNKNOWN_FORMAT", `${path}: line ${line}: no event of a report, which replay-server --report writes`, {
			file: path,
			record: line,
			cause,
		});
	}
	return ids;
}
