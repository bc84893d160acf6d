// Load by wrk: 32 keep-alive connections from one thread, peers taking turns so that a noisy machine hits all alike.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { median, type Running } from "./processes.ts";

export interface LoadFigures {
	/** Requests a second, median of the rounds. */
	rate: number;
	/** Microseconds of processor time a request. */
	cpuMicros: number;
	/** Answers that were no 2xx or 3xx, and socket errors. */
	bad: number;
}

export interface LoadOptions {
	/** A wrk script, which says what is asked for. */
	script: string;
	folder: string;
	rounds: number;
	seconds: number;
	/** Default: http. */
	scheme?: "https";
}

/** Every peer in every round, after a warm-up. */
export function compareUnderLoad(peers: Readonly<Record<string, Running>>, options: LoadOptions): Record<string, LoadFigures> {
	const script = join(options.folder, "load.lua");
	writeFileSync(script, options.script);
	const seen = Object.fromEntries(Object.keys(peers).map((name) => [name, [] as LoadFigures[]]));
	for (const peer of Object.values(peers)) wrk(peer.port, script, 1, options.scheme);
	for (let round = 0; round < options.rounds; round++) {
		for (const [name, peer] of Object.entries(peers)) {
			const before = peer.cpu();
			const { requests, rate, bad } = wrk(peer.port, script, options.seconds, options.scheme);
			seen[name]?.push({ rate, cpuMicros: ((peer.cpu() - before) * 1e6) / Math.max(requests, 1), bad });
		}
	}
	return Object.fromEntries(
		Object.entries(seen).map(([name, rounds]) => [
			name,
			{
				rate: median(rounds.map((round) => round.rate)),
				cpuMicros: median(rounds.map((round) => round.cpuMicros)),
				bad: rounds.reduce((sum, round) => sum + round.bad, 0),
			},
		]),
	);
}

function wrk(port: number, script: string, seconds: number, scheme = "http"): { requests: number; rate: number; bad: number } {
	const { stdout } = spawnSync("wrk", ["-t1", "-c32", `-d${seconds}s`, "-s", script, `${scheme}://127.0.0.1:${port}`], { encoding: "utf8" });
	const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? 0);
	const socketErrors =
		/Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/
			.exec(stdout)
			?.slice(1)
			.reduce((sum, count) => sum + Number(count), 0) ?? 0;
	return { requests: number(/(\d+) requests in/), rate: number(/Requests\/sec:\s+([\d.]+)/), bad: number(/Non-2xx or 3xx responses: (\d+)/) + socketErrors };
}
