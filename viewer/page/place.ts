// The state of the page that a link carries, in the fragment of its address. The server never sees it.

/** The tabs of the details, in order. */
export const TABS = [
	"request",
	"response",
	"messages",
	"timing",
	"connection",
	"explain",
	"compare",
	"export",
] as const;
export type Tab = (typeof TABS)[number];

export interface Place {
	/** The filter. */
	readonly q: string;
	/** The column that sorts, with `-` before it for descending order; empty: tape order. */
	readonly sort: string;
	/** Seconds since 1970; null: all times. */
	readonly time: readonly [from: number, to: number] | null;
	/** The open flow; null: none. */
	readonly seq: number | null;
	readonly tab: Tab;
	/** How bodies are shown. */
	readonly view: string;
	/** The flow that the open one is compared with; null: none. */
	readonly other: number | null;
}

export const START: Place = { q: "", sort: "", time: null, seq: null, tab: "response", view: "auto", other: null };

/** Formats a place as a fragment. Values that are as at the start are left out. */
export function formatPlace(place: Place): string {
	const query = new URLSearchParams();
	if (place.q !== "") query.set("q", place.q);
	if (place.sort !== "") query.set("sort", place.sort);
	if (place.time !== null) query.set("time", place.time.join("-"));
	if (place.seq !== null) query.set("flow", String(place.seq));
	if (place.tab !== START.tab) query.set("tab", place.tab);
	if (place.view !== START.view) query.set("view", place.view);
	if (place.other !== null) query.set("with", String(place.other));
	const text = query.toString();
	return text === "" ? "#/" : `#/?${text}`;
}

/** The place in a fragment. Parts that are not valid are as at the start. */
export function parsePlace(fragment: string): Place {
	const [, text = ""] = /^#\/\?(.*)$/s.exec(fragment) ?? [];
	const query = new URLSearchParams(text);
	const number = (name: string) => (/^\d{1,15}$/.test(query.get(name) ?? "") ? Number(query.get(name)) : null);
	const [, from, to] = /^([\d.]+)-([\d.]+)$/.exec(query.get("time") ?? "") ?? [];
	return {
		q: query.get("q") ?? "",
		sort: query.get("sort") ?? "",
		time: from === undefined || to === undefined ? null : [Number(from), Number(to)],
		seq: number("flow"),
		tab: TABS.find((tab) => tab === query.get("tab")) ?? START.tab,
		view: query.get("view") ?? START.view,
		other: number("with"),
	};
}
