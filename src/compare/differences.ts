// Lists the differences between two recordings of an exchange, down to single headers, query parameters and JSON
// values.
import { type Body, bodySize, bodySlices, DECODED_LIMIT } from "../flow/body.ts";
import { decodeText, NO_BYTES, toText } from "../flow/bytes.ts";
import { cookiePair, cookiePairs } from "../flow/cookies.ts";
import { endOf } from "../flow/ending.ts";
import type { HttpFlow } from "../flow/flow.ts";
import { formFields } from "../flow/form.ts";
import type { Headers } from "../flow/headers.ts";
import type { Message, Request, Response } from "../flow/message.ts";
import { type Pairs, valuesByName } from "../flow/pairs.ts";
import { parseQuery, splitPath } from "../flow/url.ts";
import { pointerPart } from "../json/leaves.ts";
import type { IsIgnored, NamedPart } from "./ignore.ts";

/** One difference between two recordings: a part of a message that has changed. */
export interface FlowDifference {
	readonly side: "request" | "response";
	/** `status`, `error`, `body` and others have no name. */
	readonly part:
		| NamedPart
		| "method"
		| "scheme"
		| "host"
		| "port"
		| "path"
		| "status"
		| "trailer"
		| "ended"
		| "error"
		| "body";
	/** Name of the header, parameter or field, or JSON pointer (RFC 6901); null: the part has no name. */
	readonly name: string | null;
	/** null: not present. */
	readonly before: string | null;
	readonly after: string | null;
}

/** Larger bodies are not compared as JSON. Bytes. */
const LAID_OUT_BYTES = 8 * 1024 * 1024;

/**
 * The differences between two recordings of an exchange.
 * @param ignored returns whether a part is not compared
 */
export function flowDifferences(before: HttpFlow, after: HttpFlow, ignored: IsIgnored): FlowDifference[] {
	return [
		...requestDifferences(before.request, after.request, ignored),
		...responseDifferences(before, after, ignored),
	];
}

function requestDifferences(before: Request, after: Request, ignored: IsIgnored): FlowDifference[] {
	const found = new DifferenceList("request", ignored);
	for (const part of ["method", "scheme", "host", "port"] as const)
		found.plain(part, String(before[part]), String(after[part]));
	const [previous, current] = [splitPath(toText(before.path)), splitPath(toText(after.path))];
	found.plain("path", previous.path, current.path);
	found.named("query", parseQuery(previous.query), parseQuery(current.query));
	found.named("cookie", cookiesOf(before), cookiesOf(after));
	found.message(before, after, "cookie");
	return found.list;
}

function responseDifferences(before: HttpFlow, after: HttpFlow, ignored: IsIgnored): FlowDifference[] {
	const found = new DifferenceList("response", ignored);
	found.ends(before, after);
	found.plain("status", statusOf(before.response), statusOf(after.response));
	if (before.response === null || after.response === null) return found.list;
	found.named("cookie", setCookiesOf(before.response), setCookiesOf(after.response));
	found.message(before.response, after.response, "set-cookie");
	return found.list;
}

/**
 * How a new response differs from the recorded one. If the recorded response is incomplete, additional data in the new
 * one is not a difference; if its client closed the connection early, the end of the new one is not compared either.
 */
export function answerDifferences(before: HttpFlow, after: HttpFlow, ignored: IsIgnored): FlowDifference[] {
	const found = responseDifferences(before, after, ignored);
	const end = endOf(before);
	if (end === null || end === "server" || endOf(after) === null) return found;
	const isSamePrefix = hasSamePrefix(comparedBody(before.response), comparedBody(after.response));
	const isOfBody = ({ part }: FlowDifference) => part === "body" || part === "json" || part === "form";
	return found.filter(
		(difference) => !(isOfBody(difference) && isSamePrefix) && !(end === "client" && difference.part === "ended"),
	);
}

/** The decoded body. A body over `DECODED_LIMIT` is compared as sent, and not read into memory. */
function comparedBody(message: Message | null): Body {
	return message === null || isTooLarge(message) ? (message?.body ?? null) : message.decodedOrRaw;
}

function isTooLarge({ bodySize }: Message): boolean {
	return (bodySize ?? 0) > DECODED_LIMIT;
}

/** Whether one body begins with the other. */
function hasSamePrefix(a: Body, b: Body): boolean {
	return commonPrefix(a, b) === Math.min(bodySize(a) ?? 0, bodySize(b) ?? 0);
}

function isSameBody(a: Body, b: Body): boolean {
	return a === b || (a !== null && b !== null && bodySize(a) === bodySize(b) && hasSamePrefix(a, b));
}

/** Number of bytes with which both bodies begin. */
function commonPrefix(a: Body, b: Body): number {
	const slices = [bodySlices(a), bodySlices(b)] as const;
	try {
		let [size, left, right] = [0, NO_BYTES, NO_BYTES];
		while (true) {
			left = left.length > 0 ? left : (slices[0].next().value ?? NO_BYTES);
			right = right.length > 0 ? right : (slices[1].next().value ?? NO_BYTES);
			const length = Math.min(left.length, right.length);
			const [x, y] = [left.subarray(0, length), right.subarray(0, length)];
			if (length === 0) return size;
			if (!x.equals(y)) return size + x.findIndex((byte, at) => byte !== y[at]);
			size += length;
			[left, right] = [left.subarray(length), right.subarray(length)];
		}
	} finally {
		for (const one of slices) one.return(undefined);
	}
}

function statusOf(response: Response | null): string | null {
	return response === null ? null : String(response.statusCode);
}

class DifferenceList {
	readonly list: FlowDifference[] = [];
	readonly #side: FlowDifference["side"];
	readonly #ignored: IsIgnored;

	constructor(side: FlowDifference["side"], ignored: IsIgnored) {
		this.#side = side;
		this.#ignored = ignored;
	}

	plain(part: FlowDifference["part"], before: string | null, after: string | null, name: string | null = null): void {
		if (before !== after) this.list.push({ side: this.#side, part, name, before, after });
	}

	/**
	 * Compares how both flows ended. If one of them has no response, compares their error messages instead: with
	 * responses these vary with the network, even for the same end.
	 */
	ends(before: HttpFlow, after: HttpFlow): void {
		const [was, is] = [endOf(before), endOf(after)];
		if (was !== null && is !== null) this.plain("ended", was, is);
		else this.plain("error", before.error?.message ?? null, after.error?.message ?? null);
	}

	/**
	 * Compares named values; several values of one name are compared in order. The rules that ignore headers apply to
	 * trailers too.
	 */
	named(part: NamedPart | "trailer", before: Pairs, after: Pairs): void {
		const [previous, current] = [valuesByName(before), valuesByName(after)];
		const isHeader = part === "header" || part === "trailer";
		for (const name of new Set([...previous.keys(), ...current.keys()])) {
			if (this.#ignored(part === "trailer" ? "header" : part, name)) continue;
			const [was, is] = [previous.get(name), current.get(name)];
			// "1, 2" is two values of a header, but one value of a parameter
			const isList = !isHeader && was?.length !== is?.length;
			this.plain(part, valuesText(was, isList), valuesText(is, isList), name);
		}
	}

	/** Compares headers (without the one for cookies), trailers, and bodies as JSON, form or bytes. */
	message(before: Message, after: Message, cookies: string): void {
		const headers = (message: Message) => fieldsOf(message.headers).filter(([name]) => name !== cookies);
		this.named("header", headers(before), headers(after));
		this.named("trailer", fieldsOf(before.trailers), fieldsOf(after.trailers));
		this.#body(before, after);
	}

	#body(before: Message, after: Message): void {
		const [previous, current] = [comparedBody(before), comparedBody(after)];
		if (isSameBody(previous, current)) return;
		const [previousJson, currentJson] = [jsonOf(previous), jsonOf(current)];
		if (previousJson !== undefined && currentJson !== undefined) {
			this.#json("", previousJson.value, currentJson.value);
			return;
		}
		const [previousForm, currentForm] = [formOf(before), formOf(after)];
		if (previousForm !== null && currentForm !== null) this.named("form", previousForm, currentForm);
		else this.#bytes(previous, current);
	}

	/** Reports two bodies that differ, even if the texts that represent them are the same. */
	#bytes(before: Body, after: Body): void {
		const [was, is] = [bytesText(before), bytesText(after)];
		const isSameText = before !== null && after !== null && was === is;
		this.plain("body", was, isSameText ? `${is}, different from byte ${commonPrefix(before, after) + 1} on` : is);
	}

	#json(pointer: string, before: unknown, after: unknown): void {
		if (this.#ignored("json", pointer)) return;
		if (isTree(before) && isTree(after) && Array.isArray(before) === Array.isArray(after)) {
			for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
				this.#json(`${pointer}/${pointerPart(key)}`, before[key], after[key]);
		} else this.plain("json", words(before), words(after), pointer);
	}
}

function fieldsOf(headers: Headers | null): [name: string, value: string][] {
	return [...(headers ?? [])].map(([name, value]) => [name.toLowerCase(), value]);
}

function valuesText(values: readonly string[] | undefined, isList: boolean): string | null {
	return values === undefined ? null : isList && values.length > 1 ? JSON.stringify(values) : values.join(", ");
}

function isTree(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !(value instanceof LargeInteger);
}

function words(value: unknown): string | null {
	if (value === undefined) return null;
	return value instanceof LargeInteger ? value.digits : JSON.stringify(value);
}

/** JSON that is nested more deeply is not compared as JSON: recursion would overflow the stack. */
const MAX_DEPTH = 1000;

function jsonOf(bytes: Body): { value: unknown } | undefined {
	if (
		!Buffer.isBuffer(bytes) ||
		bytes.length > LAID_OUT_BYTES ||
		!/^\s*[[{"\d-]/.test(bytes.toString("latin1", 0, 100))
	)
		return undefined;
	try {
		const value = parseExact(decodeText(bytes));
		return depthOf(value) > MAX_DEPTH ? undefined : { value };
	} catch {
		return undefined;
	}
}

/** An integer of JSON that a double cannot hold, such as many identifiers of 64 bits. */
class LargeInteger {
	readonly digits: string;

	constructor(digits: string) {
		this.digits = digits;
	}

	toJSON(): string {
		return this.digits;
	}
}

/** A number, or a string, which is matched only to skip the digits in it. */
const STRING_OR_NUMBER = /"(?:[^"\\]+|\\.)*"|-?\d[\d.eE+-]*/g;
/** While a text is parsed, an object with only this property represents a large integer. */
const DIGITS = "\u0000digits";

/** As `JSON.parse`, but large integers stay exact. */
function parseExact(text: string): unknown {
	const value: unknown = JSON.parse(text);
	if (!/\d{16}/.test(text)) return value;
	const marked = text.replace(STRING_OR_NUMBER, (token) =>
		/^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? JSON.stringify({ [DIGITS]: token }) : token,
	);
	return JSON.parse(marked, (_key, item: unknown) =>
		isTree(item) && typeof item[DIGITS] === "string" ? new LargeInteger(item[DIGITS]) : item,
	);
}

/** The depth of a JSON value. It is counted level by level, without recursion. */
function depthOf(value: unknown): number {
	let level: unknown[] = [value];
	for (let depth = 0; ; depth++) {
		if (level.length === 0 || depth > MAX_DEPTH) return depth;
		level = level.filter(isTree).flatMap((tree) => Object.values(tree));
	}
}

function formOf(message: Message): Pairs | null {
	if (isTooLarge(message)) return null;
	return formFields(message)?.map(({ name, value }) => [name, toText(value)] as const) ?? null;
}

/** A short text in quotes; the size of any other body; null: missing. */
function bytesText(bytes: Body): string | null {
	if (bytes === null) return null;
	const text = Buffer.isBuffer(bytes) && bytes.length <= 80 ? bytes.toString() : null;
	return text !== null && !/\p{Cc}/u.test(text) ? JSON.stringify(text) : `${bodySize(bytes)} bytes`;
}

function cookiesOf({ headers }: Message): Pairs {
	return headers.getAll("cookie").flatMap(cookiePairs);
}

/** The cookies with their attributes, except the expiry, which depends on the time. */
function setCookiesOf({ headers }: Message): Pairs {
	return headers.getAll("set-cookie").map((cookie) => {
		const [name, value] = cookiePair(cookie);
		return [name, value.replace(/;\s*(?:expires|max-age)=[^;]*/gi, "")] as const;
	});
}
