// Commands on 50,000 stored flows (220 MB), as a dump and as a tape. Measures whole processes from their start,
// compared with one pass over the same bytes in node, and with mitmdump on the same dump.
import { join } from "node:path";
import { writeCorpus } from "./corpus.ts";
import type { BenchOptions, Finding } from "./finding.ts";
import { flowtape, median, mitmdump, timed } from "./processes.ts";

const COLUMNS = "~c 500 & ~d shop";
const BODY = "~bs deadbe+f";
const RULES = ["--modify-headers", "/x-new/yes", "--modify-body", "/deadbeef/cafebabe"];

/** A flowtape command to measure, with its targets. */
interface Job {
	readonly name: string;
	readonly args: readonly string[];
	/**
	 * mitmdump's arguments after `-r big.mitm` for the same or less work, and the target: how many times faster flowtape
	 * is.
	 */
	readonly mitmdump?: { readonly args: readonly string[]; readonly wanted: number };
	/** Target in flows per second. */
	readonly rate?: number;
	/** The pass to compare with, and the target: how many times as long flowtape may take. */
	readonly pass?: { readonly kind: keyof typeof passes; readonly wanted: string };
}

const copied = ["-w", "theirs.mitm"];

const jobs: readonly Job[] = [
	{
		name: "import a dump",
		args: ["convert", "big.mitm", "big.tape"],
		rate: 40_000,
		pass: { kind: "copied", wanted: "" },
	},
	{
		name: "filter dump by columns",
		args: ["filter", COLUMNS, "big.mitm", "-o", "a.mitm"],
		mitmdump: { args: [...copied, COLUMNS], wanted: 12 },
		pass: { kind: "searched", wanted: "" },
	},
	{
		name: "filter tape by columns",
		args: ["filter", COLUMNS, "big.tape", "-o", "a.tape"],
		mitmdump: { args: [...copied, COLUMNS], wanted: 100 },
	},
	{ name: "search bodies of a dump", args: ["filter", BODY, "big.mitm"], pass: { kind: "searched", wanted: "" } },
	{
		name: "search bodies of a tape",
		args: ["filter", BODY, "big.tape"],
		mitmdump: { args: [...copied, BODY], wanted: 25 },
		pass: { kind: "searched", wanted: "at most 3" },
	},
	{
		name: "rewrite tape to tape",
		args: ["rewrite", ...RULES, "big.tape", "-o", "b.tape"],
		rate: 50_000,
		pass: { kind: "copied", wanted: "" },
	},
	{
		name: "rewrite dump to dump",
		args: ["rewrite", ...RULES, "big.mitm", "-o", "b.mitm"],
		mitmdump: { args: copied, wanted: 12 },
		pass: { kind: "copied", wanted: "" },
	},
];

/** Node scripts that search or copy the dump once, about as fast as possible. Each runs in a separate process. */
const passes = {
	searched:
		"let n=0;for(const m of require('fs').readFileSync('big.mitm').latin1Slice().matchAll(/deadbe+f/g))n++;if(!n)process.exit(1)",
	copied: "const fs=require('fs');fs.writeFileSync('copy.mitm',fs.readFileSync('big.mitm'))",
};

export async function offline({ folder, rounds, flows }: BenchOptions): Promise<Finding[]> {
	await writeCorpus(join(folder, "big.mitm"), flows);
	const env = { FLOWTAPE_HOME: join(folder, "home") };
	const known = new Map<string, number>();
	/** Seconds, as the median of the rounds. mitmdump runs only once, because it takes long. */
	const seconds = (command: readonly string[], times = rounds): number => {
		const key = command.join("\n");
		const taken = known.get(key) ?? median(Array.from({ length: times }, () => timed(command, { cwd: folder, env })));
		known.set(key, taken);
		return taken;
	};
	return jobs.flatMap(({ name, args, mitmdump: theirs, rate, pass }) => {
		const ours = seconds([...flowtape, ...args]);
		const findings: Finding[] = [];
		if (rate !== undefined)
			findings.push({
				name: `${name}, flows a second`,
				ratio: flows / ours,
				wanted: `at least ${rate}`,
				figures: `${ours.toFixed(2)} s`,
			});
		if (pass !== undefined) {
			const once = seconds([process.execPath, "-e", passes[pass.kind]]);
			findings.push({
				name: `${name}: flowtape / ${pass.kind} once`,
				ratio: ours / once,
				wanted: pass.wanted,
				figures: both(ours, once),
			});
		}
		if (theirs !== undefined && mitmdump !== null) {
			const peer = seconds(
				[mitmdump, "-q", "-n", "--set", `confdir=${folder}/mitm`, "-r", "big.mitm", ...theirs.args],
				1,
			);
			findings.push({
				name: `${name}: mitmdump / flowtape`,
				ratio: peer / ours,
				wanted: `at least ${theirs.wanted}`,
				figures: both(ours, peer),
			});
		}
		return findings;
	});
}

function both(ours: number, theirs: number): string {
	return `${ours.toFixed(3)} s, ${theirs.toFixed(2)} s`;
}
