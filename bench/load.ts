// Load from 32 connections, peers taking turns so that a noisy machine hits all alike: by wrk, by h2load, and at a given rate by hey.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { median, type Running } from "./processes.ts";

export const CONNECTIONS = 32;

export interface LoadFigures {
	/** Requests a second, median of the rounds. */
	rate: number;
	/** Microseconds of processor time a request. */
	cpuMicros: number;
	/** Answers that were no 2xx or 3xx, and socket errors. */
	bad: number;
}

export interface Loaded {
	requests: number;
	/** A second. */
	rate: number;
	bad: number;
}

/** Puts load on a peer for so long. */
export type Load = (peer: Running, seconds: number) => Loaded | Promise<Loaded>;

/** Every peer in every round, after a warm-up. */
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

/** By a wrk script, which says what is asked for. */
export function wrk(folder: string, script: string, scheme: "http" | "https" = "http"): Load {
	const file = join(folder, "load.lua");
	writeFileSync(file, script);
	return ({ port }, seconds) => {
		const told = output("wrk", "-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "-s", file, `${scheme}://127.0.0.1:${port}`);
		const socketErrors =
			/Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/
				.exec(told)
				?.slice(1)
				.reduce((sum, count) => sum + Number(count), 0) ?? 0;
		return {
			requests: number(told, /(\d+) requests in/),
			rate: number(told, /Requests\/sec:\s+([\d.]+)/),
			bad: number(told, /Non-2xx or 3xx responses: (\d+)/) + socketErrors,
		};
	};
}

/** What h2load may take beyond its time. Milliseconds. */
const GRACE_MS = 15_000;

/** HTTP/2 over TLS, ten streams at a time on each connection. */
export function h2load(path: string): Load {
	return ({ port }, seconds) => {
		const args = ["-t1", `-c${CONNECTIONS}`, "-m10", "--warm-up-time=0", `https://127.0.0.1:${port}${path}`];
		const run = (duration: number) =>
			spawnSync("h2load", ["-D", String(duration), ...args], { encoding: "utf8", timeout: duration * 1000 + GRACE_MS, killSignal: "SIGKILL" });
		// it never ends where a connection comes about only after its time, as on a busy machine: then it is given more
		let duration = seconds;
		let ran = run(duration);
		for (; ran.error !== undefined && duration < 60; ran = run(duration)) duration *= 2;
		const told = ran.stdout;
		return {
			requests: number(told, /(\d+) succeeded/),
			rate: number(told, /([\d.]+) req\/s/),
			bad: number(told, /(\d+) failed/),
		};
	};
}

/** Through a proxy by hey. `rate`: requests a second in all; as many as there can be without it. */
export function hey(proxyPort: number, url: string, seconds: number, rate?: number): Loaded & { p99Millis: number } {
	const limit = rate === undefined ? [] : ["-q", String(Math.max(1, Math.round(rate / CONNECTIONS)))];
	const told = output("hey", "-c", String(CONNECTIONS), "-z", `${seconds}s`, ...limit, "-x", `http://127.0.0.1:${proxyPort}`, url);
	const requests = number(told, /\[200\]\s+(\d+) responses/);
	const all = [...told.matchAll(/\[\d+\]\s+(\d+) /g)].reduce((sum, [, count]) => sum + Number(count), 0);
	return { requests, rate: number(told, /Requests\/sec:\s+([\d.]+)/), bad: all - requests, p99Millis: number(told, /99% in ([\d.]+) secs/) * 1000 };
}

function output(program: string, ...args: readonly string[]): string {
	return spawnSync(program, args, { encoding: "utf8" }).stdout;
}

function number(text: string, pattern: RegExp): number {
	return Number(pattern.exec(text)?.[1] ?? 0);
}
