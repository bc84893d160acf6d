// Chooses the search of content that passes in pieces, by its media type and its beginning.
import type { ByteString } from "../flow/bytes.ts";
import { isJsonType, parseMediaType } from "../flow/content-type.ts";
import { partName, URL_ENCODED } from "../flow/form.ts";
import { boundaryOf } from "../flow/multipart.ts";
import { BEFORE_JSON, isBinary, LINES, PARTS_LIMIT, partType, redactLines, redactParts } from "./content.ts";
import { DelimitedSearch } from "./delimited-search.ts";
import { JsonSearch } from "./json-search.ts";
import { secretKind } from "./names.ts";
import type { Redaction } from "./redaction.ts";
import { percentBytes, percentEncode, redactPairs } from "./url.ts";
import { DroppedSearch, LONGEST_SECRET, PIECE, type PushText, type TextSearch, WindowSearch } from "./window-search.ts";

/** Begins the search of content. `head` is its beginning, at least the first 1024 bytes of longer content. */
export function beginContent(
	head: ByteString,
	contentType: string | null,
	redaction: Redaction,
	push: PushText,
	parts = 0,
): TextSearch {
	const { essence } = parseMediaType(contentType);
	const boundary = boundaryOf(contentType);
	const inWindows = (text: ByteString) => begun(new WindowSearch(redaction, push), text);
	const delimited = (
		delimiter: ByteString,
		redact: (parts: ByteString) => ByteString,
		begin: (beginning: ByteString) => TextSearch,
		least = PIECE,
	) => begun(new DelimitedSearch(push, { delimiter, redact, begin, least }), head);
	if (boundary !== null && parts < PARTS_LIMIT)
		return delimited(
			`--${boundary}`,
			(text) => redactParts(text, boundary, redaction, 0, parts),
			(text) => beginPart(text, redaction, push, parts),
		);
	if (essence === URL_ENCODED)
		return delimited(
			"&",
			(text) => redactPairs(text, redaction, "form"),
			(text) => beginPair(text, redaction, push),
		);
	// lines may arrive one by one
	if (LINES.test(essence)) return delimited("\n", (text) => redactLines(text, redaction), inWindows, 1);
	if (isJsonType(essence)) return begun(new JsonSearch(redaction, push), head);
	if (isBinary(essence, head)) return begun(new WindowSearch(redaction, push, true), head);
	const guard = /^\s{0,64}[[{]/.test(head) ? "" : BEFORE_JSON.exec(head)?.[0];
	if (guard === undefined) return inWindows(head);
	push(guard, guard);
	return begun(new JsonSearch(redaction, push), head.slice(guard.length));
}

function begun(search: TextSearch, text: ByteString): TextSearch {
	search.write(text);
	return search;
}

/** A pair of a form, by its name. */
function beginPair(text: ByteString, redaction: Redaction, push: PushText): TextSearch {
	const from = text.indexOf("=") + 1;
	const name = percentBytes(text.slice(text.startsWith("&") ? 1 : 0, Math.max(from - 1, 0)));
	const secret =
		from === 0 ? null : secretUnder(name, percentBytes(text.slice(from, from + LONGEST_SECRET)), redaction);
	if (secret === null) return begun(new WindowSearch(redaction, push), text);
	push(text.slice(0, from), text.slice(0, from) + percentEncode(secret));
	return begun(new DroppedSearch(push), text.slice(from));
}

/** A part of a multipart body, by its name or its type. */
function beginPart(text: ByteString, redaction: Redaction, push: PushText, parts: number): TextSearch {
	const blank = /\r?\n\r?\n/.exec(text);
	if (blank === null) return begun(new WindowSearch(redaction, push), text);
	const from = blank.index + blank[0].length;
	const head = text.slice(0, from);
	const secret = secretUnder(partName(head) ?? "", text.slice(from, from + LONGEST_SECRET), redaction);
	push(head, head + (secret ?? ""));
	if (secret !== null) return begun(new DroppedSearch(push), text.slice(from));
	return beginContent(text.slice(from), partType(head), redaction, push, parts + 1);
}

/** What replaces the value of a field whose name means a secret; null: it does not. */
function secretUnder(name: ByteString, value: ByteString, redaction: Redaction): ByteString | null {
	if (redaction.rules.params?.(name)) return redaction.secret(value, "param", "own.param", "form", name);
	const kind = secretKind(name);
	return kind === null ? null : redaction.named(value, kind, "form", name);
}
