// What a server gave in a new answer where it had given something else when recorded, such as a session: later requests send the new.
import { toByteString } from "../flow/bytes.ts";
import type { HttpFlow } from "../flow/flow.ts";
import type { Message, Request, Response } from "../flow/message.ts";
import { leavesOf } from "../json/leaves.ts";

/** Shorter values are too common to be told from others that are the same by chance. Characters. */
const LEAST_LENGTH = 6;
/** Values that are remembered; the oldest go. */
const REMEMBERED = 10_000;
/** Bodies that are searched for values. Bytes. */
const SEARCHED_BYTES = 1024 * 1024;

/** Headers that differ between any two answers and name nothing. */
const PASSING = new Set(["date", "age", "expires", "last-modified", "content-length", "server-timing", "connection", "keep-alive", "set-cookie"]);

export class CarryOver {
	readonly #correlate: boolean;
	/** `name=value` as recorded → the new value. */
	readonly #cookies = new Map<string, string>();
	readonly #tokens = new Map<string, string>();

	/** @param correlate carry over values of headers and of JSON bodies too, not only cookies */
	constructor(correlate: boolean) {
		this.#correlate = correlate;
	}

	/** Compares a recorded answer with the new one to the same request. */
	learn(recorded: HttpFlow, fresh: HttpFlow): void {
		if (recorded.response === null || fresh.response === null) return;
		const before = cookiesOf(recorded.response);
		for (const [name, value] of cookiesOf(fresh.response)) {
			const old = before.get(name);
			if (old !== undefined && old !== value) remember(this.#cookies, `${name}=${old}`, value);
		}
		if (this.#correlate) this.#learnTokens(recorded.response, fresh.response);
	}

	#learnTokens(recorded: Response, fresh: Response): void {
		for (const [name, value] of fresh.headers) {
			if (!PASSING.has(name.toLowerCase())) this.#learnToken(recorded.headers.get(name), value);
		}
		const before = new Map(jsonLeaves(recorded));
		for (const [pointer, value] of jsonLeaves(fresh)) this.#learnToken(before.get(pointer) ?? null, value);
	}

	#learnToken(old: string | null, value: string): void {
		if (old !== null && old !== value && old.length >= LEAST_LENGTH) remember(this.#tokens, old, value);
	}

	/** Puts what has been learned in the place of what was recorded. */
	apply(request: Request): void {
		const { headers } = request;
		headers.fields = headers.fields.map((part, i) => {
			if (i % 2 === 0) return part;
			const value = headers.fields[i - 1]?.toLowerCase() === "cookie" ? this.#inCookie(part) : part;
			return this.#inText(value);
		});
		if (this.#tokens.size === 0) return;
		request.path = this.#inText(request.path);
		if ((request.bodySize ?? 0) === 0 || (request.bodySize ?? 0) > SEARCHED_BYTES) return;
		const text = request.decodedOrRaw?.latin1Slice() ?? "";
		const changed = this.#inText(text);
		if (changed !== text) request.content = Buffer.from(changed, "latin1");
	}

	#inCookie(header: string): string {
		return header
			.split(";")
			.map((pair) => {
				const value = this.#cookies.get(pair.trim());
				return value === undefined ? pair : `${pair.slice(0, pair.indexOf("=") + 1)}${value}`;
			})
			.join(";");
	}

	#inText(text: string): string {
		let changed = text;
		for (const [old, value] of this.#tokens) {
			const [from, to] = [toByteString(old), toByteString(value)];
			if (changed.includes(from)) changed = changed.replaceAll(from, () => to);
			const escaped = encodeURIComponent(old);
			if (escaped !== old && changed.includes(escaped)) changed = changed.replaceAll(escaped, () => encodeURIComponent(value));
		}
		return changed;
	}
}

function remember(map: Map<string, string>, key: string, value: string): void {
	map.delete(key);
	map.set(key, value);
	if (map.size > REMEMBERED) map.delete(map.keys().next().value as string);
}

function cookiesOf({ headers }: Response): Map<string, string> {
	const cookies = new Map<string, string>();
	for (const header of headers.getAll("set-cookie")) {
		const match = /^\s*([^=;]+)=([^;]*)/.exec(header);
		if (match !== null) cookies.set((match[1] as string).trim(), (match[2] as string).trim());
	}
	return cookies;
}

/** The strings and numbers of a JSON body, by their JSON pointers. */
function jsonLeaves(message: Message): [pointer: string, value: string][] {
	if ((message.bodySize ?? 0) > SEARCHED_BYTES || !/[/+]json\b/i.test(message.headers.get("content-type") ?? "")) return [];
	try {
		return [...leavesOf(JSON.parse(message.text ?? ""))];
	} catch {
		return [];
	}
}
