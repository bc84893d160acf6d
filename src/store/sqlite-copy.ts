// Rows of one tape taken over into a new one as they are: whole flows, or the bodies and connections of flows that are written anew.
import { certificateKeys } from "./pack-connection.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import type { TapeDatabase } from "./sqlite-database.ts";

/** Brings what the flows refer to and is not here, under its old number. */
const COPY_PARTS = `
	CREATE TEMP TABLE bodies AS
		SELECT request_body AS id FROM flow WHERE typeof(request_body) = 'integer'
		UNION SELECT response_body FROM flow WHERE typeof(response_body) = 'integer'
		EXCEPT SELECT id FROM body;
	INSERT INTO body SELECT * FROM source.body WHERE id IN (SELECT id FROM bodies);
	INSERT INTO chunk SELECT * FROM source.chunk WHERE body IN (SELECT id FROM bodies);
	DROP TABLE bodies;
	INSERT INTO connection SELECT * FROM source.connection
		WHERE id IN (SELECT client_conn FROM flow UNION SELECT server_conn FROM flow EXCEPT SELECT id FROM connection);
`;

/**
 * Copies flows to an empty tape.
 * @param chosen numbers of the flows, in batches
 * @returns how many; null, and nothing is done, where the tape at `path` is of another version
 */
export function copyRows(to: TapeDatabase, path: string, chosen: Iterable<readonly number[]>): number | null {
	attach(to, path);
	try {
		if (!isCurrent(to)) return null;
		to.exec("BEGIN; CREATE TEMP TABLE chosen (seq INTEGER PRIMARY KEY)");
		let count = 0;
		for (const numbers of chosen) {
			count += numbers.length;
			to.insert("INSERT INTO chosen SELECT value FROM json_each(?)", JSON.stringify(numbers));
		}
		to.exec(`
			INSERT INTO flow SELECT * FROM source.flow WHERE seq IN (SELECT seq FROM chosen);
			INSERT INTO message SELECT * FROM source.message WHERE flow IN (SELECT seq FROM chosen);
			DROP TABLE chosen;
		`);
		copyParts(to);
		to.exec("COMMIT");
		return count;
	} finally {
		to.rollback();
		to.exec("DETACH source");
	}
}

function attach(to: TapeDatabase, path: string): void {
	to.insert("ATTACH ? AS source", path);
}

function isCurrent(to: TapeDatabase): boolean {
	return to.get<{ user_version: number }>("PRAGMA source.user_version")?.user_version === SCHEMA_VERSION;
}

/** Numbers of rows from which on there may be none left for what is written. */
const MAX_LENT = 2 ** 40;

/** The last numbers of what another tape lends. */
export interface Lent {
	readonly bodies: number;
	readonly connections: number;
}

/**
 * Flows of an empty tape may refer to bodies and connections of another under their old numbers from now on: those that are there now.
 * What is written meanwhile gets higher numbers. The last numbers; null, and nothing is done, where the other is of another version.
 */
export function borrowRows(to: TapeDatabase, path: string): Lent | null {
	attach(to, path);
	if (!isCurrent(to)) return null;
	const last = (table: string) => to.get<{ id: number }>(`SELECT coalesce(max(id), 0) AS id FROM source.${table}`)?.id ?? 0;
	const lent = { bodies: last("body"), connections: last("connection") };
	if (Math.max(lent.bodies, lent.connections) > MAX_LENT) return null;
	// numbers go on from the highest that is there
	to.insert("INSERT INTO body VALUES (?, 0, 0, NULL)", lent.bodies);
	to.insert("INSERT INTO connection VALUES (?, x'')", lent.connections);
	return lent;
}

/** Brings over what the flows refer to. */
export function settleRows(to: TapeDatabase, { bodies, connections }: Lent): void {
	to.insert("DELETE FROM body WHERE id = ?", bodies);
	to.insert("DELETE FROM connection WHERE id = ?", connections);
	copyParts(to);
}

function copyParts(to: TapeDatabase): void {
	to.exec(COPY_PARTS);
	copyCertificates(to);
}

/** Those that the copied connections show. */
function copyCertificates(to: TapeDatabase): void {
	if (to.get("SELECT 1 FROM source.certificate LIMIT 1") === undefined) return;
	const keys = new Set(
		to.all<{ bytes: Buffer }>("SELECT bytes FROM connection").flatMap(({ bytes }) => certificateKeys(bytes).map((key) => key.toString("hex"))),
	);
	for (const key of keys) to.insert("INSERT OR IGNORE INTO certificate SELECT * FROM source.certificate WHERE hash = ?", Buffer.from(key, "hex"));
}
