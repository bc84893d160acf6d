// Fields of records that are not what their format says: the first of each kind is told, the others are counted.
import type { Reporter } from "../src/errors.ts";

/**
 * Told of an odd field.
 * @param kind the same for the same field of any record
 * @param what the field, what stands there, and what is made of it
 */
export type OddFieldReporter = (kind: string, what: string) => void;

/** What is said of a value that cannot be read. */
export const LEFT_OUT = "left out";

export class OddFields {
	readonly #name: string;
	readonly #report: Reporter;
	/** By kind: the last record that has it, and how many do. */
	readonly #seen = new Map<string, { record: number; count: number }>();

	/** @param name of the input */
	constructor(name: string, report: Reporter) {
		this.#name = name;
		this.#report = report;
	}

	/** @param where the record stands in the input, in words */
	tell({ where, offset, record }: { where: string; offset: number; record: number }, kind: string, what: string): void {
		const seen = this.#seen.get(kind);
		if (seen !== undefined) {
			if (seen.record !== record) seen.count++;
			seen.record = record;
			return;
		}
		this.#seen.set(kind, { record, count: 1 });
		this.#report("FT_ODD_FIELD", `${this.#name}: ${where}: ${what}`, { file: this.#name, offset, record });
	}

	/** At the end: how many more there were of each kind. @param records what they are called */
	end(records: string): void {
		for (const [kind, { count }] of this.#seen)
			if (count > 1) this.#report("FT_ODD_FIELD", `${this.#name}: ${count - 1} more ${records} like that: ${kind} was expected`, { file: this.#name });
	}
}
