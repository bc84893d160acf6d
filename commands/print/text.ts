// Text for terminals: without control characters, coloured if wanted.
import { printable } from "../../src/views/printable.ts";

/** Control sequences that flowtape writes itself: colours, and erasing a line. */
const OURS = new RegExp(`(${"\u001b"}\\[(?:[\\d;]*m|\\d*K)|\\r)`);

/**
 * A stream for messages. Removes control characters, because messages contain names, URLs and other untrusted text. On
 * a terminal, and with FORCE_COLOR, colours and the progress bar pass.
 */
export function messageStream<T extends { write(text: string): unknown; readonly isTTY?: boolean | undefined }>(
	stream: T,
	env: NodeJS.ProcessEnv,
) {
	const passes = stream.isTTY === true || (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0");
	const safe = (text: string) =>
		passes
			? text
					.split(OURS)
					.map((part, i) => (i % 2 === 1 ? part : printable(part)))
					.join("")
			: printable(text);
	return {
		isTTY: stream.isTTY,
		write: (text: string | Uint8Array): unknown =>
			stream.write(safe(typeof text === "string" ? text : Buffer.from(text).toString("utf8"))),
	};
}

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan";

const CODES: Readonly<Record<Style, readonly [on: number, off: number]>> = {
	bold: [1, 22],
	dim: [2, 22],
	red: [31, 39],
	green: [32, 39],
	yellow: [33, 39],
	blue: [34, 39],
	magenta: [35, 39],
	cyan: [36, 39],
};

export type Paint = (text: string, ...styles: Style[]) => string;

export const plain: Paint = (text) => text;

export const coloured: Paint = (text, ...styles) =>
	styles.reduce((inner, style) => `\u001b[${CODES[style][0]}m${inner}\u001b[${CODES[style][1]}m`, text);

/**
 * Colours if the stream is a terminal that supports them, or with FORCE_COLOR, unless they are turned off
 * (https://no-color.org).
 */
export function paintFor(stream: { isTTY?: boolean | undefined }, env: NodeJS.ProcessEnv, color: boolean): Paint {
	if (!color || env.NO_COLOR) return plain;
	if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0") return coloured;
	return stream.isTTY === true && env.TERM !== "dumb" ? coloured : plain;
}

/** Formats bytes in at most five characters, as mitmproxy does: `512b`, `1.5k`, `100k`. */
export function shortSize(bytes: number): string {
	const units = ["b", "k", "m", "g", "t"];
	let size = bytes;
	let unit = 0;
	while (size >= 1024 && unit < units.length - 1) {
		size /= 1024;
		unit++;
	}
	return `${unit === 0 || size >= 99.95 ? Math.round(size) : size.toFixed(1).replace(/\.0$/, "")}${units[unit]}`;
}

/** Formats seconds: `12ms`, `1.24s`, `3m05s`, `2h10m`. */
export function shortTime(seconds: number): string {
	if (seconds < 1) return `${Math.round(seconds * 1000)}ms`;
	if (seconds < 60) return `${seconds.toFixed(2)}s`;
	const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
	return seconds < 3600
		? `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`
		: `${Math.floor(seconds / 3600)}h${two((seconds % 3600) / 60)}m`;
}

/** Seconds since 1970 as ISO 8601 in UTC; null for 0, which means unknown, and for an invalid time. */
export function isoTime(seconds: number): string | null {
	const date = new Date(seconds * 1000);
	return seconds === 0 || Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** `1 flow`, `2 flows`. */
export function counted(count: number, noun: string): string {
	return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
