// The log of a live proxy: a line for each flow when it ends. On a terminal, the lines per second are limited, and the
// rest are counted.
import type { Flow } from "../../src/flow/flow.ts";
import type { CachedExchange } from "../../src/proxy/context/response-cache.ts";
import type { TextSink } from "../cli/command.ts";
import { flowText, replayedText } from "./flow-line.ts";
import type { Paint } from "./text.ts";

/** Maximum number of lines a second on a terminal; more cannot be read. */
const LINES_PER_SECOND = 50;
const SECOND_MS = 1000;

export class FlowLog {
	readonly #stream: TextSink;
	readonly #paint: Paint;
	readonly #now: () => number;
	readonly #limit: number;
	/** When the current second began, in milliseconds since 1970. */
	#began = Number.NEGATIVE_INFINITY;
	#lines = 0;
	#omitted = 0;
	#timer: NodeJS.Timeout | null = null;
	/** Flows in progress that no recording answered, by id. */
	readonly #missed = new Set<string>();

	/** @param now the time in milliseconds since 1970 */
	constructor(stream: TextSink, paint: Paint, now: () => number = Date.now) {
		this.#stream = stream;
		this.#paint = paint;
		this.#now = now;
		this.#limit = stream.isTTY === true ? LINES_PER_SECOND : Number.POSITIVE_INFINITY;
	}

	/** Notes that no recording answers the flow with this id. The flow continues. */
	miss(id: string): void {
		this.#missed.add(id);
	}

	/** A flow has ended. */
	flow(flow: Flow): void {
		const isMissed = this.#missed.delete(flow.id);
		const now = this.#now();
		if (!this.#admits(now)) return;
		this.#print(now, `${flowText(flow, this.#paint)}${isMissed ? ` ${this.#paint("missed", "red")}` : ""}`);
	}

	/** A response was sent from the cache. */
	cached({ method, url, response }: CachedExchange): void {
		const now = this.#now();
		if (this.#admits(now)) this.#print(now, replayedText(method, url, response.current().response, this.#paint));
	}

	/** Prints how many lines were left out since the last time. */
	end(): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = null;
		if (this.#omitted > 0) this.#stream.write(`… and ${this.#omitted} more\n`);
		this.#omitted = 0;
	}

	/** Whether a line may be printed now. If not, counts it as left out. */
	#admits(now: number): boolean {
		const passed = now - this.#began;
		// negative if the clock was set back
		if (passed >= SECOND_MS || passed < 0) {
			this.end();
			this.#began = now;
			this.#lines = 0;
		}
		if (++this.#lines <= this.#limit) return true;
		this.#omitted++;
		this.#timer ??= setTimeout(() => this.end(), SECOND_MS - (now - this.#began)).unref();
		return false;
	}

	#print(now: number, text: string): void {
		this.#stream.write(`${this.#paint(timeOf(now), "dim")} ${text}\n`);
	}
}

/** The local time as `HH:MM:SS.mmm`. */
function timeOf(now: number): string {
	const date = new Date(now);
	const two = (value: number) => String(value).padStart(2, "0");
	const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
	return `${time}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
