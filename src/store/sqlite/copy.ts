// Flows of one tape taken over into a new one as they are, with all that they refer to.
import { crc32 } from "node:zlib";
import { FlowtapeError } from "../../errors.ts";
import { collectTransientBuffers } from "../../flow/young-buffers.ts";
import { isWholeMessage } from "../record/codec.ts";
import { certificateKeys } from "../record/pack-connection.ts";
import { strange, type TapeDatabase } from "./database.ts";
import { foreignObject, SCHEMA_VERSION, type SchemaObject } from "./schema.ts";

const COPY_FLOWS = "INSERT INTO flow SELECT * FROM source.flow WHERE seq IN (SELECT value FROM json_each(?))";
const COPY_MESSAGES = "INSERT INTO message SELECT * FROM source.message WHERE flow IN (SELECT seq FROM flow) AND is_whole_message(flow, flags, bytes)";
const COPY_CONNECTIONS = `
	INSERT INTO connection SELECT * FROM source.connection
		WHERE id IN (SELECT client_conn FROM flow UNION ALL SELECT server_conn FROM flow)`;

/** Whatever flows have in place of a body in their own row, once each; with the size that they give it, below 0 where they differ. */
const REFERRED = `
	CREATE TEMP TABLE referred (body ANY PRIMARY KEY, size INTEGER) STRICT, WITHOUT ROWID;
	${[
		["request_body", "request_size"],
		["response_body", "response_size"],
		["original_body", "NULL"],
	]
		.map(
			([body, size]) => `
			INSERT INTO referred SELECT ${body}, ${size} FROM flow WHERE ${body} <> 0 AND (typeof(${body}) <> 'blob' OR length(${body}) <> ${size})
				ON CONFLICT DO UPDATE SET size = -1 WHERE size <> excluded.size;`,
		)
		.join("")}
`;
const COPY_BODIES = `
	INSERT INTO body SELECT body.* FROM referred CROSS JOIN source.body AS body ON body.id = referred.body
		WHERE typeof(referred.body) = 'integer' AND ifnull(referred.size, body.size) = body.size AND is_whole_body(id, crc, body.size, bytes)`;

/**
 * Copies flows to an empty tape.
 * @param chosen numbers of the flows, in batches
 * @returns how many; null, and nothing is done, where the tape at `path` is of another version
 * @throws FlowtapeError FT_STORE where one is damaged: of those that are read one by one the others can be had, and it is told which
 */
export function copyRows(to: TapeDatabase, path: string, chosen: Iterable<readonly number[]>): number | null {
	attach(to, path);
	try {
		if (to.version("source") !== SCHEMA_VERSION) return null;
		to.exec("BEGIN");
		let count = 0;
		for (const numbers of chosen) count += to.run(COPY_FLOWS, JSON.stringify(numbers)).changes;
		if (to.get("SELECT 1 FROM flow WHERE seq < 1") !== undefined) throw damage(path, "flows have numbers below 1");
		copyMessages(to, path);
		copyBodies(to, path);
		to.run(COPY_CONNECTIONS);
		new CertificateCopy(to).of("1");
		to.exec("COMMIT");
		return count;
	} finally {
		to.rollback();
		to.exec("DETACH source");
	}
}

// rows are checked while SQLite copies them: reading them once more would cost as much as copying

function copyMessages(to: TapeDatabase, path: string): void {
	to.define("is_whole_message", (flow: number, flags: number, bytes: unknown) => {
		if (!isBytes(bytes) || !isWholeMessage({ bytes, flags })) throw notWritten(path, `a message of flow ${flow}`);
		collectTransientBuffers(bytes.length);
		return 1;
	});
	to.run(COPY_MESSAGES);
}

function copyBodies(to: TapeDatabase, path: string): void {
	const inPieces: BodyLength[] = [];
	to.define("is_whole_body", (id: number, crc: number, size: number, bytes: unknown) => {
		if (bytes === null) inPieces.push({ id, crc, size });
		else if (!isBytes(bytes) || bytes.length !== size || crc32(bytes) !== crc) throw notWritten(path, `body ${id}`);
		else collectTransientBuffers(size);
		return 1;
	});
	to.exec(REFERRED);
	const { changes } = to.run(COPY_BODIES);
	if (to.get<{ n: number }>("SELECT count(*) AS n FROM referred")?.n !== changes) throw damage(path, "a flow has a body that is not there");
	to.exec("DROP TABLE referred");
	for (const body of inPieces) if (!copyPieces(to, body)) throw notWritten(path, `body ${body.id}`);
}

/** A row of `body` whose bytes stand in pieces. */
interface BodyLength {
	readonly id: number;
	readonly crc: number;
	readonly size: number;
}

/** Returns false where they are not those that were written. */
function copyPieces(to: TapeDatabase, { id, crc, size }: BodyLength): boolean {
	let [foundCrc, foundSize] = [0, 0];
	for (let n = 0; foundSize < size; n++) {
		const bytes = to.get<{ bytes: unknown }>("SELECT bytes FROM source.chunk WHERE body = ? AND n = ?", id, n)?.bytes;
		if (!isBytes(bytes) || bytes.length === 0) return false;
		to.insert("INSERT INTO chunk VALUES (?, ?, ?)", id, n, bytes);
		foundCrc = crc32(bytes, foundCrc);
		foundSize += bytes.length;
		collectTransientBuffers(bytes.length);
	}
	return foundSize === size && foundCrc === crc;
}

/** Damage may have put anything in a column. */
function isBytes(value: unknown): value is Uint8Array {
	return value instanceof Uint8Array;
}

function notWritten(path: string, what: string): FlowtapeError {
	return damage(path, `the bytes of ${what} are not those that were written`);
}

function damage(path: string, what: string): FlowtapeError {
	return new FlowtapeError("FT_STORE", `${path}: the tape is damaged: ${what}`, { file: path });
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
