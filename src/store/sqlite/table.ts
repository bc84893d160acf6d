// A tape as a table of flows: rows by number, orders, counts by value and by time. It reads columns only.
import type { Filter } from "../../filter/filter.ts";
import { toText } from "../../flow/bytes.ts";
import type { Flow } from "../../flow/flow.ts";
import { selected } from "../record/flow-row.ts";
import { fromStored } from "../record/text.ts";
import type { TapeDatabase } from "./database.ts";
import type { TapeReader } from "./reader.ts";
import { IS_READ, LAST_SEQ } from "./schema.ts";

/** The columns of a flow that a table shows, and its sequence number. */
export interface TableRow {
	readonly seq: number;
	readonly id: string;
	readonly kind: string;
	/** Seconds since 1970. */
	readonly started: number;
	readonly method: string | null;
	readonly scheme: string | null;
	/** From the Host header, if there is one. */
	readonly host: string | null;
	readonly port: number | null;
	readonly path: string | null;
	readonly status: number | null;
	readonly type: string | null;
	/** The bytes of both bodies; null: no body was kept. */
	readonly size: number | null;
	/** Seconds; null: not known. */
	readonly duration: number | null;
	readonly firstByte: number | null;
	readonly marked: string;
	readonly hasError: boolean;
	readonly hasWebsocket: boolean;
	readonly isReplay: string | null;
	readonly session: string | null;
}

type StoredTableRow = Omit<TableRow, "hasError" | "hasWebsocket"> & { hasError: number; hasWebsocket: number };

const SIZE =
	"CASE WHEN response_size IS NULL AND request_size IS NULL THEN NULL ELSE coalesce(response_size, 0) + coalesce(request_size, 0) END";

/** The expressions that sort a table, by the name of the column. */
const ORDERS = {
	started: "started",
	method: "method",
	host: "pretty_host",
	path: "path",
	status: "status",
	type: "content_type",
	size: SIZE,
	duration: "duration",
	firstByte: "first_byte",
	marked: "marked",
	session: "session",
} as const;

export type OrderColumn = keyof typeof ORDERS;

export const orderColumns = Object.keys(ORDERS) as readonly OrderColumn[];

/** The columns that are counted by value. */
const FACETS = {
	host: "pretty_host",
	status: "status",
	method: "method",
	type: "content_type",
	kind: "kind",
	session: "session",
} as const;

export type FacetColumn = keyof typeof FACETS;

export const facetColumns = Object.keys(FACETS) as readonly FacetColumn[];

/** A value and the number of flows that have it. */
export interface Facet {
	readonly value: string | number | null;
	readonly count: number;
}

/** The number of flows in equal spans of time. */
export interface Timeline {
	/** Seconds since 1970; null: there are no flows. */
	readonly from: number | null;
	readonly to: number | null;
	readonly counts: readonly number[];
}

export class FlowTable {
	readonly #db: TapeDatabase;
	readonly #reader: TapeReader;

	constructor(db: TapeDatabase, reader: TapeReader) {
		this.#db = db;
		this.#reader = reader;
	}

	/** A number that changes when another connection commits to the tape. */
	version(): number {
		return this.#db.get<{ data_version: number }>("PRAGMA data_version")?.data_version ?? 0;
	}

	/** The number of flows, and the highest sequence number. */
	extent(): { readonly count: number; readonly last: number } {
		return (
			this.#db.get<{ count: number; last: number }>(
				`SELECT count(*) AS count, min(coalesce(max(seq), 0), ${LAST_SEQ}) AS last FROM flow`,
			) ?? { count: 0, last: 0 }
		);
	}

	/** The rows with these sequence numbers, in their order. Missing ones are left out. */
	rows(numbers: readonly number[]): TableRow[] {
		const columns = `seq, id, kind, started, method, scheme, pretty_host AS host, port, path, status, content_type AS type, ${SIZE} AS size, ${this.#stored("duration")} AS duration, ${this.#stored("first_byte")} AS firstByte, marked, has_error AS hasError, has_websocket AS hasWebsocket, is_replay AS isReplay, ${this.#stored("session")} AS session`;
		const rows = this.#db.all<StoredTableRow>(
			`SELECT ${columns} FROM flow WHERE seq IN (SELECT value FROM json_each(?))`,
			JSON.stringify(numbers),
		);
		const bySeq = new Map(rows.map((row) => [row.seq, row]));
		return numbers.flatMap((seq) => {
			const row = bySeq.get(seq);
			return row === undefined ? [] : readable(row);
		});
	}

	/** At most `limit` sequence numbers from the `from`th on, in tape order. */
	page(from: number, limit: number): number[] {
		// without gaps, which is usual, the number tells the place
		const { count, last } = this.extent();
		return count === last
			? this.#db.column(`SELECT seq FROM flow WHERE seq > ? AND ${IS_READ} ORDER BY seq LIMIT ?`, from, limit)
			: this.#db.column(`SELECT seq FROM flow WHERE ${IS_READ} ORDER BY seq LIMIT ? OFFSET ?`, limit, from);
	}

	/** The number of flows before a sequence number. */
	placeOf(seq: number): number {
		return this.#db.get<{ n: number }>("SELECT count(*) AS n FROM flow WHERE seq < ?", seq)?.n ?? 0;
	}

	/** The sequence numbers of the flows that match, in batches. */
	matching(filter: Filter | undefined, after = 0): Generator<number[]> {
		return this.#reader.matching({ filter, after });
	}

	/** The sequence numbers of flows that started in this time, in seconds since 1970, both ends included. */
	within(from: number, to: number): number[] {
		return this.#db.column(`SELECT seq FROM flow WHERE started BETWEEN ? AND ? AND ${IS_READ}`, from, to);
	}

	/** All sequence numbers, ordered by a column; equal values in tape order, flows without a value last. */
	numbersBy(column: OrderColumn, isDescending: boolean): number[] {
		const order = `${this.#stored(ORDERS[column])} ${isDescending ? "DESC" : "ASC"} NULLS LAST`;
		return this.#db.column(`SELECT seq FROM flow WHERE ${IS_READ} ORDER BY ${order}, seq`);
	}

	/** The request key of a flow; null: it has none. */
	keyOf(seq: number): string | null {
		const row = this.#db.get<{ key: string | null }>("SELECT request_key AS key FROM flow WHERE seq = ?", seq);
		return row?.key ?? null;
	}

	/** The sequence numbers of the flows with the request key of this one, in order, at most `limit`. */
	sameKey(seq: number, limit: number): number[] {
		const key = this.keyOf(seq);
		return key === null ? [] : this.#reader.findByKey(key, 0, limit);
	}

	/** The most frequent values of a column, at most `limit`, among all flows or those with these numbers. */
	facets(column: FacetColumn, numbers: readonly number[] | null, limit: number): Facet[] {
		const rows = this.#db.all<Facet>(
			`SELECT ${this.#stored(FACETS[column])} AS value, count(*) AS count FROM flow WHERE ${among(numbers)} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${limit}`,
			...listed(numbers),
		);
		const text = column === "method" ? toText : fromStored;
		return rows.map(({ value, count }) => ({ value: typeof value === "string" ? text(value) : value, count }));
	}

	/** Counts all flows, or those with these numbers, in equal spans from the first to the last of the tape. */
	timeline(buckets: number, numbers: readonly number[] | null): Timeline {
		const { first = null, last = null } =
			this.#db.get<{ first: number | null; last: number | null }>(
				"SELECT min(started) AS first, max(started) AS last FROM flow WHERE started > 0",
			) ?? {};
		const counts = new Array<number>(buckets).fill(0);
		if (first === null || last === null) return { from: null, to: null, counts };
		const width = Math.max(last - first, SHORTEST_SPAN) / buckets;
		const rows = this.#db.all<{ bucket: number; count: number }>(
			`SELECT min(CAST((started - ?) / ? AS INTEGER), ${buckets - 1}) AS bucket, count(*) AS count FROM flow WHERE started > 0 AND ${among(numbers)} GROUP BY 1`,
			first,
			width,
			...listed(numbers),
		);
		for (const { bucket, count } of rows) counts[bucket] = count;
		return { from: first, to: last, counts };
	}

	/** The flow with this sequence number, with lazy bodies; null: there is none, or it is damaged, which is reported. */
	flow(seq: number): Flow | null {
		return this.#reader.at(seq);
	}

	/** The SQL of a column; NULL if the tape's schema does not have it. */
	#stored(column: string): string {
		return selected([column], this.#db.schema).startsWith("NULL") ? "NULL" : column;
	}
}

/** The shortest time that a timeline spans, in seconds. */
const SHORTEST_SPAN = 1e-3;

function among(numbers: readonly number[] | null): string {
	return numbers === null ? "1" : "seq IN (SELECT value FROM json_each(?))";
}

function listed(numbers: readonly number[] | null): string[] {
	return numbers === null ? [] : [JSON.stringify(numbers)];
}

/** Text as it is shown, not as it is stored. */
function readable(row: StoredTableRow): TableRow {
	const text = (value: string | null) => (value === null ? null : fromStored(value));
	const bytes = (value: string | null) => (value === null ? null : toText(value));
	return {
		...row,
		id: fromStored(row.id),
		method: bytes(row.method),
		scheme: bytes(row.scheme),
		host: text(row.host),
		path: bytes(row.path),
		type: text(row.type),
		marked: fromStored(row.marked),
		session: text(row.session),
		hasError: row.hasError !== 0,
		hasWebsocket: row.hasWebsocket !== 0,
	};
}
