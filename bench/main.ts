// Runs the benchmarks: `npm run bench -- [--short] [SCENARIO…]`. Each result is a ratio to a baseline measured in the
// same run.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { append } from "./append.ts";
import { detect } from "./detect.ts";
import type { BenchOptions, Finding } from "./finding.ts";
import { http2 } from "./http2.ts";
import { latency } from "./latency.ts";
import { live } from "./live.ts";
import { offline } from "./offline.ts";
import { parseHeads } from "./parse-heads.ts";
import { record } from "./record.ts";
import { replay } from "./replay.ts";
import { startUp } from "./start-up.ts";
import { streams } from "./streams.ts";
import { tls } from "./tls.ts";

const scenarios: Readonly<Record<string, (options: BenchOptions) => Promise<Finding[]>>> = {
	start: startUp,
	parse: parseHeads,
	append,
	record,
	live,
	tls,
	http2,
	latency,
	streams,
	replay,
	offline,
	detect,
};

async function main(args: readonly string[]): Promise<void> {
	const short = args.includes("--short");
	const named = args.filter((arg) => !arg.startsWith("-"));
	const folder = mkdtempSync(join(tmpdir(), "flowtape-bench-"));
	const options: BenchOptions = short
		? { folder, rounds: 1, seconds: 1, flows: 2000 }
		: { folder, rounds: 5, seconds: 4, flows: 50_000 };
	try {
		for (const [name, run] of Object.entries(scenarios)) {
			if (named.length > 0 && !named.includes(name)) continue;
			for (const { name: what, ratio, wanted, figures } of await run(options))
				console.log(`${what.padEnd(52)} ${ratio.toFixed(2).padStart(8)}   ${wanted.padEnd(14)} ${figures}`);
		}
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

await main(process.argv.slice(2));
