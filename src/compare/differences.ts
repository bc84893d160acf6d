// What tells two recordings of an exchange apart: part by part, down to a header, a query field or a place in a JSON body.
import { toText } from "../flow/bytes.ts";
import { endOf } from "../flow/ending.ts";
import type { HttpFlow } from "../flow/flow.ts";
import { formFields } from "../flow/form.ts";
import type { Message, Request, Response } from "../flow/message.ts";
import { parseQuery, splitPath } from "../flow/url.ts";
import { pointerPart } from "../json/leaves.ts";
import type { IsIgnored, NamedPart } from "./ignore.ts";

export interface Difference {
	readonly side: "request" | "response";
	/** `status`, `error`, `body` and the like have no name. */
	readonly part: NamedPart | "method" | "scheme" | "host" | "port" | "path" | "status" | "ended" | "error" | "body" | "trailer";
	/** Name of a field, JSON pointer (RFC 6901); null where there is none. */
	readonly name: string | null;
	/** null: it was, or is, not there. */
	readonly before: string | null;
	readonly after: string | null;
}

/** Larger bodies are compared as bytes, and shown by their size. */
const LAID_OUT_BYTES = 8 * 1024 * 1024;

/** @param ignored parts that are meant to vary */
export function flowDifferences(before: HttpFlow, after: HttpFlow, ignored: IsIgnored): Difference[] {
	return [...requestDifferences(before.request, after.request, ignored), ...responseDifferences(before, after, ignored)];
}

export function requestDifferences(before: Request, after: Request, ignored: IsIgnored): Difference[] {
	const found = new Findings("request", ignored);
	for (const part of ["method", "scheme", "host", "port"] as const) found.plain(part, String(before[part]), String(after[part]));
	const [old, fresh] = [splitPath(toText(before.path)), splitPath(toText(after.path))];
	found.plain("path", old.path, fresh.path);
	found.named("query", parseQuery(old.query), parseQuery(fresh.query));
	found.named("cookie", cookiesOf(before), cookiesOf(after));
	found.message(before, after, "cookie");
	return found.list;
}

function responseDifferences(before: HttpFlow, after: HttpFlow, ignored: IsIgnored): Difference[] {
	const found = new Findings("response", ignored);
	found.ends(before, after);
	found.plain("status", statusOf(before.response), statusOf(after.response));
	if (before.response === null || after.response === null) return found.list;
	found.named("cookie", setCookiesOf(before.response), setCookiesOf(after.response));
	found.message(before.response, after.response, "set-cookie");
	return found.list;
}

/**
 * How a new answer differs from the recorded one. Of an answer that was not whole when it was recorded, what the new one has beyond it is no
 * difference, and where its client left it, neither is the new one's end.
 */
export function answerDifferences(before: HttpFlow, after: HttpFlow, ignored: IsIgnored): Difference[] {
	const found = responseDifferences(before, after, ignored);
	const end = endOf(before);
	if (end === null || end === "server" || endOf(after) === null) return found;
	const goesOn = isContinued(before.response?.decodedOrRaw ?? EMPTY, after.response?.decodedOrRaw ?? EMPTY);
	const isOfBody = ({ part }: Difference) => part === "body" || part === "json" || part === "form";
	return found.filter((difference) => !(isOfBody(difference) && goesOn) && !(end === "client" && difference.part === "ended"));
}

const EMPTY: Buffer = Buffer.alloc(0);

/** Whether one of two bodies goes on where the other breaks off. */
function isContinued(a: Buffer, b: Buffer): boolean {
	const size = Math.min(a.length, b.length);
	return a.subarray(0, size).equals(b.subarray(0, size));
}

function statusOf(response: Response | null): string | null {
	return response === null ? null : String(response.statusCode);
}

type Pairs = readonly (readonly [name: string, value: string])[];

class Findings {
	readonly list: Difference[] = [];
	readonly #side: Difference["side"];
	readonly #ignored: IsIgnored;

	constructor(side: Difference["side"], ignored: IsIgnored) {
		this.#side = side;
		this.#ignored = ignored;
	}

	plain(part: Difference["part"], before: string | null, after: string | null, name: string | null = null): void {
		if (before !== after) this.list.push({ side: this.#side, part, name, before, after });
	}

	/** In words of the error only where there was no response: else they vary with what the network makes of the same end. */
	ends(before: HttpFlow, after: HttpFlow): void {
		const [was, is] = [endOf(before), endOf(after)];
		if (was !== null && is !== null) this.plain("ended", was, is);
		else this.plain("error", before.error?.message ?? null, after.error?.message ?? null);
	}

	/** By name; the values of one name in their order. */
	named(part: NamedPart, before: Pairs, after: Pairs): void {
		const [old, fresh] = [grouped(before), grouped(after)];
		for (const name of new Set([...old.keys(), ...fresh.keys()])) {
			if (!this.#ignored(part, name)) this.plain(part, old.get(name)?.join(", ") ?? null, fresh.get(name)?.join(", ") ?? null, name);
		}
	}

	/** Headers, but for the one that is compared as cookies; trailers; and the body by what it is. */
	message(before: Message, after: Message, cookies: string): void {
		const fields = (message: Message) => [...message.headers].map(([name, value]) => [name.toLowerCase(), value] as const).filter(([name]) => name !== cookies);
		this.named("header", fields(before), fields(after));
		this.plain("trailer", before.trailers?.block() ?? null, after.trailers?.block() ?? null);
		this.#body(before, after);
	}

	#body(before: Message, after: Message): void {
		const [old, fresh] = [before.decodedOrRaw, after.decodedOrRaw];
		if (old === fresh || (old !== null && fresh !== null && old.equals(fresh))) return;
		const [oldJson, freshJson] = [jsonOf(old), jsonOf(fresh)];
		if (oldJson !== undefined && freshJson !== undefined) {
			this.#json("", oldJson.value, freshJson.value);
			return;
		}
		const [oldForm, freshForm] = [formOf(before), formOf(after)];
		if (oldForm !== null && freshForm !== null) this.named("form", oldForm, freshForm);
		else this.plain("body", shown(old), shown(fresh));
	}

	#json(pointer: string, before: unknown, after: unknown): void {
		if (pointer !== "" && this.#ignored("json", pointer)) return;
		if (isTree(before) && isTree(after) && Array.isArray(before) === Array.isArray(after)) {
			for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) this.#json(`${pointer}/${pointerPart(key)}`, before[key], after[key]);
		} else this.plain("json", words(before), words(after), pointer);
	}
}

function isTree(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null;
}

function words(value: unknown): string | null {
	return value === undefined ? null : JSON.stringify(value);
}

function grouped(pairs: Pairs): Map<string, string[]> {
	const groups = new Map<string, string[]>();
	for (const [name, value] of pairs) groups.set(name, [...(groups.get(name) ?? []), value]);
	return groups;
}

/** Deeper values would not end well. */
const DEEPEST = 1000;

function jsonOf(bytes: Buffer | null): { value: unknown } | undefined {
	if (bytes === null || bytes.length > LAID_OUT_BYTES || !/^\s*[[{"\d-]/.test(bytes.toString("latin1", 0, 100))) return undefined;
	try {
		const value: unknown = JSON.parse(bytes.toString());
		return depthOf(value) > DEEPEST ? undefined : { value };
	} catch {
		return undefined;
	}
}

/** Counted level by level, without a call for each. */
function depthOf(value: unknown): number {
	let level: unknown[] = [value];
	for (let depth = 0; ; depth++) {
		if (level.length === 0 || depth > DEEPEST) return depth;
		level = level.filter(isTree).flatMap((tree) => Object.values(tree));
	}
}

function formOf(message: Message): Pairs | null {
	return formFields(message)?.map(({ name, value }) => [name, toText(value)] as const) ?? null;
}

/** A short text as it is, anything else by its size. */
function shown(bytes: Buffer | null): string | null {
	if (bytes === null) return null;
	const text = bytes.toString();
	return bytes.length <= 80 && !/\p{Cc}/u.test(text) ? JSON.stringify(text) : `${bytes.length} bytes`;
}

function cookiesOf({ headers }: Message): Pairs {
	return headers
		.getAll("cookie")
		.flatMap((value) => value.split(";"))
		.map((pair) => pair.trim().split(/=(.*)/s))
		.filter(([name]) => name !== "")
		.map(([name = "", value = ""]) => [name, value] as const);
}

/** With their attributes, but for the expiry, which moves with the time. */
function setCookiesOf({ headers }: Message): Pairs {
	return headers.getAll("set-cookie").map((cookie) => {
		const [name = "", value = ""] = cookie.split(/=(.*)/s);
		return [name.trim(), value.replace(/;\s*(?:expires|max-age)=[^;]*/gi, "")] as const;
	});
}
