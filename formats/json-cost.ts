// Estimates the memory that the JSON of a record needs. Writers and readers use the same estimate, so that everything
// that is written can be read again.
import { DEPTH_LIMIT, type Json } from "./fields.ts";

/** Maximum memory for the values of one record, without its bodies and messages, in bytes. */
export const COST_LIMIT = 160 * 1024 * 1024;
/** Maximum memory for the messages of one record, in bytes. It is large, so that no long conversation is left out. */
export const MESSAGES_LIMIT = 256 * 1024 * 1024;
/** Maximum length of a string other than a body or a message, in UTF-16 code units. */
export const TEXT_LIMIT = 16 * 1024 * 1024;

/** A body of at least this length costs nothing, in UTF-16 code units. Writers treat no shorter body as a long text. */
const BODY_UNITS = 16 * 1024;

/** Cost of an object or a list, of each value in one, and of a number. */
const [CONTAINER, SLOT, NUMBER] = [64, 16, 16];
/** Cost of the first occurrence of a key in the record. */
const KEY = 256;
/** Cost of a message of a conversation, beside its fields. */
const MESSAGE = 600;
/** Maximum cost of the fields of a message. */
const MESSAGE_FIELDS = 300;
/** Messages of at least this size become bytes as soon as they are read. */
export const LONG_MESSAGE = 4096;

/** Upper bound of the cost of a message of this many bytes. */
export function costOfMessage(size: number): number {
	return MESSAGE + MESSAGE_FIELDS + (size < LONG_MESSAGE ? 3 * size : 1.5 * size);
}

export class JsonCost {
	#bytes: number;
	/** The upper bound of the part that messages cost. */
	#messages: number;
	readonly #placeOf: PlaceOf;
	readonly #keys = new Set<string>();

	/** @param messages cost of messages to count from the start, see `costOfMessage` */
	constructor(placeOf: PlaceOf, messages = 0) {
		this.#placeOf = placeOf;
		this.#bytes = this.#messages = messages;
	}

	get isTooMuch(): boolean {
		return this.#bytes > COST_LIMIT + Math.min(this.#messages, MESSAGES_LIMIT);
	}

	/** Whether a string of at least this many bytes would be too much. */
	isTooMuchWith(size: number, isMessage: boolean): boolean {
		const messages = this.#messages + (isMessage ? costOfMessage(size) : 0);
		return this.#bytes + size > COST_LIMIT + Math.min(messages, MESSAGES_LIMIT);
	}

	container(): void {
		this.#bytes += SLOT + CONTAINER;
	}

	key(key: string): void {
		if (this.#keys.has(key)) return;
		this.#keys.add(key);
		this.#bytes += KEY + 2 * key.length;
	}

	scalar(value: number | boolean | null): void {
		this.#bytes += SLOT + (typeof value === "number" ? NUMBER : 0);
	}

	/** Counts a string and the bytes that are made from it. */
	string(value: string, path: readonly string[]): void {
		const place = this.#placeOf(path);
		if (place === "body" && value.length >= BODY_UNITS) return;
		const size = Buffer.byteLength(value);
		if (place === "message" && size >= LONG_MESSAGE) {
			this.message(size);
			return;
		}
		this.#bytes += SLOT + 24 + (size === value.length ? 2 * size : 2 * value.length + size);
		if (place !== "message") return;
		this.#bytes += MESSAGE;
		this.#messages += costOfMessage(size);
	}

	/** Counts a long message, of which only the bytes are kept. */
	message(size: number): void {
		this.#bytes += MESSAGE + size;
		this.#messages += costOfMessage(size);
	}
}

/**
 * Decides by the keys from the outermost object to a string, with an empty key for a list: whether the string is the body
 * of a request or response, which may be stored in a file, a message of a conversation, or another string (null).
 */
export type PlaceOf = (path: readonly string[]) => "body" | "message" | null;

/** Whether a value can be read again. @param messages cost of messages that are not in the value */
export function isReadable(value: Json, placeOf: PlaceOf, messages = 0): boolean {
	const cost = new JsonCost(placeOf, messages);
	const path: string[] = [];
	const add = (item: Json, key: string): boolean => {
		path.push(key);
		const isFine = isWithin(item);
		path.pop();
		return isFine;
	};
	const isWithin = (item: Json): boolean => {
		if (typeof item === "string") {
			cost.string(item, path);
			return item.length <= TEXT_LIMIT || placeOf(path) !== null;
		}
		if (typeof item !== "object" || item === null) {
			cost.scalar(item);
			return true;
		}
		cost.container();
		if (cost.isTooMuch || path.length >= DEPTH_LIMIT) return false;
		if (Array.isArray(item)) return item.every((each) => add(each, ""));
		return Object.entries(item).every(([key, each]) => {
			cost.key(key);
			return add(each, key);
		});
	};
	return isWithin(value) && !cost.isTooMuch;
}
