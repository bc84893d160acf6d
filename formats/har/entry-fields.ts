// The fields of an entry of a HAR. Programs write HARs with fields of the wrong type: what they say is taken where that is clear, and left out
// where not, so that no field costs the entry. Each is told.
import { Fields, isObject, type Json, type JsonObject, wrong } from "../fields.ts";
import { LEFT_OUT, type OddFieldReporter } from "../odd-fields.ts";

/** Larger numbers are no times or sizes of anything, and sums of them are no numbers. */
const LARGEST = 1e15;

export class EntryFields extends Fields {
	readonly #odd: OddFieldReporter;

	constructor(values: JsonObject, path: string, odd: OddFieldReporter = () => {}) {
		super(values, path);
		this.#odd = odd;
	}

	/** Tells of a field that is there, or should be. */
	odd(key: string, expected: string, made: string): void {
		this.#tell(this.path + key, expected, Object.hasOwn(this.values, key) ? this.values[key] : undefined, made);
	}

	#tell(path: string, expected: string, found: Json | undefined, made: string): void {
		this.#odd(`${path.replace(/\[\d+\]/g, "[]")} ${expected}`, `${wrong(path, expected, found).message}: ${made}`);
	}

	/** A number or a truth value as text, and what stands alone in a list; else the fallback. */
	override text(key: string, fallback = ""): string {
		const value = this.value(key);
		if (typeof value === "string") return value;
		if (value === null) return fallback;
		const text = textOf(value);
		this.odd(key, "a string", text === null ? LEFT_OUT : `read as ${JSON.stringify(text)}`);
		return text ?? fallback;
	}

	/** As `text`, and lists and objects as their JSON: for what a person would read there. */
	content(key: string): string {
		const value = this.value(key);
		if (typeof value === "string" || value === null) return value ?? "";
		this.odd(key, "a string", typeof value === "object" ? "its JSON is taken" : `read as ${JSON.stringify(String(value))}`);
		return typeof value === "object" ? JSON.stringify(value) : String(value);
	}

	/** A number in a string too, with milliseconds behind it; else the fallback, for what is no number of anything as well. */
	override number(key: string, fallback = -1): number {
		const value = this.value(key);
		if (typeof value === "number" && Math.abs(value) <= LARGEST) return value;
		if (value === null) return fallback;
		const single = Array.isArray(value) && value.length === 1 ? (value[0] as Json) : value;
		const digits = typeof single === "string" ? /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(?:ms|bytes)?\s*$/i.exec(single)?.[1] : undefined;
		const number = typeof single === "number" ? single : digits === undefined ? Number.NaN : Number(digits);
		const isOne = Math.abs(number) <= LARGEST;
		this.odd(key, "a number", isOne ? `read as ${number}` : LEFT_OUT);
		return isOne ? number : fallback;
	}

	override boolean(key: string, fallback = false): boolean {
		const value = this.value(key);
		if (typeof value === "boolean" || value === null) return value ?? fallback;
		this.odd(key, "true or false", LEFT_OUT);
		return fallback;
	}

	override array(key: string): Json[] {
		const value = this.value(key);
		if (Array.isArray(value) || value === null) return value ?? [];
		this.odd(key, "a list", LEFT_OUT);
		return [];
	}

	/** What is no object in the list is left out. */
	override list<T>(key: string, read: (at: this) => T): T[] {
		const list: T[] = [];
		for (const [i, item] of this.array(key).entries()) {
			const path = `${this.path}${key}[${i}]`;
			if (isObject(item)) list.push(read(this.inside(item, `${path}.`)));
			else this.#tell(path, "an object", item, LEFT_OUT);
		}
		return list;
	}

	/** An object without fields in place of anything else. */
	override object(key: string): this {
		const value = this.value(key);
		if (!isObject(value) && value !== null) this.odd(key, "an object", LEFT_OUT);
		return this.inside(isObject(value) ? value : {}, `${this.path}${key}.`);
	}

	override optional<T>(key: string, read: (at: this) => T): T | null {
		const value = this.value(key);
		if (isObject(value)) return read(this.inside(value, `${this.path}${key}.`));
		if (value !== null) this.odd(key, "an object", LEFT_OUT);
		return null;
	}

	/**
	 * Names and values in their order: of a list of objects, as HAR has them, of a list of pairs, or of one object. Several values of a name
	 * stand one after the other.
	 */
	pairs(key: string): [name: string, value: string][] {
		const value = this.value(key);
		if (value === null) return [];
		const pairs: [string, string][] = [];
		if (isObject(value)) {
			this.odd(key, "a list", "its keys are taken as names");
			for (const [name, each] of Object.entries(value)) this.#addPair(pairs, `${key}.${name}`, name, each);
			return pairs;
		}
		for (const [i, item] of this.array(key).entries()) {
			const at = `${key}[${i}]`;
			const line = typeof item === "string" ? /^([^:\s][^:]*):\s*(.*)$/s.exec(item) : null;
			const [name, each] = Array.isArray(item) ? item : isObject(item) ? [own(item, "name"), own(item, "value")] : line === null ? [] : line.slice(1);
			if (line !== null) this.#tell(this.path + at, "a name and a value", item, "read as such");
			const text = typeof name === "string" ? name : (textOf(name ?? null) ?? "");
			if (text === "") this.#tell(this.path + at, "a name and a value", item, LEFT_OUT);
			else {
				if (typeof name !== "string") this.#tell(`${this.path}${at}.name`, "a string", name, `read as ${JSON.stringify(text)}`);
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
		this.#tell(
			this.path + at,
			"a string",
			value,
			`read as ${texts.map((text) => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)).join(" and ")}`,
		);
		for (const text of texts) pairs.push([name, text]);
	}

	/** Values of our own making as those of an object within this one. */
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
