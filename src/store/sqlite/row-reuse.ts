// Reuses rows when flows are read from one tape and written to another: unchanged bodies and connections keep their
// ids, and SQLite copies their rows, so that they need not be decoded and encoded.
import type { Body } from "../../flow/body.ts";
import type { Flow, Lazy } from "../../flow/flow.ts";
import { type BodyTable, LazyBody } from "./bodies.ts";

/** The highest ids of the rows that can be copied from another tape. New rows get higher ids. */
export interface ReusableRows {
	readonly path: string;
	readonly bodies: number;
	readonly connections: number;
}

/** A tape from which flows are read. */
export interface SourceTape {
	readonly bodies: BodyTable;
	/** The rows that the tape has now; null: they cannot be copied unchanged. */
	reusableRows(): ReusableRows | null;
	/** Whether the row of a connection exists. */
	hasConnection(row: number): boolean;
}

/** The tape and row id of a connection. */
export class RowRef {
	readonly tape: SourceTape;
	readonly row: number;

	constructor(tape: SourceTape, row: number) {
		this.tape = tape;
		this.row = row;
	}
}

export class RowReuse {
	readonly reusable: ReusableRows;
	readonly #from: SourceTape;

	constructor(from: SourceTape, reusable: ReusableRows) {
		this.#from = from;
		this.reusable = reusable;
	}

	/**
	 * Reuse of rows from the tape that a flow was read from; null: it was not read from a tape, or the rows of that tape
	 * cannot be copied.
	 */
	static from({ connections: { client } }: Flow): RowReuse | null {
		if (typeof client !== "function" || !(client.rowRef instanceof RowRef)) return null;
		const { tape } = client.rowRef;
		const reusable = tape.reusableRows();
		return reusable && new RowReuse(tape, reusable);
	}

	/** The id of a body of that tape; null for others. */
	body(body: Body): number | null {
		return body instanceof LazyBody && body.table === this.#from.bodies && body.id <= this.reusable.bodies
			? body.id
			: null;
	}

	/** The row id of a connection of that tape that is not decoded yet; null for all others and for missing rows. */
	connection<C extends object>(connection: C | Lazy<C>): number | null {
		const ref = typeof connection === "function" ? connection.rowRef : undefined;
		if (!(ref instanceof RowRef) || ref.tape !== this.#from || ref.row > this.reusable.connections) return null;
		return this.#from.hasConnection(ref.row) ? ref.row : null;
	}
}
