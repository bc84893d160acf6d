// Flows of one tape taken over into a new one as they are, with all that they refer to.
import { certificateKeys } from "./pack-connection.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import type { TapeDatabase } from "./sqlite-database.ts";

/** Brings what the flows refer to, under its old number. */
const COPY_PARTS = `
	CREATE TEMP TABLE bodies AS
		SELECT request_body AS id FROM flow WHERE typeof(request_body) = 'integer'
		UNION SELECT response_body FROM flow WHERE typeof(response_body) = 'integer'
		UNION SELECT original_body FROM flow WHERE typeof(original_body) = 'integer';
	INSERT INTO body SELECT * FROM source.body WHERE id IN (SELECT id FROM bodies);
	INSERT INTO chunk SELECT * FROM source.chunk WHERE body IN (SELECT id FROM bodies);
	DROP TABLE bodies;
	INSERT INTO connection SELECT * FROM source.connection
		WHERE id IN (SELECT client_conn FROM flow UNION SELECT server_conn FROM flow);
`;

/**
 * Copies flows to an empty tape.
 * @param chosen numbers of the flows, in batches
 * @returns how many; null, and nothing is done, where the tape at `path` is of another version
 */
export function copyRows(to: TapeDatabase, path: string, chosen: Iterable<readonly number[]>): number | null {
	attach(to, path);
	try {
		if (to.version("source") !== SCHEMA_VERSION) return null;
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
		to.exec(COPY_PARTS);
		new CertificateCopy(to).of("1");
		to.exec("COMMIT");
		return count;
	} finally {
		to.rollback();
		to.exec("DETACH source");
	}
}

/** Names another tape `source`. */
export function attach(to: TapeDatabase, path: string): void {
	to.insert("ATTACH ? AS source", path);
}

/** Brings the certificates of connections that are copied. */
export class CertificateCopy {
	readonly #to: TapeDatabase;
	readonly #there: boolean;
	readonly #copied = new Set<string>();

	constructor(to: TapeDatabase) {
		this.#to = to;
		this.#there = to.get("SELECT 1 FROM source.certificate LIMIT 1") !== undefined;
	}

	/** Of the connections here that meet a condition. */
	of(condition: string, ...parameters: unknown[]): void {
		if (!this.#there) return;
		const keys = new Set<string>();
		for (const { bytes } of this.#to.iterate<{ bytes: Buffer }>(`SELECT bytes FROM connection WHERE ${condition}`, ...parameters))
			for (const key of certificateKeys(bytes)) keys.add(key.toString("hex"));
		for (const key of keys) {
			if (this.#copied.has(key)) continue;
			this.#copied.add(key);
			this.#to.insert("INSERT OR IGNORE INTO certificate SELECT * FROM source.certificate WHERE hash = ?", Buffer.from(key, "hex"));
		}
	}
}
