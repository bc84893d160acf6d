// `flowtape scan`: reports what looks like a secret in tapes, without printing it.
import { redactionKey } from "../api/redaction-key.ts";
import { confidenceOption, createScanner } from "../api/scan.ts";
import { FlowtapeError } from "../src/errors.ts";
import { FlowSink } from "../src/flow/pipe.ts";
import { ruleOptions } from "../src/redact/options.ts";
import { defineCommand, type Io } from "./cli/command.ts";
import { prepareReport, writeReport } from "./print/report-file.ts";
import { withRules } from "./rewrite/rules-file.ts";
import { readBaseline } from "./scan/baseline.ts";
import { scanJson } from "./scan/json.ts";
import { scanSarif } from "./scan/sarif.ts";
import type { TapeFindings } from "./scan/tape-findings.ts";
import { scanText } from "./scan/text.ts";
import { copyFlows, inputOptions, selection, selectionOptions } from "./tapes/copy-flows.ts";

const ownOptions = {
	json: { type: "boolean", default: false, help: "Print one JSON object for each secret." },
	sarif: {
		type: "string",
		default: null,
		metavar: "FILE",
		implied: "-",
		help: "Write the findings as SARIF 2.1.0, for code scanning services; - is stdout, which is the default.",
	},
	baseline: {
		type: "string",
		default: null,
		metavar: "FILE",
		help: "Only new secrets count: those in this SARIF file of an earlier scan do not.",
	},
	...confidenceOption,
	...selectionOptions,
	rules: { type: "string", default: null, metavar: "FILE", help: "Read options from a YAML or JSON file too." },
	...inputOptions,
} as const;

const groups = [{ title: "What is a secret", table: ruleOptions }] as const;

export const command = defineCommand({
	name: "scan",
	summary: "find what looks like a secret in tapes",
	args: "TAPE…",
	arity: { min: 1 },
	options: ownOptions,
	groups: async () => groups,
	examples: [
		["flowtape scan session.tape", "the secrets of a tape and their places; exit status 1 if there are any"],
		["flowtape scan *.har --min-confidence high", "only what is certain"],
		["flowtape scan session.tape --sarif scan.sarif", "a report for code scanning"],
	],
	async run({ args, values: given }, io) {
		const values = await withRules(given.rules, given, [{ title: "Options", table: ownOptions }, ...groups]);
		if (values.json && values.sarif === "-")
			throw new FlowtapeError("FT_USAGE", "scan: --json and --sarif both print to stdout; give --sarif a file");
		const sarif =
			values.sarif === null || values.sarif === "-"
				? values.sarif
				: prepareReport(values.sarif, [...args, ...(values.baseline === null ? [] : [values.baseline])]);
		const baseline = values.baseline === null ? new Set<string>() : await readBaseline(values.baseline);
		const key = await redactionKey(io.env, { create: values.sarif !== null });
		const filter = await selection(values);
		const tapes: TapeFindings[] = [];
		let worst = 0;
		for (const tape of args) {
			const scanner = await createScanner(values, key, values.min_confidence);
			const sink = FlowSink.of({ append: scanner.add });
			const job = { inputs: [tape], filter, strict: values.strict, progress: !values.quiet, isConfidential: true };
			const { status } = await copyFlows({ ...job, open: async () => sink }, io);
			// the findings are incomplete
			if (io.signal.aborted) return status;
			worst = Math.max(worst, status);
			const [known, findings] = partition(scanner.findings, ({ fingerprint }) => baseline.has(fingerprint));
			tapes.push({ tape, flows: scanner.flows, findings, known });
		}
		await print({ ...values, sarif }, tapes, io);
		return worst || (tapes.some(({ findings }) => findings.length > 0) ? 1 : 0);
	},
});

async function print(
	{ json, sarif, quiet }: { json: boolean; sarif: string | null; quiet: boolean },
	tapes: readonly TapeFindings[],
	io: Io,
): Promise<void> {
	if (sarif === "-") io.stdout.write(scanSarif(tapes));
	else if (sarif !== null) await writeReport(sarif, scanSarif(tapes));
	if (json) io.stdout.write(scanJson(tapes));
	else if (sarif !== "-") io.stdout.write(scanText(tapes, quiet));
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
	return [items.filter(test), items.filter((item) => !test(item))];
}
