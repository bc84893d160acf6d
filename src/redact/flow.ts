// Redacts a flow: heads, bodies, trailers, messages, connections and notes.
import { createHash } from "node:crypto";
import { FlowtapeError } from "../errors.ts";
import { bodyChunks, inflatesTooMuch } from "../flow/body.ts";
import { type ByteString, toByteString, toText } from "../flow/bytes.ts";
import { charsetOf, decodeContent, isUtf16 } from "../flow/charset.ts";
import type { Address } from "../flow/connection.ts";
import { cookiePair } from "../flow/cookies.ts";
import { openFileSpool } from "../flow/file-spool.ts";
import { extensibleParts, type Flow } from "../flow/flow.ts";
import type { Headers } from "../flow/headers.ts";
import { isLoopback } from "../flow/loopback.ts";
import type { Message, Request, Response } from "../flow/message.ts";
import { isDictionary, type MetaValue } from "../flow/metadata.ts";
import { RecentMap } from "../flow/recent-map.ts";
import { SESSION_LIMIT } from "../flow/session.ts";
import { fitChunkTimes } from "./chunk-times.ts";
import { redactContent } from "./content.ts";
import { detached } from "./detached.ts";
import { headerKind, isHarmlessCookie, type SecretKind, secretKind } from "./names.ts";
import { notationsOf } from "./notations.ts";
import type { Redaction } from "./redaction.ts";
import { isMacField, redactAuthorization, redactChallenge, redactMac } from "./schemes.ts";
import { BodyStream } from "./stream.ts";
import { percentBytes, redactPath, redactUrl } from "./url.ts";

/** Redacts a request in place: its path and body, and its headers and trailers unless `headers` is false. */
export function redactRequest(request: Request, redaction: Redaction, headers = true): void {
	new FlowReader(redaction, () => {}).readRequest(request, "request", headers);
}

/** Called with a message about each body that cannot be read and was therefore removed. */
export type LossReporter = (message: string) => void;

const AUTHORIZATION = /^(?:proxy-)?authorization$|^x-.*-authorization$/;
/** What stands before a coded token: of AppSync, and of Kubernetes. */
const PROTOCOL_HEAD = /^(?:header-|base64url\.bearer\.authorization\.k8s\.io\.)/;
const CHALLENGE = /^(?:www|proxy)-authenticate$/;
/** The metadata with the arrival times of the response's chunks. */
const CHUNK_TIMES = "response_chunks";

const URLS = new Set(["location", "content-location", "referer", "link", "refresh", "origin"]);

/** The value of a cookie as it stands elsewhere, such as in X-CSRF-Token: without its percent encoding. */
function decodedCookie(value: ByteString): ByteString {
	if (!value.includes("%")) return value;
	const decoded = percentBytes(value);
	return notationsOf(decoded).some(({ text }) => text === value) ? decoded : value;
}

/** How a header is redacted; an object: the whole value is a secret. */
type HeaderWay =
	| "cookie"
	| "set-cookie"
	| "authorization"
	| "challenge"
	| "protocols"
	| "mac"
	| "url"
	| "text"
	| { readonly kind: SecretKind };

const ways = new RecentMap<string, HeaderWay>(1024);

/** @param name in lower case */
function wayOf(name: ByteString): HeaderWay {
	let way = ways.get(name);
	if (way === undefined) {
		way = findWay(name);
		ways.set(detached(name), way);
	}
	return way;
}

function findWay(name: ByteString): HeaderWay {
	if (name === "cookie" || name === "set-cookie") return name;
	if (AUTHORIZATION.test(name)) return "authorization";
	if (CHALLENGE.test(name)) return "challenge";
	if (name === "sec-websocket-protocol") return "protocols";
	if (isMacField(name)) return "mac";
	const kind = headerKind(name);
	if (kind !== null) return { kind };
	return URLS.has(name) ? "url" : "text";
}

/**
 * Redacts a flow in place. Returns whether it changed.
 * @param onLoss null: only read the flow; the handler of the redaction must return each secret as it is
 */
export function redactFlow(flow: Flow, redaction: Redaction, onLoss: LossReporter | null): boolean {
	const reader = new FlowReader(redaction, onLoss);
	reader.read(flow);
	if (reader.isChanged) flow.record = undefined;
	return reader.isChanged;
}

/** Redacts messages in place. Returns whether one changed. */
export function redactMessages(messages: readonly { content: Buffer }[], redaction: Redaction): boolean {
	const reader = new FlowReader(redaction, () => {});
	reader.readMessages(messages, "message");
	return reader.isChanged;
}

class FlowReader {
	isChanged = false;
	readonly #redaction: Redaction;
	readonly #onLoss: LossReporter | null;

	constructor(redaction: Redaction, onLoss: LossReporter | null) {
		this.#redaction = redaction;
		this.#onLoss = onLoss;
	}

	read(flow: Flow): void {
		if (flow.type === "http") {
			if (flow.original !== null) this.readRequest(flow.original, "original request");
			this.readRequest(flow.request, "request");
			if (flow.response !== null) this.#answer(flow, flow.response);
			if (flow.websocket !== null) this.readMessages(flow.websocket.messages, "WebSocket message");
			if (flow.websocket?.closeReason) this.#text(flow.websocket, "closeReason", "close reason");
		} else if (flow.type === "tcp" || flow.type === "udp") this.readMessages(flow.messages, "message");
		this.#rest(flow);
	}

	/** Assigns a text if it is another one. */
	#set<K extends string>(target: { [key in K]: ByteString }, key: K, value: ByteString): void {
		if (target[key] === value) return;
		target[key] = value as (typeof target)[K];
		this.isChanged = true;
	}

	#text<K extends string>(target: { [key in K]: string | null }, key: K, part: string): void {
		this.#redaction.part = part;
		const old = toByteString(target[key] ?? "");
		const redacted = this.#redaction.text(old, "text", "", true);
		if (redacted === old) return;
		target[key] = toText(redacted) as (typeof target)[K];
		this.isChanged = true;
	}

	readRequest(request: Request, part: string, headers = true): void {
		this.#redaction.part = part;
		this.#set(request, "path", redactPath(request.path, this.#redaction));
		this.#redaction.onText?.(request.path);
		this.#message(request, part, headers);
	}

	#answer(flow: Flow, response: Response): void {
		const { bodySize: before } = response;
		this.#response(response);
		const { bodySize: size } = response;
		const times = size === before || size === null || !flow.hasMetadata ? undefined : flow.metadata[CHUNK_TIMES];
		if (times !== undefined) flow.metadata = { ...flow.metadata, [CHUNK_TIMES]: fitChunkTimes(times, size ?? 0) };
	}

	#response(response: Response): void {
		this.#redaction.part = "response";
		if (response.reason !== "") this.#set(response, "reason", this.#redaction.text(response.reason, "text", "reason"));
		this.#message(response, "response");
	}

	#message(message: Message, part: string, headers = true): void {
		this.#redaction.part = part;
		if (headers) this.#headers(message.headers);
		if (headers && message.trailers !== null) this.#headers(message.trailers);
		this.#redaction.part = `${part} body`;
		if (message.bodySize) this.#body(message);
	}

	#headers(headers: Headers): void {
		const { fields } = headers;
		for (let i = 0; i < fields.length; i += 2) {
			const name = (fields[i] as ByteString).toLowerCase();
			const value = fields[i + 1] as ByteString;
			const redacted = value === "" ? value : this.#header(name, value);
			this.#redaction.onText?.(redacted);
			if (redacted === value) continue;
			fields[i + 1] = redacted;
			this.isChanged = true;
		}
	}

	#header(name: string, value: ByteString): ByteString {
		const redaction = this.#redaction;
		const { rules } = redaction;
		if (rules.headers?.(name)) return redaction.secret(value, "header", "own.header", "header", name);
		const way = wayOf(name);
		if (way === "text") return value.length < 8 ? value : redaction.text(value, "header", name);
		if (way === "cookie") return redaction.known.replace(this.#cookies(value));
		if (way === "set-cookie") return redaction.known.replace(this.#setCookie(value));
		if (way === "authorization") return redactAuthorization(value, redaction.replacer("header", name), rules.pii);
		if (way === "challenge") return redactChallenge(value, redaction.replacer("header", name));
		if (way === "protocols") return redaction.text(this.#protocols(value), "header", name);
		if (way === "mac") return redactMac(value, redaction.replacer("header", name));
		if (way === "url") return this.#urlHeader(name, value);
		return redaction.secret(value, way.kind, `header.${way.kind}`, "header", name);
	}

	/** Browsers can send a token with a WebSocket only as the name of a protocol. */
	#protocols(value: ByteString): ByteString {
		return value.replace(/[^,\s]+/g, (item) => {
			const head = PROTOCOL_HEAD.exec(item)?.[0] ?? "";
			const redaction = this.#redaction;
			return head + redaction.nested(item.slice(head.length), redaction, "header", "sec-websocket-protocol", 0);
		});
	}

	#urlHeader(name: string, value: ByteString): ByteString {
		const { part } = this.#redaction;
		this.#redaction.part = `${part} header ${name}`;
		const redacted = this.#urls(name, value);
		this.#redaction.part = part;
		return this.#redaction.known.replace(redacted);
	}

	/** A URL, or with `link` and `refresh` a URL among parameters. */
	#urls(name: string, value: ByteString): ByteString {
		if (name === "link") return value.replace(/<([^>]*)>/g, (_whole, url) => `<${redactUrl(url, this.#redaction)}>`);
		if (name === "refresh")
			return value.replace(/(url=['"]?)([^'"]*)/i, (_whole, before, url) => before + redactUrl(url, this.#redaction));
		return redactUrl(value, this.#redaction);
	}

	#cookies(header: ByteString): ByteString {
		return header.replace(/[^;]+/g, (pair) => this.#cookie(pair));
	}

	/** The attributes stay. */
	#setCookie(header: ByteString): ByteString {
		const end = header.indexOf(";");
		return end < 0 ? this.#cookie(header) : this.#cookie(header.slice(0, end)) + header.slice(end);
	}

	/** `name=value`; a quoted value stays quoted. */
	#cookie(pair: ByteString): ByteString {
		const [name, text] = cookiePair(pair);
		const value = /^"([\s\S]*)"$/.exec(text)?.[1] ?? text;
		if (value === "") return pair;
		const own = this.#redaction.rules.cookies?.(name) === true;
		const kind = secretKind(name);
		if (!own && kind === null && isHarmlessCookie(value)) return pair;
		const rule = own ? "own.cookie" : kind === null ? "cookie" : `name.${kind}`;
		const confidence = own || kind !== null ? "high" : "medium";
		const secret = decodedCookie(value);
		const replaced = this.#redaction.secret(secret, kind ?? "cookie", rule, "cookie", name, confidence);
		if (replaced === secret) return pair;
		const at = pair.lastIndexOf(value);
		return pair.slice(0, at) + replaced + pair.slice(at + value.length);
	}

	#body(message: Message): void {
		try {
			if (!this.#smallBody(message)) this.#largeBody(message);
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			if (this.#onLoss === null || this.#redaction.rules.keeps("undecodable", "body")) return;
			this.#onLoss(`the ${this.#redaction.part} was removed, because it cannot be searched: ${error.message}`);
			message.body = null;
			this.isChanged = true;
		}
	}

	/** Redacts a body in memory. Returns false if it is too large for that. */
	#smallBody(message: Message): boolean {
		if ((message.bodySize ?? 0) > message.decodedLimit) return false;
		const { headers, body } = message;
		const contentType = headers.get("content-type");
		const { clean, known, found } = this.#redaction;
		const key = Buffer.isBuffer(body) ? clean.keyOf(body, headers.get("content-encoding"), contentType) : null;
		const equal = key === null ? null : clean.textOf(key, body as Buffer, known.size);
		if (equal !== null) {
			this.#redaction.onText?.(equal);
			return true;
		}
		let content: Buffer;
		try {
			content = message.content ?? Buffer.alloc(0);
		} catch (error) {
			if (inflatesTooMuch(error)) return false;
			throw error;
		}
		if (content.length === 0) return true;
		const charset = charsetOf(content, contentType);
		if (charset !== null && isUtf16(charset)) {
			const text = toByteString(decodeContent(content, contentType));
			const redacted = redactContent(text, contentType, this.#redaction);
			this.#redaction.onText?.(redacted);
			if (redacted === text) return true;
			message.text = toText(redacted);
		} else {
			const text = content.latin1Slice();
			const redacted = redactContent(text, contentType, this.#redaction);
			this.#redaction.onText?.(redacted);
			if (redacted === text) {
				if (key !== null && this.#redaction.found === found) clean.add(key, body as Buffer, known.size, text);
				return true;
			}
			message.content = Buffer.from(redacted, "latin1");
		}
		this.isChanged = true;
		correctDigests(message);
		return true;
	}

	/** Redacts a body in pieces. The new one is in a temporary file. */
	#largeBody(message: Message): void {
		const { headers, body } = message;
		const spool = this.#onLoss === null ? null : openFileSpool();
		const stream = new BodyStream(headers, this.#redaction.part, this.#redaction, (piece) => spool?.write(piece));
		for (const chunk of bodyChunks(body)) stream.write(chunk);
		stream.end();
		const redacted = spool?.end() ?? null;
		if (!stream.isChanged) {
			redacted?.close();
			return;
		}
		message.body = redacted;
		correctLength(message);
		this.isChanged = true;
	}

	readMessages(messages: readonly { content: Buffer }[], part: string): void {
		this.#redaction.part = part;
		for (const message of messages) {
			const text = message.content.latin1Slice();
			const redacted = redactContent(text, null, this.#redaction);
			this.#redaction.onText?.(redacted);
			if (redacted === text) continue;
			message.content = Buffer.from(redacted, "latin1");
			this.isChanged = true;
		}
	}

	#rest(flow: Flow): void {
		if (flow.session !== null) {
			this.#redaction.part = "session";
			const name = toByteString(flow.session);
			const redacted = toText(this.#redaction.secret(name, "session", "session", "text", ""));
			this.#set(flow as { session: string }, "session", redacted.slice(0, SESSION_LIMIT));
		}
		if (flow.hasMetadata) this.#metadata(flow);
		if (flow.error !== null) this.#text(flow.error, "message", "error");
		if (flow.comment !== "") this.#text(flow, "comment", "comment");
		if (flow.marked !== "") this.#text(flow, "marked", "mark");
		if (this.#onLoss === null) return;
		this.#connections(flow);
		// these may hold the state before a change, or anything else
		if (flow.backup !== null) {
			flow.backup = null;
			this.isChanged = true;
		}
		for (const part of extensibleParts(flow)) {
			if (part?.extra === undefined) continue;
			part.extra = undefined;
			this.isChanged = true;
		}
	}

	/** Texts of scripts and other tools. The credentials that mitmproxy notes go. */
	#metadata(flow: Flow): void {
		const all = Object.entries(flow.metadata);
		const kept = this.#onLoss === null ? all : all.filter(([name]) => name !== "proxyauth");
		const redacted = kept.map(([name, value]) => [name, this.#metaValue(value, `metadata ${name}`, name)] as const);
		if (kept.length < all.length || redacted.some(([, value], i) => value !== kept[i]?.[1])) {
			flow.metadata = Object.fromEntries(redacted);
			this.isChanged = true;
		}
	}

	/** @param name of the member that the value belongs to */
	#metaValue(value: MetaValue, part: string, name: string): MetaValue {
		this.#redaction.part = part;
		if (typeof value === "string") {
			const old = toByteString(value);
			const redacted = this.#metaText(old, name);
			return redacted === old ? value : toText(redacted);
		}
		if (Array.isArray(value)) {
			const items = value.map((item) => this.#metaValue(item, part, name));
			return items.some((item, i) => item !== value[i]) ? items : value;
		}
		if (!isDictionary(value)) return value;
		const entries = Object.entries(value).map(([key, item]) => [key, this.#metaValue(item, part, key)] as const);
		return entries.some(([key, item]) => item !== value[key]) ? Object.fromEntries(entries) : value;
	}

	#metaText(text: ByteString, name: string): ByteString {
		const kind = secretKind(name);
		const named = kind === null ? null : this.#redaction.named(text, kind, "text", name);
		if (named !== null) return named;
		return WHOLE_URL.test(text) ? redactUrl(text, this.#redaction) : redactContent(text, null, this.#redaction);
	}

	/**
	 * Client addresses and client certificates are about people. Other flows may share the connections, so they are
	 * replaced.
	 */
	#connections(flow: Flow): void {
		const { clientConn, serverConn } = flow;
		const { peername, proxyMode, certificateList, extra } = clientConn;
		const isPrivate = peername !== null && !isLoopback(peername[0]) && peername[0] !== NO_ADDRESS;
		// the URL of an upstream proxy can have a password
		const mode = { proxyMode };
		if (proxyMode.includes("://")) this.#text(mode, "proxyMode", "proxy mode");
		if (isPrivate || mode.proxyMode !== proxyMode || certificateList.length > 0 || extra !== undefined) {
			flow.clientConn = {
				...clientConn,
				...mode,
				peername: isPrivate ? ([NO_ADDRESS, ...peername.slice(1)] as unknown as Address) : peername,
				certificateList: [],
				extra: undefined,
			};
			this.isChanged = true;
		}
		if (serverConn.extra !== undefined) {
			flow.serverConn = { ...serverConn, extra: undefined };
			this.isChanged = true;
		}
	}
}

/** A text that is a URL. */
const WHOLE_URL = /^[a-z][a-z\d+.-]{0,20}:\/\/\S*$/i;

const NO_ADDRESS = "0.0.0.0";

/** The algorithms of `Digest` and `Content-Digest` (RFC 9530, RFC 3230) and Node's names for them. */
const ALGORITHMS = new Map([
	["sha-256", "sha256"],
	["sha-512", "sha512"],
	["sha", "sha1"],
	["sha-1", "sha1"],
	["md5", "md5"],
]);

/** Corrects the headers of a message after its body was changed: the length and the digests. */
function correctLength(message: Message): void {
	const { headers, bodySize } = message;
	if (!headers.has("transfer-encoding")) headers.set("content-length", String(bodySize ?? 0));
	correctDigests(message);
}

/** Computes the digests of a changed body anew. */
function correctDigests({ headers, body }: Message): void {
	const digest = (name: string) => {
		const hash = createHash(name);
		for (const chunk of bodyChunks(body)) hash.update(chunk);
		return hash.digest("base64");
	};
	if (headers.has("content-md5")) headers.set("content-md5", digest("md5"));
	for (const name of ["digest", "content-digest", "repr-digest"]) {
		const value = headers.get(name);
		if (value === null) continue;
		headers.set(
			name,
			value.replace(/([\w-]+)=(:?)[A-Za-z0-9+/]+={0,2}(:?)/g, (whole, label: string, open, close) => {
				const algorithm = ALGORITHMS.get(label.toLowerCase());
				return algorithm === undefined ? whole : `${label}=${open}${digest(algorithm)}${close}`;
			}),
		);
	}
}
