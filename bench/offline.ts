// Filtering 50,000 flows (220 MB) of a dump and of a tape, whole process from a cold start, against mitmdump reading the same dump.
import { join } from "node:path";
import { writeCorpus } from "./corpus.ts";
import type { BenchOptions, Finding } from "./finding.ts";
import { flowtape, median, mitmdump, timed } from "./processes.ts";

const COLUMNS = "~c 500 & ~d shop";
const BODY = "~bs deadbe+f";

export async function offline({ folder, rounds, flows }: BenchOptions): Promise<Finding[]> {
	await writeCorpus(join(folder, "big.mitm"), flows);
	const env = { FLOWTAPE_HOME: join(folder, "home") };
	const ours = (...args: string[]) => median(Array.from({ length: rounds }, () => timed([...flowtape, ...args], { cwd: folder, env })));
	const load = ours("convert", "big.mitm", "big.tape");
	const times = {
		"filter dump by columns": { ours: ours("filter", COLUMNS, "big.mitm", "-o", "a.mitm"), theirs: COLUMNS, wanted: "12" },
		"filter tape by columns": { ours: ours("filter", COLUMNS, "big.tape", "-o", "a.tape"), theirs: COLUMNS, wanted: "100" },
		"search bodies of a tape": { ours: ours("filter", BODY, "big.tape"), theirs: BODY, wanted: "25" },
	};
	const findings: Finding[] = [{ name: "import of a dump, flows a second", ratio: flows / load, wanted: "", figures: `${load.toFixed(2)} s` }];
	const baseline = new Map<string, number>();
	for (const [name, { ours: seconds, theirs, wanted }] of Object.entries(times)) {
		const peer =
			mitmdump === null ? Number.NaN : (baseline.get(theirs) ?? timed([mitmdump, "-q", "-n", "-r", "big.mitm", "-w", "theirs.mitm", theirs], { cwd: folder }));
		baseline.set(theirs, peer);
		findings.push({
			name: `${name}: mitmdump / flowtape`,
			ratio: peer / seconds,
			wanted: `at least ${wanted}`,
			figures: `${seconds.toFixed(3)} s, ${peer.toFixed(2)} s`,
		});
	}
	const floor = median(Array.from({ length: rounds }, () => timed([process.execPath, "-e", FLOOR], { cwd: folder })));
	findings.push({
		name: "search bodies: flowtape / one pass in node",
		ratio: times["search bodies of a tape"].ours / floor,
		wanted: "at most 3",
		figures: `${floor.toFixed(3)} s`,
	});
	return findings;
}

/** Reads the whole dump and searches it once. */
const FLOOR = "let n=0;for(const m of require('fs').readFileSync('big.mitm').latin1Slice().matchAll(/deadbe+f/g))n++;if(!n)process.exit(1)";
