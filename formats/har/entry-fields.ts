// The fields of a HAR entry. Many programs write fields of the wrong type. These are converted if their meaning is
// clear and left out otherwise, so that the entry is kept. Each one is reported.
import { decodeText } from "../../src/flow/bytes.ts";
import { Fields, isObject, type Json, type JsonObject } from "../fields.ts";
import { LongString } from "../long-string.ts";
import { LEFT_OUT, type OddFieldReporter, reportOddValue } from "../odd-fields.ts";

/** Larger numbers are not plausible times or sizes, and their sums may be infinite. */
const LARGEST = 1e15;

export class EntryFields extends Fields {
	readonly #odd: OddFieldReporter;

	constructor(values: JsonObject, path: string, odd: OddFieldReporter = () => {}) {
		super(values, path);
		this.#odd = odd;
	}

	/** Reports a field. @param made how it is read */
	reportOdd(key: string, expected: string, made: string): void {
		this.#report(this.path + key, expected, Object.hasOwn(this.values, key) ? this.values[key] : undefined, made);
	}

	#report(path: string, expected: string, found: Json | undefined, made: string): void {
		reportOddValue(this.#odd, path, expected, found, made);
	}

	/** Also converts numbers, booleans and lists with a single value; otherwise the fallback. */
	override text(key: string, fallback = ""): string {
		const value = this.value(key);
		if (typeof value === "string") return value;
		if (value === null) return fallback;
		const text = textOf(value);
		this.reportOdd(key, "a string", text === null ? LEFT_OUT : `read as ${JSON.stringify(text)}`);
		return text ?? fallback;
	}

	/** Like `text`, but returns lists and objects as JSON. */
	content(key: string): string {
		const value = this.value(key);
		if (typeof value === "string" || value === null) return value ?? "";
		if (value instanceof LongString) return decodeText(value.read());
		this.reportOdd(
			key,
			"a string",
			typeof value === "object" ? "read as JSON" : `read as ${JSON.stringify(String(value))}`,
		);
		return typeof value === "object" ? JSON.stringify(value) : String(value);
	}

	/** Also converts strings with a number, such as "5 ms"; otherwise, and for implausible numbers, the fallback. */
	override number(key: string, fallback = -1): number {
		const value = this.value(key);
		if (typeof value === "number" && Math.abs(value) <= LARGEST) return value;
		if (value === null) return fallback;
		const single = Array.isArray(value) && value.length === 1 ? (value[0] as Json) : value;
		const digits =
			typeof single === "string"
				? /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(?:ms|bytes)?\s*$/i.exec(single)?.[1]
				: undefined;
		const number = typeof single === "number" ? single : digits === undefined ? Number.NaN : Number(digits);
		const isOne = Math.abs(number) <= LARGEST;
		this.reportOdd(key, "a number", isOne ? `read as ${number}` : LEFT_OUT);
		return isOne ? number : fallback;
	}

	override boolean(key: string, fallback = false): boolean {
		const value = this.value(key);
		if (typeof value === "boolean" || value === null) return value ?? fallback;
		this.reportOdd(key, "true or false", LEFT_OUT);
		return fallback;
	}

	override array(key: string): Json[] {
		const value = this.value(key);
		if (Array.isArray(value) || value === null) return value ?? [];
		this.reportOdd(key, "a list", LEFT_OUT);
		return [];
	}

	/** Leaves out items that are not objects. */
	override list<T>(key: string, read: (at: this) => T): T[] {
		const list: T[] = [];
		for (const [i, item] of this.array(key).entries()) {
			const path = `${this.path}${key}[${i}]`;
			if (isObject(item)) list.push(read(this.inside(item, `${path}.`)));
			else this.#report(path, "an object", item, LEFT_OUT);
		}
		return list;
	}

	/** Returns an empty object for values of other types. */
	override object(key: string): this {
		const value = this.value(key);
		if (!isObject(value) && value !== null) this.reportOdd(key, "an object", LEFT_OUT);
		return this.inside(isObject(value) ? value : {}, `${this.path}${key}.`);
	}

	override optional<T>(key: string, read: (at: this) => T): T | null {
		const value = this.value(key);
		if (isObject(value)) return read(this.inside(value, `${this.path}${key}.`));
		if (value !== null) this.reportOdd(key, "an object", LEFT_OUT);
		return null;
	}

	/**
	 * Names and values in order, from a list of objects, as HAR specifies, a list of pairs, or one object. A name with
	 * several values is repeated.
	 */
	pairs(key: string): [name: string, value: string][] {
		const value = this.value(key);
		if (value === null) return [];
		const pairs: [string, string][] = [];
		if (isObject(value)) {
			this.reportOdd(key, "a list", "its keys are read as names");
			for (const [name, each] of Object.entries(value)) this.#addPair(pairs, `${key}.${name}`, name, each);
			return pairs;
		}
		for (const [i, item] of this.array(key).entries()) {
			const at = `${key}[${i}]`;
			const line = typeof item === "string" ? /^([^:\s][^:]*):\s*(.*)$/s.exec(item) : null;
			const [name, each] = Array.isArray(item)
				? item
				: isObject(item)
					? [own(item, "name"), own(item, "value")]
					: line === null
						? []
						: line.slice(1);
			if (line !== null) this.#report(this.path + at, "a name and a value", item, "split at the colon");
			const text = typeof name === "string" ? name : (textOf(name ?? null) ?? "");
			if (text === "") this.#report(this.path + at, "a name and a value", item, LEFT_OUT);
			else {
				if (typeof name !== "string")
					this.#report(`${this.path}${at}.name`, "a string", name, `read as ${JSON.stringify(text)}`);
				this.#addPair(pairs, `${at}.value`, text, each);
			}
		}
		return pairs;
	}

	#addPair(pairs: [string, string][], at: string, name: string, value: Json | undefined): void {
		if (typeof value === "string") {
			pairs.push([name, value]);
			return;
		}
		const values = Array.isArray(value) && value.length > 0 ? value : [value ?? ""];
		const texts = values.map((each) => (typeof each === "object" ? JSON.stringify(each) : String(each)));
		this.#report(
			this.path + at,
			"a string",
			value,
			`read as ${texts.map((text) => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)).join(" and ")}`,
		);
		for (const text of texts) pairs.push([name, text]);
	}

	/** Wraps given values as a nested object. */
	nested(key: string, values: JsonObject): EntryFields {
		return this.inside(values, `${this.path}${key}.`);
	}

	protected override inside(values: JsonObject, path: string): this {
		return new EntryFields(values, path, this.#odd) as this;
	}
}

function own(object: JsonObject, key: string): Json | undefined {
	return Object.hasOwn(object, key) ? object[key] : undefined;
}

function textOf(value: Json): string | null {
	if (typeof value === "number" || typeof value === "boolean" || typeof value === "string") return String(value);
	return Array.isArray(value) && value.length === 1 && !Array.isArray(value[0]) ? textOf(value[0] as Json) : null;
}
