// Sets and deletes values in a JSON text. Everything else stays unchanged: order, numbers and white space.
import { FlowtapeError } from "../errors.ts";
import { covers, exactKeys, type JsonPath, parseJsonPath } from "./path.ts";
import { isJson, skipSpace, stringOf, tokenEnd, valueEnd } from "./walk.ts";

/** A change of the values at a path. */
export interface JsonEdit {
	readonly path: JsonPath;
	/** The keys, if the path selects one place; otherwise null. */
	readonly keys: readonly string[] | null;
	/** The new value, as JSON text; null: delete it. */
	readonly value: string | null;
	/**
	 * A JSON string token without which no text can be changed, unless the text contains escapes; null: there is no such
	 * token.
	 */
	readonly needle: string | null;
}

/**
 * Parses `PATH=VALUE`. A value that is not JSON is a string. In a JSON pointer, the first `=` ends the path; in a path
 * such as `$['a=b']`, the first `=` outside of quotes ends it.
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function parseJsonSet(text: string, option: string): JsonEdit {
	const at = text.startsWith("$") ? (PATH_AND_EQUALS.exec(text)?.[0].length ?? 0) - 1 : text.indexOf("=");
	if (at < 0)
		throw new FlowtapeError("FT_BAD_OPTION", `expected PATH=VALUE such as /user/name=Ann, found "${text}"`, { option });
	const value = text.slice(at + 1);
	return editOf(text.slice(0, at), isJson(value) ? value.trim() : JSON.stringify(value), option);
}

/** A `$` path up to the first `=` outside of quotes. */
const PATH_AND_EQUALS = /^(?:\['(?:[^'\\]|\\.)*'\]|\["(?:[^"\\]|\\.)*"\]|[^=])*?=/;

/** Parses the path of values to delete. @throws FlowtapeError FT_BAD_OPTION */
export function parseJsonDelete(text: string, option: string): JsonEdit {
	const edit = editOf(text, null, option);
	if (covers(edit.path, []))
		throw new FlowtapeError(
			"FT_BAD_OPTION",
			"expected the path of a member or item such as /user/name, found the whole text",
			{ option },
		);
	return edit;
}

function editOf(path: string, value: string | null, option: string): JsonEdit {
	const keys = exactKeys(path, option);
	// a missing member can be added to its parent
	const required = keys?.at(value === null ? -1 : -2);
	return {
		path: parseJsonPath(path, option),
		keys,
		value,
		needle: required === undefined || /^\d+$/.test(required) ? null : JSON.stringify(required),
	};
}

/**
 * Applies a change. Setting a path without wildcards also adds a missing member to an existing object.
 * @returns null: the text stays unchanged, is not JSON, or exceeds the limits of `walkJson`
 */
export function editJson(text: string, edit: JsonEdit): string | null {
	if (!mayEdit(text, edit) || !isJson(text)) return null;
	const edited = new Editor(text, edit).run();
	return edited === text ? null : edited;
}

/** A quick check without parsing: false if the change cannot apply to a text. */
export function mayEdit(text: string, { needle }: JsonEdit): boolean {
	return needle === null || text.includes(needle) || text.includes("\\");
}

/**
 * A member of an object or an item of an array: from `from`, white space and for a member key and colon; from
 * `valueFrom` to `valueTo`, the value; then white space up to `to`.
 */
interface Item {
	readonly from: number;
	readonly valueFrom: number;
	readonly valueTo: number;
	readonly to: number;
	/** The new value; null: deleted. */
	readonly value: string | null;
}

class Editor {
	readonly #text: string;
	readonly #edit: JsonEdit;
	readonly #path: string[] = [];
	#at = 0;

	constructor(text: string, edit: JsonEdit) {
		this.#text = text;
		this.#edit = edit;
	}

	run(): string {
		this.#at = skipSpace(this.#text, 0);
		const before = this.#text.slice(0, this.#at);
		return before + (this.#value() ?? "") + this.#text.slice(this.#at);
	}

	/** Reads the value at the current position, and returns its new text; null: it is deleted. */
	#value(): string | null {
		const text = this.#text;
		const from = this.#at;
		if (covers(this.#edit.path, this.#path)) {
			this.#at = valueEnd(text, from);
			return this.#edit.value;
		}
		const first = text[from];
		if ((first === "{" || first === "[") && this.#mayContain()) return this.#container(first === "{");
		this.#at = valueEnd(text, from);
		return text.slice(from, this.#at);
	}

	/** Whether a selected place may be inside the current one. */
	#mayContain(): boolean {
		const { keys } = this.#edit;
		return keys === null || (this.#path.length < keys.length && this.#path.every((key, i) => key === keys[i]));
	}

	#container(isObject: boolean): string {
		const text = this.#text;
		const from = this.#at++;
		const items: Item[] = [];
		let isChanged = false;
		let isThere = false;
		const added = isObject ? this.#memberToAdd() : null;
		while (true) {
			const itemFrom = this.#at;
			this.#at = skipSpace(text, itemFrom);
			// empty
			if (items.length === 0 && /[\]}]/.test(text.charAt(this.#at))) break;
			let key = String(items.length);
			if (isObject) {
				const keyFrom = this.#at;
				this.#at = tokenEnd(text, keyFrom);
				key = stringOf(text.slice(keyFrom, this.#at));
				// white space, colon, white space
				this.#at = skipSpace(text, skipSpace(text, this.#at) + 1);
				isThere ||= key === added;
			}
			const valueFrom = this.#at;
			this.#path.push(key);
			const value = this.#value();
			this.#path.pop();
			const valueTo = this.#at;
			this.#at = skipSpace(text, valueTo);
			items.push({ from: itemFrom, valueFrom, valueTo, to: this.#at, value });
			isChanged ||= value !== text.slice(valueFrom, valueTo);
			if (text[this.#at] !== ",") break;
			this.#at++;
		}
		const close = this.#at++;
		const isAdded = added !== null && !isThere;
		if (!isChanged && !isAdded) return text.slice(from, this.#at);
		const parts = items
			.filter(({ value }) => value !== null)
			.map((item, i, kept) => {
				const space = i === kept.length - 1 ? "" : text.slice(item.valueTo, item.to);
				return text.slice(item.from, item.valueFrom) + item.value + space;
			});
		if (isAdded) parts.push(this.#member(added, items[0]));
		// the white space before the closing bracket
		const end = items.at(-1)?.valueTo ?? close;
		return text[from] + parts.join(",") + (parts.length === 0 ? "" : text.slice(end, close)) + text[close];
	}

	/** The key to add to the object at the current position if it is missing; null: none. */
	#memberToAdd(): string | null {
		const { keys, value } = this.#edit;
		if (keys === null || value === null || keys.length !== this.#path.length + 1) return null;
		return keys[this.#path.length] ?? null;
	}

	/** Writes a new member with the same white space as the first one. */
	#member(key: string, like: Item | undefined): string {
		const text = this.#text;
		if (like === undefined) return `${JSON.stringify(key)}:${this.#edit.value}`;
		const keyFrom = skipSpace(text, like.from);
		const colon = text.slice(tokenEnd(text, keyFrom), like.valueFrom);
		return `${text.slice(like.from, keyFrom)}${JSON.stringify(key)}${colon}${this.#edit.value}`;
	}
}
