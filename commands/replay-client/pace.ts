// When recorded requests are sent again: one after the other, several at a time, at a rate, or with the gaps they had.

import { FlowtapeError } from "../../src/errors.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";

export interface Pace {
	/** Requests under way at a time; Infinity: all. */
	concurrency: number;
	/** At most so many a second; null: as fast as answers come. */
	rate: number | null;
	/** The recorded gaps, so many times as fast; null: none. */
	speed: number | null;
}

/** `2x`, `0.5x` or `2`. @throws FlowtapeError FT_BAD_OPTION */
export function parseSpeed(text: string | null): number | null {
	if (text === null) return null;
	const speed = /^\d+(?:\.\d+)?x?$/.test(text) ? Number.parseFloat(text) : 0;
	if (speed <= 0) throw new FlowtapeError("FT_BAD_OPTION", `"${text}" is no speed: 1x, 2x, 0.5x are`, { option: "speed" });
	return speed;
}

/** Calls `send` for each flow when it is due; resolves when all are answered, or the signal says stop and those under way are. */
export async function paced(
	flows: AsyncIterable<HttpFlow>,
	{ concurrency, rate, speed }: Pace,
	send: (flow: HttpFlow) => Promise<void>,
	signal: AbortSignal,
): Promise<void> {
	const underWay = new Set<Promise<void>>();
	const started = performance.now();
	let first: number | null = null;
	let count = 0;
	for await (const flow of flows) {
		first ??= flow.request.timestampStart;
		const byRate = rate === null ? 0 : (count * 1000) / rate;
		const bySpeed = speed === null ? 0 : ((flow.request.timestampStart - first) * 1000) / speed;
		await until(started + Math.max(byRate, bySpeed), signal);
		while (underWay.size >= concurrency) await Promise.race(underWay);
		if (signal.aborted) break;
		count++;
		const sent = send(flow).finally(() => underWay.delete(sent));
		underWay.add(sent);
	}
	await Promise.all(underWay);
}

/** Waits for a moment on the clock of `performance.now`. */
function until(moment: number, signal: AbortSignal): Promise<void> {
	const ms = moment - performance.now();
	if (!(ms > 0) || signal.aborted) return Promise.resolve();
	return new Promise((resolve) => {
		const done = () => {
			clearTimeout(timer);
			signal.removeEventListener("abort", done);
			resolve();
		};
		// what is years away is not waited for
		const timer = setTimeout(done, Math.min(ms, 2 ** 31 - 1));
		signal.addEventListener("abort", done);
	});
}
