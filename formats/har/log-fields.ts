// Keeps the fields of a HAR outside its entries: `browser`, `comment`, custom fields, and pages that no entry refers
// to. They are stored in the metadata of the first flow, or of the last if they follow the entries, so that they can be
// written to a HAR again.
import type { Flow } from "../../src/flow/flow.ts";
import type { Metadata } from "../../src/flow/metadata.ts";
import { RecentMap } from "../../src/flow/recent-map.ts";
import { isObject, type JsonObject } from "../fields.ts";
import { JsonRecord } from "../json-record.ts";
import { NOTE, OWN_LOG } from "./notes.ts";

type Page = JsonObject & { id: string };

/** Pages by id. */
export interface Pages {
	get(id: string): JsonObject | undefined;
	set(id: string, page: JsonObject): void;
}

/** Size of the pages in entries that are kept, as JSON in UTF-16 code units. */
const KEPT_PAGES = 1024 * 1024;
/** Maximum number of ids of pages in entries. A list of pages that a reader accepts is rarely longer. */
const KEPT_IDS = 100_000;

export class LogFields {
	/** Listed pages, and recent ones of entries. */
	readonly pages: Pages = {
		get: (id) => this.#ofEntries.get(id) ?? this.#listed.get(id),
		set: (id, page) => {
			this.#ofEntries.set(id, page);
			if (this.#idsOfEntries.size < KEPT_IDS) this.#idsOfEntries.add(id);
		},
	};
	readonly #ofEntries = new RecentMap<string, JsonObject>(KEPT_PAGES, (page) => JSON.stringify(page).length);
	/** Ids of the pages in entries. */
	readonly #idsOfEntries = new Set<string>();
	/** Pages listed in the HAR, not in an entry. */
	readonly #listed = new Map<string, JsonObject>();
	/** Ids of listed pages that entries refer to. */
	readonly #named = new Set<string>();
	/** Fields not yet stored with a flow. */
	#fields: JsonObject = {};
	creator = "";

	/** @throws FlowtapeError FT_CORRUPT_FLOW for invalid JSON */
	addField(key: string, bytes: Buffer): void {
		if (key === "version" || key === OWN_LOG) return;
		// limits the memory, as for entries
		const record = new JsonRecord(() => null);
		record.push(bytes);
		const value = record.end() ?? null;
		if (key === "creator") this.creator = isObject(value) && typeof value.name === "string" ? value.name : "";
		else if (key === "pages" && Array.isArray(value)) for (const page of value) this.#addPage(page as JsonObject);
		else if (value !== null && value !== "")
			Object.defineProperty(this.#fields, key, { value, enumerable: true, configurable: true, writable: true });
	}

	#addPage(page: JsonObject): void {
		if (isPage(page) && !this.#listed.has(page.id) && !this.#idsOfEntries.has(page.id)) this.#listed.set(page.id, page);
	}

	/** Marks the page of an entry as referred to, if it is listed. */
	markPage(entry: JsonObject): void {
		if (typeof entry.pageref === "string" && this.#listed.has(entry.pageref)) this.#named.add(entry.pageref);
	}

	/** Stores fields that no flow has yet in the metadata of a flow. Returns whether there were any. */
	storeIn(flow: Flow | undefined, isLast: boolean): boolean {
		const pages = isLast ? [...this.#listed].filter(([id]) => !this.#named.has(id)).map(([, page]) => page) : [];
		const log: JsonObject = { ...this.#fields, ...(pages.length === 0 ? {} : { pages }) };
		if (Object.keys(log).length === 0) return false;
		if (flow !== undefined) {
			const { [NOTE]: notes } = flow.metadata as { [NOTE]?: JsonObject };
			const { log: before } = notes ?? {};
			flow.metadata = {
				...flow.metadata,
				[NOTE]: { ...notes, log: { ...(isObject(before) ? before : {}), ...log } },
			} as Metadata;
			this.#fields = {};
		}
		return true;
	}
}

function isPage(page: JsonObject): page is Page {
	return isObject(page) && typeof page.id === "string";
}
