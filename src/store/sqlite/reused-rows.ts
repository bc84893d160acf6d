// Rows of another tape to which the flows of a new one refer: they are copied group by group, under their old numbers.

import { attach, CertificateCopy } from "./copy.ts";
import type { TapeDatabase } from "./database.ts";
import type { ReusableRows } from "./row-reuse.ts";

const LISTED = "(SELECT value FROM json_each(?))";

export class ReusedRows {
	readonly #db: TapeDatabase;
	readonly #lent: ReusableRows;
	readonly #certificates: CertificateCopy;
	/** Referred to since they were last brought. */
	readonly #bodies = new Set<number>();
	readonly #connections = new Set<number>();

	/** @throws Error where the new tape has rows: those that are copied would be taken for them */
	constructor(db: TapeDatabase, lent: ReusableRows) {
		if (hasRows(db)) throw new Error(`${db.path}: rows of ${lent.path} cannot be taken over under their numbers, this tape has rows of its own`);
		this.#db = db;
		this.#lent = lent;
		attach(db, lent.path);
		this.#certificates = new CertificateCopy(db);
		// numbers go on from the highest that is there
		db.insert("INSERT INTO body VALUES (?, 0, 0, NULL)", lent.bodies + 1);
		db.insert("INSERT INTO connection VALUES (?, x'')", lent.connections + 1);
	}

	/** A flow refers to these bodies and connections, which may be the other tape's or not. */
	note(bodies: readonly unknown[], connections: readonly number[]): void {
		for (const body of bodies) if (typeof body === "number" && body > 0 && body <= this.#lent.bodies) this.#bodies.add(body);
		for (const connection of connections) if (connection <= this.#lent.connections) this.#connections.add(connection);
	}

	/** Copies what was noted and is not here yet. */
	bring(): void {
		if (this.#bodies.size > 0) {
			const bodies = taken(this.#bodies);
			this.#db.run(`INSERT OR IGNORE INTO body SELECT * FROM source.body WHERE id IN ${LISTED}`, bodies);
			this.#db.run(`INSERT OR IGNORE INTO chunk SELECT * FROM source.chunk WHERE body IN ${LISTED}`, bodies);
		}
		if (this.#connections.size > 0) {
			const connections = taken(this.#connections);
			this.#db.run(`INSERT OR IGNORE INTO connection SELECT * FROM source.connection WHERE id IN ${LISTED}`, connections);
			this.#certificates.of(`id IN ${LISTED}`, connections);
		}
	}

	/** The rows that held the numbers go. */
	end(): void {
		this.bring();
		this.#db.run("DELETE FROM body WHERE id = ?", this.#lent.bodies + 1);
		this.#db.run("DELETE FROM connection WHERE id = ?", this.#lent.connections + 1);
	}
}

/** Whether anything was written to a tape. A body or a connection may come before its flow. */
export function hasRows(db: TapeDatabase): boolean {
	return db.get("SELECT 1 FROM (SELECT 1 FROM flow UNION ALL SELECT 1 FROM body UNION ALL SELECT 1 FROM connection) LIMIT 1") !== undefined;
}

function taken(numbers: Set<number>): string {
	const list = JSON.stringify([...numbers]);
	numbers.clear();
	return list;
}
