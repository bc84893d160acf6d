// Renames hosts in a flow: in its URL, headers, cookies and text bodies. Only whole names count: `api.example.com` is
// not renamed in `xapi.example.com` or `api.example.com.evil`.
import { isUtf8 } from "node:buffer";
import { FlowtapeError } from "../errors.ts";
import { type Body, bodySlices } from "../flow/body.ts";
import { type ByteString, toByteString, toText } from "../flow/bytes.ts";
import { parseMediaType } from "../flow/content-type.ts";
import { type FileBody, openFileSpool } from "../flow/file-spool.ts";
import type { WebSocketData } from "../flow/flow.ts";
import { GrowingBytes } from "../flow/growing-bytes.ts";
import { type Message, Request } from "../flow/message.ts";
import { isUtf8Body } from "../flow/whole-pieces.ts";

/** A host name or IPv4 address. */
const HOST = /^[\w-]+(?:\.[\w-]+)*$/;

/** Bytes that are part of a host name, including those of UTF-8 for internationalized names. */
const NAME = String.raw`\w\x80-\xff-`;

/** A percent sign in a URL. It may itself be encoded, also repeatedly. */
const PERCENT = "%(?:25){0,99}";

/**
 * Matches before a name: at the beginning, or after a character that is not part of a name, a dot that begins a name
 * (cookie domains), or an escaped character in a URL or string. It does not match after `*.`, because a wildcard stands
 * for other names.
 */
const BEFORE = [
	`(?<![${NAME}.])`,
	String.raw`(?<=(?<![${NAME}*])\.)`,
	`(?<=${PERCENT}(?:0[9ad]|2[023678cf]|3[abcdef]|40|5[bcd]|7[bcd]))`,
	String.raw`(?<=\\(?:u00|x)(?:2[267f]|3[acde]|40))`,
].join("|");

/** Matches after a name, unless a character of a name follows, or a dot and such a character. */
const AFTER = String.raw`(?![${NAME}]|\.[${NAME}]|%2e)`;

/** A name without a dot is often a word, so in text it is renamed only in URLs. */
const IN_URL = String.raw`(?<=(?:\/|\\\/|${PERCENT}2f|\\(?:u00|x)2f){2})`;

/** More characters than the pattern looks at before and after a name. */
const AROUND = 512;

/** Fields whose values are opaque. The domain of Set-Cookie is renamed separately. */
const OPAQUE = new Set(["authorization", "proxy-authorization", "cookie", "set-cookie", "etag"]);

/** Fields that consist of a host and an optional port. */
const AUTHORITIES = new Set(["host", ":authority", "x-forwarded-host"]);

const DOMAIN = /(;\s*domain\s*=\s*"?\.?)([\w.-]+)/gi;

/** Media types whose bodies are text. */
const TEXT =
	/^(?:text|multipart)\/|[/+](?:json|xml|yaml)$|javascript|ecmascript|x-www-form-urlencoded|json-?lines?$|ndjson|json-seq|graphql|mpegurl|dash\+xml/;

/** Larger bodies are not searched, and no body becomes larger. Bytes. */
const LIMIT = 512 * 1024 * 1024;

/** Larger bodies without a coding are read in pieces and written to a temporary file. Bytes. */
const LONG_BODY = 8 * 1024 * 1024;

/** Opcode of text messages (RFC 6455 section 5.2). */
const TEXT_MESSAGE = 1;

export class HostRenaming {
	/** The new name and the rule by the old name in lower case. */
	readonly #rules = new Map<string, { name: string; rule: string }>();
	readonly #pattern: RegExp;
	/** How many characters before and after the start of a match the pattern looks at, at most. */
	readonly #reach: number;
	/** The rules that have changed the current flow. */
	readonly #applied = new Set<string>();

	/** @throws FlowtapeError FT_BAD_OPTION */
	constructor(texts: readonly string[]) {
		for (const text of texts) {
			const [old = "", name = "", ...more] = text.split("=");
			if (!HOST.test(old) || !HOST.test(name) || more.length > 0)
				throw new FlowtapeError(
					"FT_BAD_OPTION",
					`expected OLD=NEW with two host names such as api.example.com=localhost, found "${text}"; ports stay as they are`,
					{ option: "rename_host" },
				);
			this.#rules.set(old.toLowerCase(), { name, rule: `rename-host ${text}` });
		}
		const names = [...this.#rules.keys()].sort((a, b) => b.length - a.length);
		const either = (list: string[]) => `(?:${list.map((name) => name.replaceAll(".", "\\.")).join("|")})`;
		const [words, dotted] = [names.filter((name) => !name.includes(".")), names.filter((name) => name.includes("."))];
		const alternatives = [
			...(dotted.length > 0 ? [`(?:${BEFORE})${either(dotted)}`] : []),
			...(words.length > 0 ? [`${IN_URL}${either(words)}`] : []),
		];
		this.#pattern = new RegExp(`(?:${alternatives.join("|")})${AFTER}`, "gi");
		this.#reach = AROUND + Math.max(...names.map(({ length }) => length));
	}

	/**
	 * Renames hosts in the messages of a flow. Returns the rules that have changed it.
	 * @param onError called if a body or a message cannot be searched, or would become too large
	 */
	apply(
		messages: readonly (Message | null)[],
		websocket: WebSocketData | null,
		onError: (error: FlowtapeError) => void,
	): string[] {
		this.#applied.clear();
		for (const message of messages) {
			if (message === null) continue;
			if (message instanceof Request) this.#renameTarget(message);
			this.#renameFields(message);
			attempt(() => this.#renameBody(message), onError);
		}
		for (const message of websocket?.messages ?? []) {
			if (message.opcode !== TEXT_MESSAGE) continue;
			attempt(() => {
				message.content = this.#renameBytes(message.content, LIMIT);
			}, onError);
		}
		return [...this.#applied];
	}

	#renameTarget(request: Request): void {
		request.host = this.#renameHost(request.host);
		request.authority = this.#renameAuthority(request.authority);
		request.path = this.#renameText(request.path);
	}

	#renameFields(message: Message): void {
		for (const headers of [message.headers, message.trailers]) {
			const { fields } = headers ?? { fields: [] };
			for (let i = 1; i < fields.length; i += 2) {
				const name = (fields[i - 1] as ByteString).toLowerCase();
				const value = fields[i] as ByteString;
				fields[i] = AUTHORITIES.has(name)
					? this.#renameAuthority(value)
					: name === "set-cookie"
						? value.replace(DOMAIN, (_, start: string, host: string) => start + this.#renameHost(host))
						: OPAQUE.has(name)
							? value
							: this.#renameText(value);
			}
		}
	}

	#renameBody(message: Message): void {
		if (!message.bodySize) return;
		const { essence } = parseMediaType(message.headers.get("content-type"));
		if (essence !== "" && !TEXT.test(essence)) return;
		if (message.bodySize > LIMIT)
			throw new FlowtapeError("FT_BAD_BODY", `it has ${message.bodySize} bytes, too many to search`);
		const isCoded = message.headers.has("content-encoding");
		const { body } = message;
		if (body !== null && message.bodySize > LONG_BODY && !isCoded) {
			if (essence === "" && !isUtf8Body(body, true)) return;
			const renamed = this.#renameInPieces(body);
			if (renamed !== null) setBody(message, renamed);
			return;
		}
		const { content } = message;
		if (content === null) return;
		// without a media type, the body may be binary
		if (essence === "" && (content.includes(0) || !isUtf8(content))) return;
		// a coded body that became larger could not be decoded again
		const isBounded = isCoded && content.length <= message.decodedLimit;
		const renamed = this.#renameBytes(content, isBounded ? message.decodedLimit : LIMIT);
		if (renamed !== content) message.content = renamed;
	}

	/** @throws FlowtapeError FT_BAD_BODY if the result has more than `limit` bytes */
	#renameBytes(bytes: Buffer, limit: number): Buffer {
		let renamed: GrowingBytes | null = null;
		for (const { text, at, isChanged } of this.#renamedParts(bodySlices(bytes))) {
			if (renamed === null && isChanged) {
				renamed = new GrowingBytes(bytes.length + text.length);
				renamed.append(bytes.subarray(0, at));
			}
			renamed?.append(text);
			if (renamed !== null) checkSize(renamed.length, limit);
		}
		return renamed?.bytes ?? bytes;
	}

	/**
	 * Renames hosts in a large body. Returns the result in a temporary file; null: nothing is renamed.
	 * @throws FlowtapeError FT_BAD_BODY if the result is too large; FT_IO
	 */
	#renameInPieces(body: Exclude<Body, null>): FileBody | null {
		const pieces = () => (Buffer.isBuffer(body) ? bodySlices(body) : body.chunks());
		let isChanged = false;
		for (const part of this.#renamedParts(pieces())) {
			isChanged = part.isChanged;
			if (isChanged) break;
		}
		if (!isChanged) return null;
		const spool = openFileSpool();
		let size = 0;
		try {
			for (const { text } of this.#renamedParts(pieces())) {
				size += text.length;
				checkSize(size, LIMIT);
				spool.write(Buffer.from(text, "latin1"));
			}
		} catch (error) {
			spool.end().close();
			throw error;
		}
		return spool.end();
	}

	/** Renames hosts part by part: many matches in one string would take several times its memory. */
	*#renamedParts(pieces: Iterable<Buffer>): Generator<RenamedPart> {
		let held = "";
		/** The index of the held text in the input, and of the next part in the held text. */
		let [start, from] = [0, 0];
		for (const piece of pieces) {
			held += piece.latin1Slice();
			const end = held.length - this.#reach;
			if (end <= from) continue;
			const { next, ...part } = this.#renamePart(held, from, end);
			yield { ...part, at: start + from };
			const kept = Math.max(next - this.#reach, 0);
			held = held.slice(kept);
			start += kept;
			from = next - kept;
		}
		const { next: _, ...part } = this.#renamePart(held, from, Infinity);
		yield { ...part, at: start + from };
	}

	/** Renames the hosts that begin between two indexes. Returns that part of the text and the index after it. */
	#renamePart(text: ByteString, from: number, end: number): Omit<RenamedPart, "at"> & { next: number } {
		const pattern = this.#pattern;
		let part = "";
		let at = from;
		pattern.lastIndex = from;
		for (let match = pattern.exec(text); match !== null && match.index < end; match = pattern.exec(text)) {
			const [host] = match;
			part += text.slice(at, match.index) + (this.#newName(host) ?? host);
			at = pattern.lastIndex;
		}
		const next = Math.max(at, Math.min(end, text.length));
		part += text.slice(at, next);
		return { text: part, isChanged: part !== text.slice(from, next), next };
	}

	#renameText(text: ByteString): ByteString {
		return text.replace(this.#pattern, (host) => this.#newName(host) ?? host);
	}

	/** Renames a host with an optional port. */
	#renameAuthority(text: ByteString): ByteString {
		return text.replace(/^\s*[^:\s]+/, (host) => toByteString(this.#renameHost(toText(host))));
	}

	#renameHost(host: string): string {
		return this.#newName(host) ?? host;
	}

	/** A dot at the end, which makes a name absolute, stays. */
	#newName(host: string): string | null {
		const dot = host.endsWith(".") ? "." : "";
		const found = this.#rules.get(host.slice(0, host.length - dot.length).toLowerCase());
		if (found === undefined) return null;
		this.#applied.add(found.rule);
		return found.name + dot;
	}
}

/** A part of a text after renaming. */
interface RenamedPart {
	readonly text: ByteString;
	/** Its index in the text before. */
	readonly at: number;
	readonly isChanged: boolean;
}

function setBody(message: Message, body: FileBody): void {
	message.body = body;
	if (!message.headers.has("transfer-encoding")) message.headers.set("content-length", String(body.size));
}

/** @throws FlowtapeError FT_BAD_BODY */
function checkSize(size: number, limit: number): void {
	if (size > limit) throw new FlowtapeError("FT_BAD_BODY", `with the new names it would have more than ${limit} bytes`);
}

/** Passes a FlowtapeError to `onError`. */
function attempt(run: () => void, onError: (error: FlowtapeError) => void): void {
	try {
		run();
	} catch (error) {
		if (!(error instanceof FlowtapeError)) throw error;
		onError(error);
	}
}
