// Header fields (RFC 9110 section 5) exactly as received: order, case, duplicates and bytes.
import { type ByteString, toByteString, toText } from "./bytes.ts";

/**
 * A list of fields with case-insensitive access by name.
 * `fields` holds the bytes; `get`, `set` and the other methods take and return text (UTF-8, see `toText`).
 */
export class Headers {
	/** name, value, name, value … */
	fields: ByteString[];

	constructor(fields: ByteString[] = []) {
		this.fields = fields;
	}

	/** From pairs of text. */
	static of(...pairs: readonly (readonly [name: string, value: string])[]): Headers {
		return new Headers(pairs.flatMap(([name, value]) => [toByteString(name), toByteString(value)]));
	}

	/** Number of field lines. */
	get size(): number {
		return this.fields.length / 2;
	}

	/** The values of all fields of this name joined by ", " (RFC 9110 section 5.3); null: there is none. */
	get(name: string): string | null {
		const found = this.raw(name);
		return found === null ? null : toText(found);
	}

	/** As `get`, in bytes. */
	raw(name: string): ByteString | null {
		const { fields } = this;
		let found: ByteString | null = null;
		for (let i = this.#next(name, 0); i >= 0; i = this.#next(name, i + 2)) {
			const value = fields[i + 1] as ByteString;
			found = found === null ? value : `${found}, ${value}`;
		}
		return found;
	}

	/** The value of each field of this name. */
	getAll(name: string): string[] {
		const found: string[] = [];
		for (let i = this.#next(name, 0); i >= 0; i = this.#next(name, i + 2))
			found.push(toText(this.fields[i + 1] as ByteString));
		return found;
	}

	/** Whether there is a field of this name, in any case. */
	has(name: string): boolean {
		return this.#next(name, 0) >= 0;
	}

	/**
	 * Leaves one field of this name: the first keeps its position and spelling, the others are removed. If there was
	 * none, the field is appended.
	 */
	set(name: string, value: string): void {
		this.setAll(name, [value]);
	}

	/**
	 * Sets the values of all fields of this name. Existing fields keep their position and spelling; surplus fields are
	 * removed, and surplus values are appended as new fields.
	 */
	setAll(name: string, values: readonly string[]): void {
		const kept: ByteString[] = [];
		const wanted = name.toLowerCase();
		let used = 0;
		for (let i = 0; i < this.fields.length; i += 2) {
			const field = this.fields[i] as ByteString;
			if (field.toLowerCase() !== wanted) kept.push(field, this.fields[i + 1] as ByteString);
			else if (used < values.length) kept.push(field, toByteString(values[used++] as string));
		}
		for (; used < values.length; used++) kept.push(toByteString(name), toByteString(values[used] as string));
		this.fields = kept;
	}

	/** Appends a field, even if there is one of this name. */
	add(name: string, value: string): void {
		this.fields.push(toByteString(name), toByteString(value));
	}

	/** Inserts a field before the one at `index` (counted in fields). */
	insert(index: number, name: string, value: string): void {
		this.fields.splice(index * 2, 0, toByteString(name), toByteString(value));
	}

	/** Removes all fields of this name. Returns whether there were any. */
	delete(name: string): boolean {
		if (this.#next(name, 0) < 0) return false;
		this.setAll(name, []);
		return true;
	}

	/** Every field as text, in order. */
	*entries(): Generator<[name: string, value: string]> {
		for (let i = 0; i < this.fields.length; i += 2)
			yield [toText(this.fields[i] as ByteString), toText(this.fields[i + 1] as ByteString)];
	}

	/** Same as `entries`. */
	[Symbol.iterator](): Generator<[name: string, value: string]> {
		return this.entries();
	}

	/** The header section as in HTTP/1.1: `Name: value` CRLF for every field. */
	block(): ByteString {
		const { fields } = this;
		let out = "";
		for (let i = 0; i < fields.length; i += 2) out += `${fields[i]}: ${fields[i + 1]}\r\n`;
		return out;
	}

	/** An independent copy; the fields keep their order. */
	copy(): Headers {
		return new Headers(this.fields.slice());
	}

	#next(name: string, from: number): number {
		const { fields } = this;
		const { length } = name;
		let lower: string | undefined;
		for (let i = from; i < fields.length; i += 2) {
			const field = fields[i] as ByteString;
			if (field.length !== length) continue;
			if (field === name) return i;
			lower ??= name.toLowerCase();
			if (field.toLowerCase() === lower) return i;
		}
		return -1;
	}
}
