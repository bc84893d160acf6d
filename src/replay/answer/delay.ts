// The delay of replayed responses, by the option server_replay_delay.
import { FlowtapeError } from "../../errors.ts";

/** Either the recorded times multiplied by `factor`, or `seconds` before every response. */
export type Delay =
	| { readonly kind: "recorded"; readonly factor: number }
	| { readonly kind: "fixed"; readonly seconds: number };

const FIXED = /^(\d+(?:\.\d+)?)(ms|s)$/;
const FACTOR = /^x(\d+(?:\.\d+)?)$/;

/**
 * Parses `none`, `recorded`, `x2` (twice the recorded times), `50ms` or `1.5s`. Returns null for `none`.
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function parseDelay(text: string): Delay | null {
	if (text === "none") return null;
	if (text === "recorded") return { kind: "recorded", factor: 1 };
	const factor = FACTOR.exec(text)?.[1];
	if (factor !== undefined) return { kind: "recorded", factor: Number(factor) };
	const [, number, unit] = FIXED.exec(text) ?? [];
	if (number !== undefined) return { kind: "fixed", seconds: Number(number) / (unit === "ms" ? 1000 : 1) };
	const message = `"${text}" is not a delay: give none, recorded, x2 (twice the recorded times), 50ms or 1.5s`;
	throw new FlowtapeError("FT_BAD_OPTION", message, { option: "server_replay_delay" });
}

/**
 * When the request of a recording was sent, and when its response began and ended, in seconds since 1970. `ended` is
 * null if it is unknown.
 */
export interface RecordedTimes {
	readonly sent: number;
	readonly began: number;
	readonly ended: number | null;
}

/** Seconds from the request to the first byte of the response. */
export function waitOf(delay: Delay, { sent, began }: RecordedTimes): number {
	return delay.kind === "fixed" ? delay.seconds : sane(began - sent) * delay.factor;
}

/** Seconds from the first byte of the response to its last. */
export function durationOf(delay: Delay, { began, ended }: RecordedTimes): number {
	return delay.kind === "fixed" || ended === null ? 0 : sane(ended - began) * delay.factor;
}

/** Recorded times of this length or more are assumed to be wrong and count as 0. Seconds. */
const LIMIT = 86_400;

function sane(seconds: number): number {
	return seconds > 0 && seconds < LIMIT ? seconds : 0;
}
