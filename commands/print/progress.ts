// A progress bar on the terminal, which is redrawn in place and erased at the end.
import type { FlowSource } from "../../src/flow/pipe.ts";
import type { Io, TextSink } from "../cli/command.ts";
import { shortSize, shortTime } from "./text.ts";

/** Commands that take less time show no bar. */
const DELAY_MS = 1000;
const INTERVAL_MS = 100;
const BAR_CHARACTERS = 20;
/** Erases the rest of the line and moves the cursor to its start, so that other output overwrites the bar. */
const END = "\u001b[K\r";

export class Progress {
	readonly #stream: TextSink;
	readonly #sources: readonly FlowSource[];
	readonly #now: () => number;
	readonly #started: number;
	#drawn = Number.NEGATIVE_INFINITY;

	/** @param now a monotonic clock in milliseconds */
	constructor(stream: TextSink, sources: readonly FlowSource[], now: () => number = () => performance.now()) {
		this.#stream = stream;
		this.#sources = sources;
		this.#now = now;
		this.#started = now();
	}

	/** Draws the bar if it is due. */
	update(flows: number): void {
		const now = this.#now();
		if (this.#stream.isTTY !== true || now - this.#started < DELAY_MS || now - this.#drawn < INTERVAL_MS) return;
		this.#drawn = now;
		const parts = this.#sources.map((source) => source.progress());
		const done = parts.reduce((sum, part) => sum + part.done, 0);
		const total = parts.reduce(
			(sum: number | null, part) => (sum === null || part.total === null ? null : sum + part.total),
			0,
		);
		this.#stream.write(progressLine({ flows, done, total, seconds: (now - this.#started) / 1000 }) + END);
	}

	/** Erases the bar if there is one. */
	clear(): void {
		if (this.#drawn === Number.NEGATIVE_INFINITY) return;
		this.#drawn = Number.NEGATIVE_INFINITY;
		this.#stream.write(END);
	}
}

/** Returns streams that erase the bar before they write. */
export function clearingIo(io: Io, clear: () => void): Io {
	const over = (stream: TextSink): TextSink => ({
		isTTY: stream.isTTY,
		write(text) {
			clear();
			return stream.write(text);
		},
	});
	return { ...io, stdout: over(io.stdout), stderr: over(io.stderr) };
}

/** Flows, bytes, rate and remaining time, as far as they are known. `total` is in bytes; null: unknown. */
export function progressLine({
	flows,
	done,
	total,
	seconds,
}: {
	flows: number;
	done: number;
	total: number | null;
	seconds: number;
}): string {
	const rate = done / seconds;
	const size =
		done === 0
			? []
			: [total === null ? shortSize(done) : `${shortSize(done)} of ${shortSize(total)}`, `${shortSize(rate)}/s`];
	const known = done > 0 && total !== null && total >= done;
	const share = known ? done / total : 0;
	const filled = Math.floor(share * BAR_CHARACTERS);
	const bar = known ? `[${"#".repeat(filled)}${"-".repeat(BAR_CHARACTERS - filled)}] ${Math.floor(share * 100)}% ` : "";
	const secondsLeft = known ? Math.ceil((total - done) / rate) : 0;
	const left = secondsLeft > 0 ? [`${shortTime(secondsLeft).replace(/\.\d+/, "")} left`] : [];
	return bar + [`${flows.toLocaleString("en-US")} flows`, ...size, ...left].join(", ");
}
