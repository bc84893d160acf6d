// Rows of one tape taken over into a new one as they are: the filter of a tape into a tape, at the speed of the disk.
import { certificateKeys } from "./pack-connection.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import type { TapeDatabase } from "./sqlite-database.ts";

/** What flows refer to is copied with them, under its old number. */
const COPY = `
	INSERT INTO flow SELECT * FROM source.flow WHERE seq IN (SELECT seq FROM chosen);
	INSERT INTO message SELECT * FROM source.message WHERE flow IN (SELECT seq FROM chosen);
	CREATE TEMP TABLE bodies AS
		SELECT request_body AS id FROM flow WHERE typeof(request_body) = 'integer'
		UNION SELECT response_body FROM flow WHERE typeof(response_body) = 'integer';
	INSERT INTO body SELECT * FROM source.body WHERE id IN (SELECT id FROM bodies);
	INSERT INTO chunk SELECT * FROM source.chunk WHERE body IN (SELECT id FROM bodies);
	INSERT INTO connection SELECT * FROM source.connection WHERE id IN (SELECT client_conn FROM flow UNION SELECT server_conn FROM flow);
`;

/**
 * Copies flows to an empty tape.
 * @param chosen numbers of the flows, in batches
 * @returns how many; null, and nothing is done, where the tape at `path` is of another version
 */
export function copyRows(to: TapeDatabase, path: string, chosen: Iterable<readonly number[]>): number | null {
	to.insert("ATTACH ? AS source", path);
	try {
		if (to.get<{ user_version: number }>("PRAGMA source.user_version")?.user_version !== SCHEMA_VERSION) return null;
		to.exec("BEGIN; CREATE TEMP TABLE chosen (seq INTEGER PRIMARY KEY)");
		let count = 0;
		for (const numbers of chosen) {
			count += numbers.length;
			to.insert("INSERT INTO chosen SELECT value FROM json_each(?)", JSON.stringify(numbers));
		}
		to.exec(COPY);
		copyCertificates(to);
		to.exec("DROP TABLE chosen; DROP TABLE bodies; COMMIT");
		return count;
	} finally {
		to.rollback();
		to.exec("DETACH source");
	}
}

/** Those that the copied connections show. */
function copyCertificates(to: TapeDatabase): void {
	if (to.get("SELECT 1 FROM source.certificate LIMIT 1") === undefined) return;
	const keys = new Set(
		to.all<{ bytes: Buffer }>("SELECT bytes FROM connection").flatMap(({ bytes }) => certificateKeys(bytes).map((key) => key.toString("hex"))),
	);
	for (const key of keys) to.insert("INSERT INTO certificate SELECT * FROM source.certificate WHERE hash = ?", Buffer.from(key, "hex"));
}
