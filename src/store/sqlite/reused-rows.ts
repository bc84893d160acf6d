// Copies the rows of another tape that flows of a new tape refer to. This happens before each commit, and the rows keep
// their ids.

import { attach, CertificateCopy } from "./copy.ts";
import type { TapeDatabase } from "./database.ts";
import type { ReusableRows } from "./row-reuse.ts";

const LISTED = "(SELECT value FROM json_each(?))";

export class ReusedRows {
	readonly #db: TapeDatabase;
	readonly #reusable: ReusableRows;
	readonly #certificates: CertificateCopy;
	/** Ids that flows refer to and whose rows are not copied yet. */
	readonly #bodies = new Set<number>();
	readonly #connections = new Set<number>();

	/** @throws Error if the new tape has rows: their ids would collide with the copied ones */
	constructor(db: TapeDatabase, reusable: ReusableRows) {
		if (hasRows(db))
			throw new Error(
				`${db.path}: rows of ${reusable.path} cannot be copied under their ids, because this tape already has rows`,
			);
		this.#db = db;
		this.#reusable = reusable;
		attach(db, reusable.path);
		this.#certificates = new CertificateCopy(db, reusable.path);
		// new rows get ids above these placeholders
		db.insert("INSERT INTO body VALUES (?, 0, 0, NULL)", reusable.bodies + 1);
		db.insert("INSERT INTO connection VALUES (?, x'')", reusable.connections + 1);
	}

	/** Records the bodies and connections that a flow refers to. The rows of those in the other tape are copied later. */
	addReferences(bodies: readonly unknown[], connections: readonly number[]): void {
		for (const body of bodies)
			if (typeof body === "number" && body > 0 && body <= this.#reusable.bodies) this.#bodies.add(body);
		for (const connection of connections)
			if (connection <= this.#reusable.connections) this.#connections.add(connection);
	}

	/** Copies the rows that were referred to since the last call. */
	copyPending(): void {
		if (this.#bodies.size > 0) {
			const bodies = taken(this.#bodies);
			this.#db.run(`INSERT OR IGNORE INTO body SELECT * FROM source.body WHERE id IN ${LISTED}`, bodies);
			this.#db.run(`INSERT OR IGNORE INTO chunk SELECT * FROM source.chunk WHERE body IN ${LISTED}`, bodies);
		}
		if (this.#connections.size > 0) {
			const connections = taken(this.#connections);
			this.#db.run(
				`INSERT OR IGNORE INTO connection SELECT * FROM source.connection WHERE id IN ${LISTED}`,
				connections,
			);
			this.#certificates.copyFor(`id IN ${LISTED}`, connections);
		}
	}

	/** Copies the remaining rows and deletes the placeholders. */
	finish(): void {
		this.copyPending();
		this.#db.run("DELETE FROM body WHERE id = ?", this.#reusable.bodies + 1);
		this.#db.run("DELETE FROM connection WHERE id = ?", this.#reusable.connections + 1);
	}
}

/** Whether a tape has any rows. A body or a connection may be written before its flow. */
export function hasRows(db: TapeDatabase): boolean {
	return (
		db.get(
			"SELECT 1 FROM (SELECT 1 FROM flow UNION ALL SELECT 1 FROM body UNION ALL SELECT 1 FROM connection) LIMIT 1",
		) !== undefined
	);
}

function taken(numbers: Set<number>): string {
	const list = JSON.stringify([...numbers]);
	numbers.clear();
	return list;
}
