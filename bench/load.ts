// Generates load over 32 connections with wrk, h2load or, at a given rate, hey. The peers take turns, so that other
// load on the machine affects all of them alike.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { median, type Running } from "./processes.ts";

export const CONNECTIONS = 32;

export interface LoadFigures {
	/** Requests per second; median of the rounds. */
	rate: number;
	/** CPU time per request in microseconds; median of the rounds. */
	cpuMicros: number;
	/** Number of responses other than 2xx or 3xx, and of socket errors. */
	bad: number;
}

export interface Loaded {
	requests: number;
	/** Requests per second. */
	rate: number;
	bad: number;
}

/** Generates load on a peer for this time. */
export type Load = (peer: Running, seconds: number) => Loaded | Promise<Loaded>;

/** Measures every peer in every round, after a warm-up. */
export async function compareUnderLoad(
	peers: Readonly<Record<string, Running>>,
	load: Load,
	{ rounds, seconds }: { rounds: number; seconds: number },
): Promise<Record<string, LoadFigures>> {
	const seen = Object.fromEntries(Object.keys(peers).map((name) => [name, [] as LoadFigures[]]));
	for (const peer of Object.values(peers)) await load(peer, 1);
	for (let round = 0; round < rounds; round++) {
		for (const [name, peer] of Object.entries(peers)) {
			const before = peer.cpu();
			const { requests, rate, bad } = await load(peer, seconds);
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

/** Load by wrk, with a script that sets the request. */
export function wrk(folder: string, script: string, scheme: "http" | "https" = "http"): Load {
	const file = join(folder, "load.lua");
	writeFileSync(file, script);
	return ({ port }, seconds) => {
		const stdout = output(
			"wrk",
			"-t1",
			`-c${CONNECTIONS}`,
			`-d${seconds}s`,
			"-s",
			file,
			`${scheme}://127.0.0.1:${port}`,
		);
		const socketErrors =
			/Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/
				.exec(stdout)
				?.slice(1)
				.reduce((sum, count) => sum + Number(count), 0) ?? 0;
		return {
			requests: number(stdout, /(\d+) requests in/),
			rate: number(stdout, /Requests\/sec:\s+([\d.]+)/),
			bad: number(stdout, /Non-2xx or 3xx responses: (\d+)/) + socketErrors,
		};
	};
}

/** Time that h2load may take beyond its duration, in milliseconds. */
const GRACE_MS = 15_000;

/** Load by h2load: HTTP/2 over TLS, ten streams at a time per connection. */
export function h2load(path: string): Load {
	return ({ port }, seconds) => {
		const args = ["-t1", `-c${CONNECTIONS}`, "-m10", "--warm-up-time=0", `https://127.0.0.1:${port}${path}`];
		const run = (duration: number) =>
			spawnSync("h2load", ["-D", String(duration), ...args], {
				encoding: "utf8",
				timeout: duration * 1000 + GRACE_MS,
				killSignal: "SIGKILL",
			});
		// h2load never ends if a connection is established only after the duration, as on a busy machine: try again with
		// twice the time
		let duration = seconds;
		let ran = run(duration);
		for (; ran.error !== undefined && duration < 60; ran = run(duration)) duration *= 2;
		const stdout = ran.stdout;
		return {
			requests: number(stdout, /(\d+) succeeded/),
			rate: number(stdout, /([\d.]+) req\/s/),
			bad: number(stdout, /(\d+) failed/),
		};
	};
}

/**
 * Load by hey through a proxy.
 * @param rate total requests per second; default: as many as possible
 */
export function hey(proxyPort: number, url: string, seconds: number, rate?: number): Loaded & { p99Millis: number } {
	const limit = rate === undefined ? [] : ["-q", String(Math.max(1, Math.round(rate / CONNECTIONS)))];
	const stdout = output(
		"hey",
		"-c",
		String(CONNECTIONS),
		"-z",
		`${seconds}s`,
		...limit,
		"-x",
		`http://127.0.0.1:${proxyPort}`,
		url,
	);
	const requests = number(stdout, /\[200\]\s+(\d+) responses/);
	const all = [...stdout.matchAll(/\[\d+\]\s+(\d+) /g)].reduce((sum, [, count]) => sum + Number(count), 0);
	return {
		requests,
		rate: number(stdout, /Requests\/sec:\s+([\d.]+)/),
		bad: all - requests,
		p99Millis: number(stdout, /99% in ([\d.]+) secs/) * 1000,
	};
}

function output(program: string, ...args: readonly string[]): string {
	return spawnSync(program, args, { encoding: "utf8" }).stdout;
}

function number(text: string, pattern: RegExp): number {
	return Number(pattern.exec(text)?.[1] ?? 0);
}
