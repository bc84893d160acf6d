// Selects the recorded requests that are compared with a miss: by path, folder or last path segment, and the first
// ones. The cost of a miss therefore does not depend on the length of the tape.
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Request } from "../../flow/message.ts";
import type { FlowSummary } from "../../flow/recorded.ts";
import { hash64 } from "../match/hash.ts";
import { hostOf, pathEnd } from "../match/parts.ts";
import type { RecordingRef } from "../recordings/cursor.ts";
import type { Candidate, ReplayIndex } from "../recordings/index-of-tapes.ts";
import { KeyTable } from "../recordings/key-table.ts";

/** Maximum number of recordings that are compared with one miss. */
const LIMIT = 100;
/** Flows that are read before yielding to the event loop. */
const BATCH = 2000;

/** An index of recordings by path, built from the columns of the tapes. */
export class Candidates {
	readonly #index: ReplayIndex;
	readonly #table = new KeyTable();
	/** Tape and sequence number of each entry of the table. */
	readonly #indexes: number[] = [];
	readonly #seqs: number[] = [];
	#filled: Promise<void> | null = null;

	constructor(index: ReplayIndex) {
		this.#index = index;
	}

	/** Reads the tapes once. Await it before the first use. */
	ready(): Promise<void> {
		this.#filled ??= this.#fill();
		return this.#filled;
	}

	/** Recordings that may be similar to a request, without duplicates; those with the same key first. */
	candidatesFor(request: Request): Candidate[] {
		const found = new Map<string, Candidate>();
		const add = (candidate: Candidate | null) => {
			if (candidate !== null && found.size < LIMIT) found.set(`${candidate.ref.tape} ${candidate.ref.seq}`, candidate);
		};
		for (const candidate of this.#index.equalRecordings(request, LIMIT / 4)) add(candidate);
		const host = hostOf(request);
		for (const key of keysOf(host, request.path))
			for (const number of this.#table.find(key, -1, LIMIT / 2)) add(this.#index.at(this.#ref(number)));
		for (let number = 0; number < Math.min(this.#seqs.length, LIMIT / 4); number++)
			add(this.#index.at(this.#ref(number)));
		return [...found.values()];
	}

	#ref(number: number): RecordingRef {
		return { tape: this.#indexes[number] as number, seq: this.#seqs[number] as number };
	}

	async #fill(): Promise<void> {
		for (const [summary, tape] of this.#index.summaries()) {
			const number = this.#seqs.push(summary.seq) - 1;
			this.#indexes.push(tape);
			for (const key of keysOf(summary.host.toLowerCase(), summary.path)) this.#table.add(key, number);
			if (number % BATCH === BATCH - 1) await nextTurn();
		}
	}
}

/** Keys for the path on any host, the folder on this host, and the last path segment. */
function keysOf(host: string, path: FlowSummary["path"]): string[] {
	const whole = path.slice(0, pathEnd(path));
	const slash = whole.lastIndexOf("/");
	return [hash64(`p${whole}`), hash64(`f${host}${whole.slice(0, slash)}`), hash64(`n${whole.slice(slash)}`)];
}
