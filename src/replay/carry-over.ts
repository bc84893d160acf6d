// Carries values over from new responses to later requests. If a recorded request has a cookie or token from a recorded
// response, the new request gets the value from the new response. Values stay with the origin that gave them, except
// for tokens that the recording itself sent elsewhere.

import type { ByteString } from "../flow/bytes.ts";
import { isJsonType, parseMediaType } from "../flow/content-type.ts";
import { type CookieOrigin, cookieScope, cookieScopes } from "../flow/cookie-jar.ts";
import { parseSetCookie } from "../flow/cookies.ts";
import type { HttpFlow } from "../flow/flow.ts";
import type { Message, Request, Response } from "../flow/message.ts";
import { leavesOf } from "../json/leaves.ts";
import { type Encoding, MIN_LENGTH, percentEncoded, Replacements } from "./replacements.ts";

/** Maximum number of remembered values of each kind; the oldest are dropped. */
const MAX_REMEMBERED = 10_000;
/** Largest body that is searched for values, in bytes. */
const MAX_SEARCHED_BYTES = 1024 * 1024;

/**
 * Response headers that are not searched for tokens: they identify nothing, or are cookies, which are handled
 * separately.
 */
const UNSEARCHED_HEADERS = new Set([
	"date",
	"age",
	"expires",
	"last-modified",
	"content-length",
	"server-timing",
	"connection",
	"keep-alive",
	"set-cookie",
]);

/** Fewest characters of a token that may be sent to another origin. */
const MIN_SHARED_LENGTH = 20;
/** Fewest different characters of such a token: placeholders such as `REDACTED`, even repeated, have fewer. */
const MIN_DIFFERENT_CHARACTERS = 10;

/** Request headers that are never changed: the host and the length of the body. */
const UNCHANGED_HEADERS = new Set(["host", "content-length"]);

/** The destination of a request as the client sees it, before rules or scripts change it. */
export interface Destination extends CookieOrigin {
	/** The address that receives the request, if its Host header names another host; otherwise empty. */
	readonly via: string;
}

/** The current destination of a request. */
export function destinationOf({ scheme, host, prettyHost, port, path }: Request): Destination {
	const [address, name] = [host.toLowerCase(), prettyHost.toLowerCase()];
	return { scheme, host: name, port, path, via: address === name ? "" : address };
}

const NONE = new Replacements();

export class CarryOver {
	readonly #correlate: boolean;
	/** The new values of cookies, by scope and recorded `name=value`. */
	readonly #cookies = new Map<string, string>();
	/** The new values of tokens, by origin. */
	readonly #tokens = new Map<string, Replacements>();
	/** Functions that remove a token from `#tokens`, by origin and token. */
	readonly #learned = new Map<string, () => void>();
	/** Tokens that may be sent to another origin if the recording sent them there. */
	readonly #shared = new Replacements();
	/**
	 * For each value that looks like a token, the part of a recorded response that it came from; null: several parts.
	 */
	readonly #sources = new Map<string, { source: string | null; forget: () => void }>();

	/** @param correlate also carry over values of headers and JSON bodies, not only cookies */
	constructor(correlate: boolean) {
		this.#correlate = correlate;
	}

	/**
	 * Compares a recorded response with the new one to the same request, and remembers changed values.
	 * @param from the destination of the new request. A cookie is sent to the hosts that RFC 6265 allows, another value
	 * to this origin. Other origins get a value only if it looks like a token, came from one part only, and the
	 * recording sent it there.
	 */
	learn(recorded: HttpFlow, current: HttpFlow, from: Destination): void {
		if (recorded.response === null || current.response === null) return;
		const before = new Map(cookiesOf(recorded.response).map(({ name, value }) => [name, value]));
		for (const { name, value, header } of cookiesOf(current.response)) {
			const old = before.get(name);
			if (old !== undefined && old !== value)
				remember(this.#cookies, cookieKey(from, cookieScope(header, from), `${name}=${old}`), value);
		}
		if (this.#correlate) this.#learnTokens(recorded.response, current.response, from);
	}

	#learnTokens(recorded: Response, current: Response, from: Destination): void {
		const [origin, page] = [originOf(from), `${originOf(from)} ${from.path.replace(/\?.*/s, "")}`];
		const before = new Map(jsonLeaves(recorded));
		for (const [name, value] of recorded.headers) this.#recordSource(value, `${page} ${name.toLowerCase()}`);
		for (const [pointer, value] of before) this.#recordSource(value, `${page} ${pointer}`);
		for (const [name, value] of current.headers) {
			if (!UNSEARCHED_HEADERS.has(name.toLowerCase())) this.#learnToken(recorded.headers.get(name), value, origin);
		}
		for (const [pointer, value] of jsonLeaves(current)) this.#learnToken(before.get(pointer) ?? null, value, origin);
	}

	/**
	 * Records where a value came from. A value from several parts may have another meaning in each, so it is no longer
	 * shared.
	 */
	#recordSource(value: string, source: string): void {
		if (!looksLikeToken(value)) return;
		const known = this.#sources.get(value);
		const forget = () => this.#shared.delete(value);
		const isAmbiguous = known !== undefined && known.source !== source;
		if (isAmbiguous) forget();
		remember(this.#sources, value, { source: isAmbiguous ? null : source, forget })?.forget();
	}

	#learnToken(old: string | null, value: string, origin: string): void {
		if (old === null || old === value || old.length < MIN_LENGTH) return;
		const tokens = this.#tokens.get(origin) ?? new Replacements();
		this.#tokens.set(origin, tokens);
		tokens.set(old, value);
		if ((this.#sources.get(old)?.source ?? null) !== null) this.#shared.set(old, value);
		remember(this.#learned, `${origin} ${old}`, () => tokens.delete(old))?.();
	}

	/**
	 * Replaces recorded values in a request by the new ones.
	 * @param recordedTo the destination of the recorded request; default: that of this request
	 */
	apply(request: Request, recordedTo?: Destination): void {
		const { headers } = request;
		const to = destinationOf(request);
		const origin = originOf(to);
		const own = this.#tokens.get(origin) ?? NONE;
		// a recorded request proves only that the recording sent its values to the origin of that request
		const shared = recordedTo === undefined || originOf(recordedTo) === origin ? this.#shared : null;
		const replaced = (text: ByteString, encode?: Encoding) => own.apply(text, shared, encode);
		headers.fields = headers.fields.map((part, i) => {
			const name = headers.fields[i - 1]?.toLowerCase() ?? "";
			if (i % 2 === 0 || UNCHANGED_HEADERS.has(name)) return part;
			return name === "cookie" ? this.#inCookie(part, to, replaced) : replaced(part);
		});
		request.path = replaced(request.path, percentEncoded);
		if (this.#correlate) replaceInBody(request, replaced);
	}

	#inCookie(header: string, to: Destination, replaced: (text: ByteString) => ByteString): string {
		const scopes = cookieScopes(to);
		return header
			.split(";")
			.map((pair) => {
				const scope = scopes.find((scope) => this.#cookies.has(cookieKey(to, scope, pair.trim())));
				if (scope === undefined) return replaced(pair);
				return `${pair.slice(0, pair.indexOf("=") + 1)}${this.#cookies.get(cookieKey(to, scope, pair.trim()))}`;
			})
			.join(";");
	}
}

/** Replaces values in the body. A body that cannot be decoded stays as it is. */
function replaceInBody(request: Request, replaced: (text: ByteString, encode?: Encoding) => ByteString): void {
	if ((request.bodySize ?? 0) === 0 || (request.bodySize ?? 0) > MAX_SEARCHED_BYTES) return;
	const text = decodedText(request);
	const changed = replaced(text, encodingOf(request));
	if (changed !== text) request.content = Buffer.from(changed, "latin1");
}

/** The encoding of values in the body; undefined: none. */
function encodingOf({ headers }: Request): Encoding | undefined {
	const { essence } = parseMediaType(headers.get("content-type"));
	if (essence === "application/x-www-form-urlencoded") return percentEncoded;
	return isJsonType(essence) ? (value) => JSON.stringify(value).slice(1, -1) : undefined;
}

function decodedText(request: Request): string {
	try {
		return request.content?.latin1Slice() ?? "";
	} catch {
		return "";
	}
}

/** Whether a value looks random, unlike a placeholder, date, number or sentence. */
function looksLikeToken(value: string): boolean {
	return (
		value.length >= MIN_SHARED_LENGTH &&
		/^[\w.~+/=-]+$/.test(value) &&
		/\d/.test(value) &&
		/[a-z]/i.test(value) &&
		new Set(value).size >= MIN_DIFFERENT_CHARACTERS
	);
}

function originOf({ scheme, host, port, via }: Destination): string {
	return `${scheme}://${host}:${port} ${via}`;
}

function cookieKey({ via }: Destination, scope: string, pair: string): string {
	return `${via} ${scope} ${pair}`;
}

/** Sets an entry as the newest. If there are too many, drops the oldest entry and returns its value. */
function remember<T>(map: Map<string, T>, key: string, value: T): T | undefined {
	map.delete(key);
	map.set(key, value);
	const oldest = map.size > MAX_REMEMBERED ? map.keys().next().value : undefined;
	if (oldest === undefined) return undefined;
	const dropped = map.get(oldest);
	map.delete(oldest);
	return dropped;
}

function cookiesOf({ headers }: Response): { name: string; value: string; header: string }[] {
	return headers.getAll("set-cookie").map((header) => ({ ...parseSetCookie(header), header }));
}

/** The strings and numbers of a JSON body with their JSON pointers. */
function jsonLeaves(message: Message): [pointer: string, value: string][] {
	if (
		(message.bodySize ?? 0) > MAX_SEARCHED_BYTES ||
		!isJsonType(parseMediaType(message.headers.get("content-type")).essence)
	)
		return [];
	try {
		return [...leavesOf(JSON.parse(message.text ?? ""))];
	} catch {
		return [];
	}
}
