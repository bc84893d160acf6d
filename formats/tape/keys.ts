// The keys by which replay finds the recordings of a tape. The keys of a redacted tape are those of requests without
// secrets, so that a request with another secret is found without reading the tape.
import { isDeepStrictEqual } from "node:util";
import type { Conversation, Flow, HttpFlow } from "../../src/flow/flow.ts";
import type { MetaValue } from "../../src/flow/metadata.ts";
import { type FlowSink, ForwardingSink, type OpenFlow } from "../../src/flow/sink.ts";
import type { MaybeAsync } from "../../src/maybe-async.ts";
import { NOTE } from "../../src/redact/options.ts";
import type { RedactedKeys } from "../../src/replay/match/redacted.ts";
import type { SqliteStore } from "../../src/store/sqlite/store.ts";

type KeyOf = (flow: HttpFlow) => string;

/** How keys are computed. */
export interface TapeKeys {
	readonly keyOf: KeyOf;
	/** The keys of a tape with this note about its redaction; null: as without. */
	readonly redacted: (note: MetaValue) => Promise<RedactedKeys | null>;
}

/** The keys of one tape that is being written. */
export class OwnKeys {
	readonly #keys: TapeKeys;
	#keyOf: KeyOf;
	#pending: Promise<void> | null = null;

	constructor(keys: TapeKeys) {
		this.#keys = keys;
		this.#keyOf = keys.keyOf;
	}

	readonly of: KeyOf = (flow) => this.#keyOf(flow);

	/** Resolves when keys can be computed; null: they can. */
	get pending(): Promise<void> | null {
		return this.#pending;
	}

	/** Takes the keys for a note. `write` gets the note that says so, before `pending` resolves. */
	adopt(note: MetaValue, write: (note: MetaValue) => void): void {
		this.#pending = this.#adopt(note, write).finally(() => {
			this.#pending = null;
		});
		// the error goes to the code that waits for it
		this.#pending.catch(() => {});
	}

	async #adopt(note: MetaValue, write: (note: MetaValue) => void): Promise<void> {
		const redacted = await this.#keys.redacted(note);
		if (redacted === null) return;
		this.#keyOf = redacted.keyOf;
		write(redacted.note);
	}

	/** Whether a tape with this note has the keys of the note. */
	async isKeyedBy(note: MetaValue): Promise<boolean> {
		return (await this.#keys.redacted(note))?.isNoted === true;
	}

	/** Takes the keys of other tapes. */
	reset(): void {
		this.#keyOf = this.#keys.keyOf;
	}
}

/** A tape to which flows are added, with the keys of its note. */
export async function appendedTape(store: SqliteStore, keys: OwnKeys): Promise<FlowSink> {
	const note = store.notes()[NOTE];
	const isKeyed = note !== undefined && (await keys.isKeyedBy(note));
	if (isKeyed) keys.adopt(note, () => {});
	return new AppendedTape(store, keys, isKeyed ? note : undefined);
}

class AppendedTape extends ForwardingSink {
	readonly #keys: OwnKeys;
	/** The note by which the keys of all its flows are; undefined: there are flows with other keys. */
	#noted: MetaValue | undefined;
	#isEmpty: boolean;

	constructor(store: SqliteStore, keys: OwnKeys, noted: MetaValue | undefined) {
		super(store);
		this.#keys = keys;
		this.#noted = noted;
		this.#isEmpty = store.lastConnection === null;
	}

	/** If the tape has flows by other rules, their keys do not fit the note, and all flows are read for a replay. */
	override note(name: string, value: MetaValue): void {
		if (name !== NOTE) this.inner.note(name, value);
		else if (this.#isEmpty) this.#adopt(value);
		else if (this.#noted === undefined || !isSameRules(this.#noted, value)) {
			this.#noted = undefined;
			this.#keys.reset();
			this.inner.note(name, value);
		}
	}

	override async ready(): Promise<void> {
		await this.#keys.pending;
	}

	#adopt(note: MetaValue): void {
		this.inner.note(NOTE, note);
		this.#keys.adopt(note, (keyed) => {
			this.#noted = keyed;
			this.inner.note(NOTE, keyed);
		});
	}

	override append(flow: Flow): MaybeAsync {
		const { pending } = this.#keys;
		if (pending !== null) return pending.then(() => this.append(flow));
		this.#isEmpty = false;
		return this.inner.append(flow);
	}

	/** null while the keys are not known yet: the flow is written when it ends. */
	override open(flow: Conversation): OpenFlow | null {
		if (this.#keys.pending !== null) return null;
		this.#isEmpty = false;
		return this.inner.open(flow);
	}

	override async close(): Promise<void> {
		await this.#keys.pending;
		await this.inner.close();
	}
}

/** Whether two notes have the same rules, whatever the keys of their tapes are. */
function isSameRules(a: MetaValue, b: MetaValue): boolean {
	return isSameNote({ ...(a as object), keys: true }, { ...(b as object), keys: true });
}

/** Whether two notes about redaction are equal; undefined: there is none. */
export function isSameNote(a: MetaValue | undefined, b: MetaValue | undefined): boolean {
	return a === undefined || b === undefined ? a === b : isDeepStrictEqual({ ...(a as object) }, { ...(b as object) });
}
