// What a HAR says beside its entries: `browser`, `comment`, fields of others' own, and pages that no entry names. It goes along as a note of the
// first flow, or of the last where it stands behind the entries, so that the next HAR has it again.
import type { Flow } from "../../src/flow/flow.ts";
import type { Metadata } from "../../src/flow/metadata.ts";
import { isObject, type JsonObject, parseJson } from "../fields.ts";
import { NOTE, OWN_LOG } from "./notes.ts";

type Page = JsonObject & { id: string };

export class LogFields {
	/** By their id. */
	readonly pages = new Map<string, JsonObject>();
	readonly #named = new Set<string>();
	/** Pages that stand in the HAR itself, not in an entry of ours. */
	readonly #listed = new Map<string, JsonObject>();
	/** Fields that no flow has taken yet. */
	#fields: JsonObject = {};
	creator = "";

	/** @throws FlowtapeError FT_CORRUPT_FLOW for what is no JSON */
	add(key: string, bytes: Buffer): void {
		if (key === "version" || key === OWN_LOG) return;
		const value = parseJson(bytes);
		if (key === "creator") this.creator = isObject(value) && typeof value.name === "string" ? value.name : "";
		else if (key === "pages" && Array.isArray(value)) for (const page of value) this.#addPage(page as JsonObject);
		else if (value !== null && value !== "") Object.defineProperty(this.#fields, key, { value, enumerable: true, configurable: true, writable: true });
	}

	#addPage(page: JsonObject): void {
		if (!isPage(page) || this.pages.has(page.id)) return;
		this.pages.set(page.id, page);
		this.#listed.set(page.id, page);
	}

	/** Notes that an entry belongs to a page, where the page is known. */
	name(entry: JsonObject): void {
		if (typeof entry.pageref === "string" && this.pages.has(entry.pageref)) this.#named.add(entry.pageref);
	}

	/** Gives a flow what is not yet said; whether there was anything. */
	giveTo(flow: Flow | undefined, isLast: boolean): boolean {
		const pages = isLast ? [...this.#listed].filter(([id]) => !this.#named.has(id)).map(([, page]) => page) : [];
		const log: JsonObject = { ...this.#fields, ...(pages.length === 0 ? {} : { pages }) };
		if (Object.keys(log).length === 0) return false;
		if (flow !== undefined) {
			const { [NOTE]: notes } = flow.metadata as { [NOTE]?: JsonObject };
			const { log: before } = notes ?? {};
			flow.metadata = { ...flow.metadata, [NOTE]: { ...notes, log: { ...(isObject(before) ? before : {}), ...log } } } as Metadata;
			this.#fields = {};
		}
		return true;
	}
}

function isPage(page: JsonObject): page is Page {
	return isObject(page) && typeof page.id === "string";
}
