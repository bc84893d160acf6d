// What all parts of a redaction share: the rules, the known secrets, and the place that is being read.
import type { ByteString } from "../flow/bytes.ts";
import { CleanBodies } from "./clean-bodies.ts";
import { isRedactedJwt } from "./jwt.ts";
import type { KnownSecrets } from "./known-secrets.ts";
import { isPlainValue, type SecretKind } from "./names.ts";
import { isPersonalValue, personalKind } from "./personal-names.ts";
import { findPii } from "./pii.ts";
import { isPlaceholder, placeholderSpans } from "./placeholders.ts";
import type { RedactionRules } from "./rules.ts";
import type { Replace } from "./schemes.ts";
import type { SecretHandler } from "./secret.ts";
import type { Confidence, Span } from "./span.ts";
import { findInText, hasAnchor } from "./text.ts";

/** The kind of a place; with its name it selects the place for `--redact-keep`, such as `header:x-api-key`. */
export type PlaceKind = "header" | "cookie" | "query" | "form" | "json" | "markup" | "path" | "text";

/** The name of a place, or a function that makes it when it is needed. */
export type PlaceName = string | (() => string);

export function placeNameOf(name: PlaceName): string {
	return typeof name === "string" ? name : name();
}

/** `text.slice(from, to)` of a text. */
export interface Part {
	readonly from: number;
	readonly to: number;
}

/** Longer texts are searched as bytes at once. */
const SHORT_TEXT = 256;

const NO_SPANS: readonly Span[] = [];

/** A replacement of a part. */
export interface TextEdit extends Part {
	readonly text: ByteString;
}

/**
 * Redacts a decoded value that may be coded text itself, such as JSON in a JSON string, and returns it decoded.
 * @param depth the number of codings around it
 * @param isSearched whether its text has been searched for formats
 */
export type NestedReader = (
	value: ByteString,
	redaction: Redaction,
	place: PlaceKind,
	name: PlaceName,
	depth: number,
	isSearched?: boolean,
) => ByteString;

export class Redaction {
	readonly rules: RedactionRules;
	readonly known: KnownSecrets;
	/** Reads coded values; URLs and JSON hold them and are such values themselves. */
	readonly nested: NestedReader;
	readonly #handle: SecretHandler;
	readonly #takesPlaceholders: boolean;
	/** The part of the flow that is being read, such as `request` or `response body`. */
	part = "";
	/** Number of secrets that were found so far. */
	found = 0;
	/** The bodies in which none was found. */
	readonly clean = new CleanBodies();
	/** Called with each text of a flow, as it was left. */
	onText: ((text: ByteString) => void) | null = null;

	/** @param takesPlaceholders whether placeholders count as secrets; default: no */
	constructor(
		rules: RedactionRules,
		known: KnownSecrets,
		nested: NestedReader,
		handle: SecretHandler,
		{ takesPlaceholders = false } = {},
	) {
		this.rules = rules;
		this.known = known;
		this.nested = nested;
		this.#handle = handle;
		this.#takesPlaceholders = takesPlaceholders;
	}

	/** The replacement of a secret; the value itself if it is a placeholder, or if the rules keep it. */
	secret(
		value: ByteString,
		kind: string,
		rule: string,
		place: PlaceKind,
		placeName: PlaceName,
		confidence: Confidence = "high",
		isHex = false,
	): ByteString {
		if (value === "") return value;
		if (!this.#takesPlaceholders && (isPlaceholder(value) || isRedactedJwt(value))) return value;
		const name = placeNameOf(placeName);
		if (this.rules.keeps(rule, `${place}:${name}`)) return value;
		this.found++;
		const where = place === "json" || place === "text" || place === "path" ? name : `${place} ${name}`;
		return this.#handle({
			value,
			kind,
			rule,
			confidence,
			isHex,
			place: where === "" ? this.part : `${this.part} ${where}`,
		});
	}

	/** As `secret`, for the functions of schemes.ts. */
	replacer(place: PlaceKind, name: string): Replace {
		return (value, kind, rule, isHex) => this.secret(value, kind, rule, place, name, "high", isHex);
	}

	/** The replacement of a value under a name that means a secret of this kind; null: it is not a secret. */
	named(value: ByteString, kind: SecretKind, place: PlaceKind, name: PlaceName): ByteString | null {
		return isPlainValue(value, kind) ? null : this.secret(value, kind, `name.${kind}`, place, name);
	}

	/** The replacement of a value under a name that means personal data; null: it is not, or all is kept. */
	personal(value: ByteString, name: string, place: PlaceKind, placeName: PlaceName = name): ByteString | null {
		const kind = this.rules.pii ? personalKind(name) : null;
		if (kind === null || !isPersonalValue(value, kind)) return null;
		return this.secret(value, kind, kind, place, placeName);
	}

	/** Replaces what looks like a secret in a text, and the known secrets. `free`: also `name = value`. */
	text(text: ByteString, place: PlaceKind, name: PlaceName, free = false): ByteString {
		return this.known.replace(applyEdits(text, this.textEdits(text, place, name, free)));
	}

	/**
	 * The replacements in a text, in order; known secrets are not among them.
	 * @param done the parts that were searched by other means, in order
	 */
	textEdits(text: ByteString, place: PlaceKind, name: PlaceName, free = false, done: readonly Part[] = []): TextEdit[] {
		return this.spanEdits(text, outside(this.textSpans(text, free), done), place, name);
	}

	/** The parts of a text that look like a secret, in order. */
	textSpans(text: ByteString, free: boolean): readonly Span[] {
		const { pii, strict, bodyPatterns } = this.rules;
		const isPlain = !pii && !strict && bodyPatterns.length === 0 && !this.#takesPlaceholders;
		// most short texts have nothing to look at
		if (isPlain && text.length <= SHORT_TEXT && !hasAnchor(text, free)) return NO_SPANS;
		const bytes = bytesOf(text);
		const spans = findInText(bytes, { free, strict });
		const all = pii ? merged(spans, findPii(bytes)) : spans;
		const placeholders = this.#takesPlaceholders ? placeholderSpans(text) : [];
		const own = [...bodyPatterns.flatMap((pattern) => pattern.find(text)), ...placeholders].sort(byStart);
		return own.length > 0 ? merged(own, all) : all;
	}

	/** The replacements of parts of a text. */
	spanEdits(text: ByteString, spans: readonly Span[], place: PlaceKind, name: PlaceName): TextEdit[] {
		const edits: TextEdit[] = [];
		for (const { from, to, kind, rule, confidence } of spans) {
			const value = text.slice(from, to);
			const replacement = this.secret(value, kind, rule, place, name, confidence);
			if (replacement !== value) edits.push({ from, to, text: replacement });
		}
		return edits;
	}
}

/** Memory for the bytes of a text while they are searched. */
let scratch = Buffer.allocUnsafeSlow(64 * 1024);
const LARGEST_SCRATCH = 1024 * 1024;

/** The bytes of a text, until the next call. */
function bytesOf(text: ByteString): Buffer {
	if (text.length > LARGEST_SCRATCH) return Buffer.from(text, "latin1");
	if (text.length > scratch.length) scratch = Buffer.allocUnsafeSlow(2 * text.length);
	scratch.latin1Write(text);
	return scratch.subarray(0, text.length);
}

/** Both lists, which are in order; where they overlap, the first list counts. */
function merged(first: readonly Span[], second: readonly Span[]): Span[] {
	return [...first, ...outside(second, first)].sort(byStart);
}

/** Sorts parts by their beginning. */
export function byStart(a: Part, b: Part): number {
	return a.from - b.from;
}

/** The parts that do not overlap with others. Both lists are in order. */
function outside<T extends Part>(parts: readonly T[], others: readonly Part[]): readonly T[] {
	if (others.length === 0) return parts;
	let i = 0;
	return parts.filter(({ from, to }) => {
		while (i < others.length && (others[i] as Part).to <= from) i++;
		const next = others[i];
		return next === undefined || next.from >= to;
	});
}

/** The text with all edits, which are in order. An edit that overlaps an earlier one is left out. */
export function applyEdits(text: ByteString, edits: readonly TextEdit[]): ByteString {
	if (edits.length === 0) return text;
	let out = "";
	let at = 0;
	for (const edit of edits) {
		if (edit.from < at) continue;
		out += text.slice(at, edit.from) + edit.text;
		at = edit.to;
	}
	return out + text.slice(at);
}
