// How long an answer waits, as server_replay_delay has it.
import { FlowtapeError } from "../../errors.ts";

/** Recorded times are multiplied by `factor`; or every answer waits for `seconds`. */
export type Delay = { readonly kind: "recorded"; readonly factor: number } | { readonly kind: "fixed"; readonly seconds: number };

const FIXED = /^(\d+(?:\.\d+)?)(ms|s)$/;
const FACTOR = /^x(\d+(?:\.\d+)?)$/;

/**
 * `none`, `recorded`, `x2` for twice the recorded times, `50ms`, `1.5s`. null: none.
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function parseDelay(text: string): Delay | null {
	if (text === "none") return null;
	if (text === "recorded") return { kind: "recorded", factor: 1 };
	const factor = FACTOR.exec(text)?.[1];
	if (factor !== undefined) return { kind: "recorded", factor: Number(factor) };
	const [, number, unit] = FIXED.exec(text) ?? [];
	if (number !== undefined) return { kind: "fixed", seconds: Number(number) / (unit === "ms" ? 1000 : 1) };
	const message = `"${text}" is no delay; none, recorded, x2 (twice the recorded times), 50ms and 1.5s are`;
	throw new FlowtapeError("FT_BAD_OPTION", message, { option: "server_replay_delay" });
}

/** When a recording was asked for, and when its answer began and ended; seconds since 1970, null where it is not known. */
export interface RecordedTimes {
	readonly asked: number;
	readonly began: number;
	readonly ended: number | null;
}

/** Seconds from the request to the first byte of the answer. */
export function waitOf(delay: Delay, { asked, began }: RecordedTimes): number {
	return delay.kind === "fixed" ? delay.seconds : sane(began - asked) * delay.factor;
}

/** Seconds from the first byte of the answer to its last. */
export function durationOf(delay: Delay, { began, ended }: RecordedTimes): number {
	return delay.kind === "fixed" || ended === null ? 0 : sane(ended - began) * delay.factor;
}

/** A recording that lasted longer than a day has wrong times. */
const LIMIT = 86_400;

function sane(seconds: number): number {
	return seconds > 0 && seconds < LIMIT ? seconds : 0;
}
