// Sets and deletes values in the JSON bodies of a message.
import { isUtf8 } from "node:buffer";
import { FlowtapeError } from "../errors.ts";
import { isJsonType, parseMediaType } from "../flow/content-type.ts";
import type { Message } from "../flow/message.ts";
import { editJson, type JsonEdit, mayEdit, parseJsonDelete, parseJsonSet } from "../json/edit.ts";
import { isJson } from "../json/walk.ts";

/** A change of JSON bodies, and the rule as counts name it. */
export interface JsonRule {
	readonly name: string;
	readonly edit: JsonEdit;
}

/**
 * Parses the rules of `--json-set` and `--json-delete`.
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function parseJsonRules(sets: readonly string[], deletes: readonly string[]): JsonRule[] {
	return [
		...sets.map((text) => ({ name: `json-set ${text}`, edit: parseJsonSet(text, "json_set") })),
		...deletes.map((text) => ({ name: `json-delete ${text}`, edit: parseJsonDelete(text, "json_delete") })),
	];
}

const BOM = "\ufeff";

/**
 * Applies the rules to the body, if it is JSON in UTF-8. Bodies of other media types are not read. Returns the names of
 * the rules that changed it.
 * @throws FlowtapeError FT_BAD_BODY if the body cannot be decoded, begins like JSON but is not UTF-8, or has a media
 * type of JSON but is not JSON
 */
export function editJsonBody(message: Message, rules: readonly JsonRule[]): string[] {
	if (!message.bodySize || !mayBeJson(message)) return [];
	const content = message.content ?? Buffer.alloc(0);
	// quick check of the first character
	if (!/^(?:\xef\xbb\xbf)?[\t\n\r ]*["[{\-\dtfn]/.test(content.subarray(0, 64).latin1Slice())) {
		if (saysJson(message)) throw notJson();
		return [];
	}
	if (!isUtf8(content)) throw new FlowtapeError("FT_BAD_BODY", "it is not UTF-8, which JSON must be");
	const whole = content.toString();
	const mark = whole.startsWith(BOM) ? BOM : "";
	let text = whole.slice(mark.length);
	if (saysJson(message) && rules.some(({ edit }) => mayEdit(text, edit)) && !isJson(text)) throw notJson();
	const changed: string[] = [];
	for (const { name, edit } of rules) {
		const edited = editJson(text, edit);
		if (edited === null) continue;
		text = edited;
		changed.push(name);
	}
	if (changed.length > 0) message.content = Buffer.from(mark + text);
	return changed;
}

function saysJson({ headers }: Message): boolean {
	return isJsonType(parseMediaType(headers.get("content-type")).essence);
}

function notJson(): FlowtapeError {
	return new FlowtapeError(
		"FT_BAD_BODY",
		"its Content-Type says JSON, but it is not, is nested too deeply or is too large",
	);
}

/** Whether the media type is JSON, is missing, or is `text/plain`, which some clients use for JSON. */
function mayBeJson({ headers }: Message): boolean {
	const { essence } = parseMediaType(headers.get("content-type"));
	return essence === "" || essence === "text/plain" || isJsonType(essence);
}
