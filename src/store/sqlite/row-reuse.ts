// What a new tape borrows of the tape that its flows come from: bodies and connections that nobody has changed are not read and written
// anew, but keep their numbers, and SQLite copies their rows.
import type { Body } from "../../flow/body.ts";
import type { Flow, Later } from "../../flow/flow.ts";
import { type BodyTable, LazyBody } from "./bodies.ts";

/** The last numbers of what another tape lends. What is new gets higher ones. */
export interface ReusableRows {
	readonly path: string;
	readonly bodies: number;
	readonly connections: number;
}

/** A tape from which flows are read. */
export interface SourceTape {
	readonly bodies: BodyTable;
	/** What there is now; null where its rows cannot be taken over as they are. */
	lent(): ReusableRows | null;
}

/** Where a connection lies. */
export class Place {
	readonly tape: SourceTape;
	readonly row: number;

	constructor(tape: SourceTape, row: number) {
		this.tape = tape;
		this.row = row;
	}
}

export class RowReuse {
	readonly lent: ReusableRows;
	readonly #from: SourceTape;

	constructor(from: SourceTape, lent: ReusableRows) {
		this.#from = from;
		this.lent = lent;
	}

	/** From the tape that a flow was read from, if it was. */
	static of({ connections: { client } }: Flow): RowReuse | null {
		if (typeof client !== "function" || !(client.place instanceof Place)) return null;
		const { tape } = client.place;
		const lent = tape.lent();
		return lent && new RowReuse(tape, lent);
	}

	/** The number of a body of that tape; null for others. */
	body(body: Body): number | null {
		return body instanceof LazyBody && body.table === this.#from.bodies && body.id <= this.lent.bodies ? body.id : null;
	}

	/** The number of a connection that lies there; null for others, and those that somebody has looked at. */
	connection<C extends object>(connection: C | Later<C>): number | null {
		const place = typeof connection === "function" ? connection.place : undefined;
		return place instanceof Place && place.tape === this.#from && place.row <= this.lent.connections ? place.row : null;
	}
}
