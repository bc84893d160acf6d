// The recorded requests among which the nearest to a miss are looked for: found by path, by folder, and by nothing but their order,
// so that a miss costs the same however long the tape.
import type { Request } from "../../flow/message.ts";
import { hash64 } from "../match/hash.ts";
import { hostOf, pathEnd } from "../match/parts.ts";
import type { RecordingRef } from "../recordings/cursor.ts";
import type { Candidate, ReplayIndex } from "../recordings/index-of-tapes.ts";
import { KeyTable } from "../recordings/key-table.ts";
import type { FlowSummary } from "../recordings/keyed-tape.ts";

/** Recordings that are looked at for one miss. */
const LIMIT = 100;
/** Flows that are taken in before others get their turn. */
const BATCH = 2000;

/** Knows by path where recordings stand. Made from the columns of the tapes. */
export class Candidates {
	readonly #index: ReplayIndex;
	readonly #table = new KeyTable();
	/** The spots, by the number under which the table has them. */
	readonly #indexes: number[] = [];
	readonly #places: number[] = [];
	#filled: Promise<void> | null = null;

	constructor(index: ReplayIndex) {
		this.#index = index;
	}

	/** To be awaited before the first use: goes through the tapes once. */
	ready(): Promise<void> {
		this.#filled ??= this.#fill();
		return this.#filled;
	}

	/** Recordings that may be near, those with the same key first; each once. */
	of(request: Request): Candidate[] {
		const found = new Map<string, Candidate>();
		const add = (candidate: Candidate | null) => {
			if (candidate !== null && found.size < LIMIT) found.set(`${candidate.spot.tape} ${candidate.spot.place}`, candidate);
		};
		for (const candidate of this.#index.equals(request, LIMIT / 4)) add(candidate);
		const host = hostOf(request);
		for (const key of keysOf(host, request.path)) for (const number of this.#table.find(key, -1, LIMIT / 2)) add(this.#index.at(this.#spot(number)));
		for (let number = 0; number < Math.min(this.#places.length, LIMIT / 4); number++) add(this.#index.at(this.#spot(number)));
		return [...found.values()];
	}

	#spot(number: number): RecordingRef {
		return { tape: this.#indexes[number] as number, place: this.#places[number] as number };
	}

	async #fill(): Promise<void> {
		for (const [outline, tape] of this.#index.outlines()) {
			const number = this.#places.push(outline.place) - 1;
			this.#indexes.push(tape);
			for (const key of keysOf(outline.host.toLowerCase(), outline.path)) this.#table.add(key, number);
			if (number % BATCH === BATCH - 1) await new Promise((resolve) => setImmediate(resolve));
		}
	}
}

/** The path, whatever the host; the folder; the last part of the path. */
function keysOf(host: string, path: FlowSummary["path"]): string[] {
	const whole = path.slice(0, pathEnd(path));
	const slash = whole.lastIndexOf("/");
	return [hash64(`p${whole}`), hash64(`f${host}${whole.slice(0, slash)}`), hash64(`n${whole.slice(slash)}`)];
}
