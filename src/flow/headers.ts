// Header fields (RFC 9110 section 5) as they stood on the wire: order, case and duplicates kept, bytes untouched.
import { type ByteString, toByteString, toText } from "./bytes.ts";

/**
 * A list of fields with case-insensitive access by name.
 * `get`, `set` and the other methods speak text (UTF-8, see `toText`); `fields` holds the bytes.
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

	/** The values of all fields of this name joined by ", " (RFC 9110 section 5.3), null where there is none. */
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
		for (let i = this.#next(name, 0); i >= 0; i = this.#next(name, i + 2)) found.push(toText(this.fields[i + 1] as ByteString));
		return found;
	}

	has(name: string): boolean {
		return this.#next(name, 0) >= 0;
	}

	/** One field of this name: the first keeps its place and spelling, others go; appended where there was none. */
	set(name: string, value: string): void {
		this.setAll(name, [value]);
	}

	/** Fields of this name with these values: existing places and spellings are used first, the rest is appended. */
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

	/** Appends a field, whatever is there already. */
	add(name: string, value: string): void {
		this.fields.push(toByteString(name), toByteString(value));
	}

	/** Puts a field before the one at `index` (counted in fields). */
	insert(index: number, name: string, value: string): void {
		this.fields.splice(index * 2, 0, toByteString(name), toByteString(value));
	}

	/** Removes all fields of this name; whether there were any. */
	delete(name: string): boolean {
		if (this.#next(name, 0) < 0) return false;
		this.setAll(name, []);
		return true;
	}

	/** Every field as text, in order. */
	*entries(): Generator<[name: string, value: string]> {
		for (let i = 0; i < this.fields.length; i += 2) yield [toText(this.fields[i] as ByteString), toText(this.fields[i + 1] as ByteString)];
	}

	[Symbol.iterator](): Generator<[name: string, value: string]> {
		return this.entries();
	}

	/** `Name: value` CRLF for every field; empty without fields. */
	block(): ByteString {
		const { fields } = this;
		let out = "";
		for (let i = 0; i < fields.length; i += 2) out += `${fields[i]}: ${fields[i + 1]}\r\n`;
		return out;
	}

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
