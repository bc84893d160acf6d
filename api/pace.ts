// The pace at which recorded requests are sent: one after the other, several at a time, at a rate, or with the recorded
// gaps.

import { FlowtapeError } from "../src/errors.ts";
import type { HttpFlow } from "../src/flow/flow.ts";
import type { OptionTable } from "../src/options.ts";

export const options = {
	client_replay_concurrency: {
		type: "integer",
		default: 1,
		min: -1,
		flag: "concurrency",
		metavar: "N",
		help: "Maximum number of concurrent requests; -1: no limit. By default each request waits for the response to the one before.",
	},
	rate: { type: "integer", default: null, min: 1, metavar: "N", help: "Maximum number of requests per second." },
	speed: {
		type: "string",
		default: null,
		metavar: "2x",
		help: "Keep the recorded intervals between requests, divided by this factor.",
	},
} as const satisfies OptionTable;

export interface Pace {
	/** Maximum number of concurrent requests; Infinity: no limit. */
	concurrency: number;
	/** Maximum number of requests per second; null: no limit. */
	rate: number | null;
	/** Keeps the recorded gaps, divided by this factor; null: no gaps. */
	speed: number | null;
}

/** Parses `2x`, `0.5x` or `2`. @throws FlowtapeError FT_BAD_OPTION */
export function parseSpeed(text: string | null): number | null {
	if (text === null) return null;
	const speed = /^\d+(?:\.\d+)?x?$/.test(text) ? Number.parseFloat(text) : 0;
	if (speed <= 0)
		throw new FlowtapeError("FT_BAD_OPTION", `expected a speed such as 2x or 0.5x, found "${text}"`, {
			option: "speed",
		});
	return speed;
}

/**
 * Calls `send` for each flow when it is due. Resolves when all requests are done; after an abort, when those in
 * progress are done.
 */
export async function sendAtPace(
	flows: AsyncIterable<HttpFlow>,
	{ concurrency, rate, speed }: Pace,
	send: (flow: HttpFlow) => Promise<void>,
	signal: AbortSignal,
): Promise<void> {
	const pending = new Set<Promise<void>>();
	const started = performance.now();
	let first: number | null = null;
	let count = 0;
	for await (const flow of flows) {
		first ??= flow.request.timestampStart;
		const byRate = rate === null ? 0 : (count * 1000) / rate;
		const bySpeed = speed === null ? 0 : ((flow.request.timestampStart - first) * 1000) / speed;
		await waitUntil(started + Math.max(byRate, bySpeed), signal);
		while (pending.size >= concurrency) await Promise.race(pending);
		if (signal.aborted) break;
		count++;
		const sent = send(flow).finally(() => pending.delete(sent));
		pending.add(sent);
	}
	await Promise.all(pending);
}

/** Waits until a time on the clock of `performance.now`, in milliseconds, or until the signal is aborted. */
function waitUntil(moment: number, signal: AbortSignal): Promise<void> {
	const ms = moment - performance.now();
	if (!(ms > 0) || signal.aborted) return Promise.resolve();
	return new Promise((resolve) => {
		const finish = () => {
			clearTimeout(timer);
			signal.removeEventListener("abort", finish);
			resolve();
		};
		// the longest delay that setTimeout supports
		const timer = setTimeout(finish, Math.min(ms, 2 ** 31 - 1));
		signal.addEventListener("abort", finish);
	});
}
