// Reports fields whose values do not follow the format, and damaged records: the first ones at once, the number of
// further ones at the end.
import type { Reporter } from "../src/errors.ts";
import { type Json, wrong } from "./fields.ts";

/**
 * Receives an odd field.
 * @param kind the same for the same field of any record
 * @param what the field, what was expected and found, and how it is read
 */
export type OddFieldReporter = (kind: string, what: string) => void;

/** End of the message for a value that cannot be read. */
export const LEFT_OUT = "left out";

/** Reports a value of the wrong type. @param made how it is read */
export function reportOddValue(
	odd: OddFieldReporter,
	path: string,
	expected: string,
	found: Json | undefined,
	made: string,
): void {
	odd(`${withoutIndexes(path)}: expected ${expected}`, `${wrong(path, expected, found).message}; ${made}`);
}

/** A path that is the same for all items of a list. */
export function withoutIndexes(path: string): string {
	return path.replace(/\[\d+\]/g, "[]");
}

/** Damaged records to report one by one. */
const DAMAGES = 10;

export class OddFields {
	readonly #name: string;
	readonly #report: Reporter;
	/** By kind: the last record with such a field, and the number of such records. */
	readonly #seen = new Map<string, { record: number; count: number }>();

	#damages = 0;

	/** @param name of the input */
	constructor(name: string, report: Reporter) {
		this.#name = name;
		this.#report = report;
	}

	/** @param where position of the record in the input, as text */
	report(
		{ where, offset, record }: { where: string; offset: number; record: number },
		kind: string,
		what: string,
	): void {
		const seen = this.#seen.get(kind);
		if (seen !== undefined) {
			if (seen.record !== record) seen.count++;
			seen.record = record;
			return;
		}
		this.#seen.set(kind, { record, count: 1 });
		this.#report("FT_ODD_FIELD", `${this.#name}: ${where}: ${what}`, { file: this.#name, offset, record });
	}

	/** Reports damage. @param record 0: the damage is in no record */
	reportDamage({ where, offset, record }: { where: string; offset: number; record: number }, what: string): void {
		if (record !== 0 && ++this.#damages > DAMAGES) return;
		this.#report("FT_CORRUPT_FLOW", `${this.#name}: ${where}: ${what}`, {
			file: this.#name,
			offset,
			...(record === 0 ? {} : { record }),
		});
	}

	/** Reports how many more there were of each kind. @param records noun for the records, such as "lines" */
	reportCounts(records: string): void {
		if (this.#damages > DAMAGES)
			this.#report("FT_CORRUPT_FLOW", `${this.#name}: ${this.#damages - DAMAGES} more damaged ${records}`, {
				file: this.#name,
			});
		for (const [kind, { count }] of this.#seen)
			if (count > 1)
				this.#report("FT_ODD_FIELD", `${this.#name}: ${count - 1} more ${records} like that: ${kind}`, {
					file: this.#name,
				});
	}
}
