// The API of the viewer: from a method, a path and a JSON body to an answer. docs/viewer.md lists the routes.
import { explain } from "../../api/explain.ts";
import { exportFlow } from "../../api/export-flow.ts";
import { exportFormats } from "../../api/exporters.ts";
import { formatNames } from "../../api/formats.ts";
import { flowDifferences } from "../../src/compare/differences.ts";
import { compileIgnore } from "../../src/compare/ignore.ts";
import { FlowtapeError } from "../../src/errors.ts";
import { compileFilter } from "../../src/filter/compile.ts";
import { filterOperators } from "../../src/filter/terms.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";
import type { Message } from "../../src/flow/message.ts";
import {
	type FacetColumn,
	facetColumns,
	type OrderColumn,
	orderColumns,
	type TableRow,
} from "../../src/store/sqlite/table.ts";
import {
	BODY_VIEWS,
	type BodyView,
	type DiffAnswer,
	type Edit,
	type EditAnswer,
	type ExplainAnswer,
	FLAG,
	type FlowChoice,
	ROW_COLUMNS,
	type Row,
	type RowColumn,
	type RowsAnswer,
	type SetQuestion,
	type SetState,
	type TapeInfo,
	type ViewerEvent,
} from "../page/protocol.ts";
import { BodyTexts, MAX_LINES } from "./bodies.ts";
import { detailsOf } from "./details.ts";
import { messagesWindow } from "./messages.ts";
import { type FlowSet, FlowSets, type Question } from "./sets.ts";
import type { ViewedTape } from "./tape.ts";

/** Rows in one answer. */
const MAX_ROWS = 500;
const MAX_SAME_KEY = 1000;
const MAX_FACETS = 50;
const MAX_BUCKETS = 1000;
const MAX_MESSAGES = 500;
/** Flows that one request edits or exports by number. */
const MAX_CHOSEN = 100_000;
/** Longest filter and comment, in characters. */
const MAX_TEXT = 10_000;

/** A request to the API. */
export interface ApiRequest {
	readonly method: string;
	/** The path after `/api/v1/`, in parts. */
	readonly path: readonly string[];
	readonly query: URLSearchParams;
	/** The parsed JSON body; undefined: none. */
	readonly body: unknown;
}

/** Bytes that the browser saves. */
export class Download {
	readonly name: string;
	readonly bytes: Buffer;

	constructor(name: string, bytes: Buffer) {
		this.name = name;
		this.bytes = bytes;
	}
}

/** There is no such route, or no such part of the tape. */
export class NotFound extends Error {}

export class ViewerApi {
	readonly #tape: ViewedTape;
	readonly #version: string;
	readonly #sets: FlowSets;
	readonly #bodies = new BodyTexts();
	readonly #listeners = new Set<(event: ViewerEvent) => void>();

	constructor(tape: ViewedTape, version: string) {
		this.#tape = tape;
		this.#version = version;
		this.#sets = new FlowSets(tape.table, (set) => this.#emit({ type: "set", state: set.state() }));
		if (tape.isFollowed) tape.follow(() => this.#extend());
	}

	/** Calls back with each event until the returned function is called. */
	listen(listener: (event: ViewerEvent) => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	/**
	 * Answers a request.
	 * @throws NotFound; FlowtapeError FT_USAGE, FT_BAD_FILTER, FT_BAD_PATTERN for a wrong request, FT_IO, FT_STORE
	 */
	async answer({ method, path, query, body }: ApiRequest): Promise<object> {
		const [first = "", second = "", third = "", fourth = "", fifth = ""] = path;
		switch (`${method} ${first}`) {
			case "GET tape":
				return this.#info();
			case "POST sets":
				return this.#ask(body);
			case "GET sets":
				return this.#inSet(this.#set(second), third, query);
			case "PATCH flows":
				return this.#edit(body);
			case "POST undo":
				return this.#edited(await this.#tape.undo());
			case "POST diff":
				return this.#diff(body);
			case "POST explain":
				return this.#explain(body);
			case "GET flows":
				return this.#inFlow(numberIn(second), [third, fourth, fifth], query);
			default:
				throw new NotFound();
		}
	}

	/** The flows that a choice names, in order. @throws FlowtapeError FT_USAGE */
	chosen(choice: unknown): number[] {
		if (Array.isArray(choice) && choice.length <= MAX_CHOSEN && choice.every(Number.isSafeInteger)) return choice;
		const { set } = (choice ?? {}) as Partial<Exclude<FlowChoice, readonly number[]>>;
		if (typeof set !== "number") throw new FlowtapeError("FT_USAGE", "flows must be sequence numbers or a set");
		const chosen = this.#set(String(set));
		return chosen.numbers() ?? chosen.page(0, Number.MAX_SAFE_INTEGER);
	}

	#info(): TapeInfo {
		const { names, isFollowed, editable, losses, table } = this.#tape;
		return {
			names,
			version: this.#version,
			total: table.extent().count,
			isFollowed,
			editable,
			losses,
			operators: filterOperators.map(({ code, argument, help }) => ({ code, argument, help })),
			exports: exportFormats,
			formats: formatNames,
		};
	}

	#ask(body: unknown): SetState {
		const set = this.#sets.ask(questionOf(body), (error) =>
			this.#emit({ type: "trouble", message: error instanceof Error ? error.message : String(error) }),
		);
		return set.state();
	}

	#set(id: string): FlowSet {
		const set = this.#sets.get(Number(id));
		if (set === undefined) throw new NotFound();
		return set;
	}

	#inSet(set: FlowSet, what: string, query: URLSearchParams): object {
		const { table } = this.#tape;
		switch (what) {
			case "":
				return set.state();
			case "rows": {
				const from = numberOf(query, "from", 0);
				const rows = table.rows(set.page(from, Math.min(numberOf(query, "count", 100), MAX_ROWS)));
				const answer: RowsAnswer = { ...set.state(), from, rows: rows.map((row) => this.#row(row)) };
				return answer;
			}
			case "place":
				return { place: set.placeOf(numberOf(query, "seq", 0)) };
			case "facets": {
				const columns = (query.get("of") ?? "").split(",").filter((name) => facetColumns.includes(name as FacetColumn));
				const numbers = set.numbers();
				return Object.fromEntries(
					columns.map((name) => [name, table.facets(name as FacetColumn, numbers, MAX_FACETS)]),
				);
			}
			case "timeline": {
				const buckets = Math.min(Math.max(numberOf(query, "buckets", 200), 1), MAX_BUCKETS);
				return table.timeline(buckets, set.numbers());
			}
			default:
				throw new NotFound();
		}
	}

	#row(row: TableRow): Row {
		const flags =
			(row.hasError ? FLAG.error : 0) |
			(row.hasWebsocket ? FLAG.websocket : 0) |
			(row.isReplay === null ? 0 : FLAG.replayed);
		const values: Record<RowColumn, string | number | null> = { ...row, flags, tape: this.#tape.fileOf(row.seq) };
		return ROW_COLUMNS.map((name) => values[name]);
	}

	async #inFlow(seq: number, [part = "", what = "", raw = ""]: string[], query: URLSearchParams): Promise<object> {
		switch (part) {
			case "": {
				const sameKey = this.#tape.table.sameKey(seq, MAX_SAME_KEY);
				return detailsOf(this.#tape.flow(seq), { seq, sameKey, revision: this.#tape.revision });
			}
			case "messages": {
				const count = Math.min(numberOf(query, "count", 100), MAX_MESSAGES);
				return messagesWindow(this.#tape.flow(seq), numberOf(query, "from", 0), count, query.get("find") ?? "");
			}
			case "export": {
				const losses: string[] = [];
				const format = exportFormats.find((name) => name === what);
				if (format === undefined) throw new NotFound();
				const text = exportFlow(this.#tape.httpFlow(seq), format, (loss) => losses.push(loss));
				return { text: Buffer.from(text, "latin1").toString("utf8"), losses };
			}
			case "request":
			case "response":
				if (what !== "body") throw new NotFound();
				return raw === "raw" ? this.#download(seq, part, query) : this.#body(seq, part, query);
			default:
				throw new NotFound();
		}
	}

	#message(seq: number, side: "request" | "response"): Message {
		const message = this.#tape.httpFlow(seq)[side];
		if (message === null) throw new FlowtapeError("FT_USAGE", `flow ${seq} has no ${side}`);
		return message;
	}

	#body(seq: number, side: "request" | "response", query: URLSearchParams): object {
		const view = BODY_VIEWS.find((name) => name === (query.get("view") ?? "auto"));
		if (view === undefined) throw new FlowtapeError("FT_USAGE", `view is one of ${BODY_VIEWS.join(", ")}`);
		const key = `${seq} ${side}`;
		const message = () => this.#message(seq, side);
		const find = query.get("find");
		if (find !== null) return this.#bodies.find(key, message, view as BodyView, find.slice(0, MAX_TEXT));
		return this.#bodies.window(key, message, view, numberOf(query, "from", 0), numberOf(query, "lines", MAX_LINES));
	}

	#download(seq: number, side: "request" | "response", query: URLSearchParams): Download {
		const message = this.#message(seq, side);
		const bytes = query.has("decoded") ? message.decodedOrRaw : message.rawContent;
		if (bytes === null) throw new FlowtapeError("FT_USAGE", `the body of the ${side} was not kept`);
		const { request } = this.#tape.httpFlow(seq);
		const name = /([^/?#]*)(?:[?#].*)?$/.exec(request.path)?.[1] ?? "";
		return new Download(name === "" ? `${seq}-${side}` : `${seq}-${name}`, bytes);
	}

	async #edit(body: unknown): Promise<EditAnswer> {
		const { flows, marked, comment } = (body ?? {}) as Partial<Edit>;
		for (const text of [marked, comment])
			if (text !== undefined && (typeof text !== "string" || text.length > MAX_TEXT))
				throw new FlowtapeError("FT_USAGE", `marked and comment are texts of at most ${MAX_TEXT} characters`);
		const change = { ...(marked !== undefined && { marked }), ...(comment !== undefined && { comment }) };
		return this.#edited(await this.#tape.edit(this.chosen(flows), change));
	}

	#edited(changed: number): EditAnswer {
		const { revision, undoable } = this.#tape;
		if (changed > 0) {
			this.#sets.clear();
			this.#bodies.clear();
			this.#emit({ type: "changed", revision });
		}
		return { changed, revision, undoable };
	}

	#diff(body: unknown): DiffAnswer {
		const { a, b } = (body ?? {}) as { a?: number; b?: number };
		const [before, after] = [a, b].map((seq) => this.#tape.httpFlow(numberIn(String(seq)))) as [HttpFlow, HttpFlow];
		return { differences: flowDifferences(before, after, compileIgnore([])) };
	}

	async #explain(body: unknown): Promise<ExplainAnswer> {
		const { seq } = (body ?? {}) as { seq?: number };
		const flow = this.#tape.httpFlow(numberIn(String(seq)));
		// the page has the reports about damage
		const { text } = await explain(this.#tape.path, flow, { onTrouble: () => {} });
		return { text };
	}

	#extend(): void {
		const changed = this.#sets.extend();
		this.#bodies.clear();
		this.#emit({
			type: "appended",
			total: this.#tape.table.extent().count,
			sets: changed.map((set) => set.state()),
		});
	}

	#emit(event: ViewerEvent): void {
		for (const listener of this.#listeners) listener(event);
	}
}

/** @throws FlowtapeError FT_USAGE, FT_BAD_FILTER, FT_BAD_PATTERN */
function questionOf(body: unknown): Question {
	const { filter = "", sort = "", time } = (body ?? {}) as Partial<SetQuestion>;
	if (typeof filter !== "string" || filter.length > MAX_TEXT || typeof sort !== "string")
		throw new FlowtapeError("FT_USAGE", `filter and sort are texts of at most ${MAX_TEXT} characters`);
	const isDescending = sort.startsWith("-");
	const column = orderColumns.find((name) => name === sort.replace(/^-/, "")) as OrderColumn | undefined;
	if (sort !== "" && column === undefined)
		throw new FlowtapeError(
			"FT_USAGE",
			`sort is one of ${orderColumns.join(", ")}, with - before it for descending order`,
		);
	if (time !== undefined && !(Array.isArray(time) && time.length === 2 && time.every(Number.isFinite)))
		throw new FlowtapeError("FT_USAGE", "time is two numbers, in seconds since 1970");
	return {
		text: JSON.stringify([filter, sort, time ?? null]),
		filter: filter.trim() === "" ? undefined : compileFilter(filter),
		order: column === undefined ? null : { column, isDescending },
		time: time ?? null,
	};
}

/** A number in a query, at least 0. */
function numberOf(query: URLSearchParams, name: string, missing: number): number {
	const text = query.get(name);
	return text === null ? missing : numberIn(text);
}

/** @throws FlowtapeError FT_USAGE */
function numberIn(text: string): number {
	const number = Number(text);
	if (!/^\d+$/.test(text) || !Number.isSafeInteger(number))
		throw new FlowtapeError("FT_USAGE", `${JSON.stringify(text.slice(0, 40))} is not a number`);
	return number;
}
