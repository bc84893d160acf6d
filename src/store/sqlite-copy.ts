// Flows of one tape taken over into a new one as they are, with all that they refer to.
import { crc32 } from "node:zlib";
import { FlowtapeError } from "../errors.ts";
import { passYoung } from "../flow/young-buffers.ts";
import { isWholeMessage } from "./codec.ts";
import { certificateKeys } from "./pack-connection.ts";
import { foreignObject, SCHEMA_VERSION, type SchemaObject } from "./schema.ts";
import { BodyTable } from "./sqlite-bodies.ts";
import { strange, type TapeDatabase } from "./sqlite-database.ts";

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
		checkFlows(to, path);
		checkMessages(to, path);
		new CertificateCopy(to).of("1");
		to.exec("COMMIT");
		return count;
	} finally {
		to.rollback();
		to.exec("DETACH source");
	}
}

/** A flow that no tape can have, or whose body did not come along. */
const ODD_FLOW = `seq < 1 OR ${[
	["request_body", "request_size"],
	["response_body", "response_size"],
	["original_body", null],
]
	.map(([column, size]) => {
		const inRow = size === null ? "" : `OR typeof(${column}) = 'blob' AND length(${column}) <> ${size}`;
		const inTable = `SELECT 1 FROM body WHERE body.id = ${column} ${size === null ? "" : `AND body.size = ${size}`}`;
		return `typeof(${column}) NOT IN ('null', 'blob', 'integer') ${inRow}
			OR typeof(${column}) = 'integer' AND ${column} <> 0 AND NOT EXISTS (${inTable})`;
	})
	.join(" OR ")}`;

/** Few at a time: each may have a mebibyte. */
const CHECKED_BODIES = "SELECT id, crc, size, bytes FROM body WHERE id > ? ORDER BY id LIMIT 16";

/**
 * Damage is not copied: the flows of such a tape are read one by one, which tells of it.
 * @throws FlowtapeError FT_STORE
 */
function checkFlows(copy: TapeDatabase, path: string): void {
	const fail = (what: string) => new FlowtapeError("FT_STORE", `${path}: the tape is damaged: ${what}`, { file: path });
	const odd = copy.get<{ seq: number }>(`SELECT seq FROM flow WHERE ${ODD_FLOW} LIMIT 1`);
	if (odd !== undefined) throw fail(`flow ${odd.seq} has a body that is not there`);
	const bodies = new BodyTable(copy);
	for (let last = 0; ; ) {
		const rows = copy.lists<[id: number, crc: number, size: number, bytes: Buffer | null]>(CHECKED_BODIES, last);
		const end = rows.at(-1);
		if (end === undefined) return;
		for (const [id, crc, size, bytes] of rows) {
			const isWhole = bytes === null ? bodies.damageOf(id, size) === null : bytes.length === size && crc32(bytes) === crc;
			if (!isWhole) throw fail(`the bytes of body ${id} are not those that were written`);
			passYoung(bytes?.length ?? 0);
		}
		last = end[0];
	}
}

const CHECKED_MESSAGES = "SELECT flow, n, flags, bytes FROM message WHERE (flow, n) > (?, ?) ORDER BY flow, n LIMIT 64";

/** As `checkFlows`. @throws FlowtapeError FT_STORE */
function checkMessages(copy: TapeDatabase, path: string): void {
	for (let last = [0, -1]; ; ) {
		const rows = copy.lists<[flow: number, n: number, flags: number, bytes: Buffer]>(CHECKED_MESSAGES, ...last);
		for (const [flow, n, flags, bytes] of rows) {
			if (!isWholeMessage({ bytes, flags }))
				throw new FlowtapeError("FT_STORE", `${path}: the tape is damaged: the bytes of a message of flow ${flow} are not those that were written`, {
					file: path,
				});
			passYoung(bytes.length);
			last = [flow, n];
		}
		if (rows.length === 0) return;
	}
}

/** Names another tape `source`. It was looked at when it was opened, and is once more: another may have its name by now. @throws FlowtapeError */
export function attach(to: TapeDatabase, path: string): void {
	to.insert("ATTACH ? AS source", path);
	try {
		const foreign = foreignObject(to.all<SchemaObject>("SELECT type, name, sql FROM source.sqlite_schema"), to.version("source"));
		if (foreign !== undefined) throw strange(path, foreign);
	} catch (error) {
		to.exec("DETACH source");
		throw error;
	}
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
