// Copies rows of flows from one tape to a new one, together with the rows they refer to, and verifies them.
import { randomBytes } from "node:crypto";
import { crc32 } from "../../crc32.ts";
import type { FlowtapeError } from "../../errors.ts";
import { collectTransientBuffers } from "../../flow/young-buffers.ts";
import { messageCount } from "../record/codec.ts";
import { certificateKeys, isCertificate } from "../record/pack-connection.ts";
import { isVerifiedRecord, isWholeFlow, isWholeMessage, SUMMED_FLOW } from "../record/row-sum.ts";
import type { TapeDatabase } from "./database.ts";
import { foreignObject, SCHEMA_VERSION, type SchemaObject } from "./schema.ts";
import { damagedTape, foreignObjectError } from "./store-errors.ts";

const COPY_FLOWS = "INSERT INTO flow SELECT * FROM source.flow WHERE seq IN (SELECT value FROM json_each(?))";
/** The checksummed bytes of many flows, joined to one value. Joining costs less than one query for each flow. */
const CHECK_FLOWS = `SELECT CAST(group_concat(${SUMMED_FLOW}, ?) AS BLOB) FROM flow WHERE seq BETWEEN ? AND ?`;
const CHECKED_FLOWS = 200;
/** Separator of the flows in that value. It is random, so that no row contains it. */
const BETWEEN_FLOWS = randomBytes(12);
const COPY_MESSAGES =
	"INSERT INTO message SELECT * FROM source.message WHERE flow IN (SELECT seq FROM flow) AND is_whole_message(flow, n, at, from_client, opcode, flags, bytes)";
/** The number of messages that the heads of flows state. Read with the flows, as their checksums are. */
const CREATE_STATED = "CREATE TEMP TABLE stated (flow INTEGER PRIMARY KEY, messages INTEGER) STRICT";
const ADD_STATED = `INSERT INTO stated SELECT seq, message_count(kind, head) FROM flow
	WHERE seq BETWEEN ? AND ? AND (has_websocket <> 0 OR kind IN ('tcp', 'udp'))`;
const UNLIKE_STATED =
	"SELECT flow FROM stated WHERE messages <> (SELECT count(*) FROM message WHERE message.flow = stated.flow)";
/** The distinct connections referred to by flows. */
const REFERRED_CONNECTIONS = `
	CREATE TEMP TABLE referred (id INTEGER PRIMARY KEY) STRICT;
	INSERT INTO referred SELECT client_conn FROM flow WHERE true ON CONFLICT DO NOTHING;
	INSERT INTO referred SELECT server_conn FROM flow WHERE true ON CONFLICT DO NOTHING;
`;
const COPY_CONNECTIONS =
	"INSERT INTO connection SELECT connection.* FROM referred CROSS JOIN source.connection AS connection USING (id)";

/**
 * The distinct bodies referred to by flows, with the size given there; -1: the flows disagree on it. Inline bodies of
 * the wrong size are included, so that they are reported.
 */
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
 * @param chosen sequence numbers of the flows, in batches
 * @returns the number of flows; null, with nothing copied, if the tape at `path` has another schema version
 * @throws FlowtapeError FT_STORE if any row is damaged. Reading flow by flow then keeps the other flows and reports the
 * damage.
 */
export function copyRows(to: TapeDatabase, path: string, chosen: Iterable<readonly number[]>): number | null {
	attach(to, path);
	try {
		if (to.version("source") !== SCHEMA_VERSION) return null;
		to.exec("BEGIN");
		defineChecks(to, path);
		to.exec(CREATE_STATED);
		let [count, expected] = [0, 0];
		for (const numbers of chosen) {
			expected += numbers.length;
			count += copyFlows(to, path, numbers);
		}
		if (to.get("SELECT 1 FROM flow WHERE seq < 1") !== undefined) throw damagedTape(path, "flows have numbers below 1");
		copyMessages(to, path);
		copyBodies(to, path);
		copyConnections(to, path);
		if (new CertificateCopy(to, path).copyFor("1") > 0)
			throw damagedTape(path, "a certificate of a connection is missing");
		if (to.get("SELECT 1 FROM certificate WHERE NOT is_certificate(hash, pem)") !== undefined)
			throw notWritten(path, "a certificate");
		if (count !== expected) throw damagedTape(path, `${expected - count} of the flows are not there`);
		to.exec("COMMIT");
		return count;
	} finally {
		to.rollback();
		to.exec("DETACH source");
	}
}

// rows are verified while SQLite copies them: reading them again would cost as much as copying

function copyFlows(to: TapeDatabase, path: string, numbers: readonly number[]): number {
	let count = 0;
	for (let at = 0; at < numbers.length; at += CHECKED_FLOWS) {
		const some = numbers.slice(at, at + CHECKED_FLOWS);
		const [first, last] = [some[0], some.at(-1)];
		count += to.run(COPY_FLOWS, JSON.stringify(some)).changes;
		const rows = to.column<Buffer | null>(CHECK_FLOWS, BETWEEN_FLOWS, first, last)[0];
		if (rows != null && !areWholeFlows(rows)) throw notWritten(path, `one of the flows ${first} to ${last}`);
		to.run(ADD_STATED, first, last);
	}
	return count;
}

function areWholeFlows(rows: Buffer): boolean {
	for (let at = 0; ; ) {
		const end = rows.indexOf(BETWEEN_FLOWS, at);
		if (!isWholeFlow(rows.subarray(at, end === -1 ? rows.length : end))) return false;
		if (end === -1) return true;
		at = end + BETWEEN_FLOWS.length;
	}
}

function defineChecks(to: TapeDatabase, path: string): void {
	to.define("message_count", (kind: string, head: Uint8Array) => messageCount(kind, head));
	to.define("is_certificate", (hash: unknown, pem: unknown) => (isCertificate(hash, pem) ? 1 : 0));
	to.define(
		"is_whole_message",
		(
			flow: number,
			n: number,
			at: number,
			from_client: number,
			opcode: number | null,
			flags: number,
			bytes: Uint8Array,
		) => {
			if (!isWholeMessage(flow, n, { at, from_client, opcode, flags, bytes }))
				throw notWritten(path, `a message of flow ${flow}`);
			collectTransientBuffers(bytes.length);
			return 1;
		},
	);
}

function copyMessages(to: TapeDatabase, path: string): void {
	to.run(COPY_MESSAGES);
	const broken = to.get<{ flow: number }>(
		"SELECT flow FROM message GROUP BY flow HAVING min(n) <> 0 OR max(n) <> count(*) - 1",
	);
	const short = broken ?? to.get<{ flow: number }>(UNLIKE_STATED);
	if (short !== undefined) throw damagedTape(path, `a message of flow ${short.flow} is missing`);
	to.exec("DROP TABLE stated");
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
	if (to.get<{ n: number }>("SELECT count(*) AS n FROM referred")?.n !== changes)
		throw damagedTape(path, "a body is missing or has another size than its flow says");
	to.exec("DROP TABLE referred");
	for (const body of inPieces) if (!copyPieces(to, body)) throw notWritten(path, `body ${body.id}`);
}

function copyConnections(to: TapeDatabase, path: string): void {
	to.exec(REFERRED_CONNECTIONS);
	const { changes } = to.run(COPY_CONNECTIONS);
	if (to.get<{ n: number }>("SELECT count(*) AS n FROM referred")?.n !== changes)
		throw damagedTape(path, "a connection is missing");
	to.exec("DROP TABLE referred");
}

/** A row of `body` whose bytes are in chunks. */
interface BodyLength {
	readonly id: number;
	readonly crc: number;
	readonly size: number;
}

/** Copies the chunks of a body. Returns false if their size or checksum does not match. */
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

/** On a damaged tape a column may hold a value of any type. */
function isBytes(value: unknown): value is Uint8Array {
	return value instanceof Uint8Array;
}

function notWritten(path: string, what: string): FlowtapeError {
	return damagedTape(path, `the checksum of ${what} does not match`);
}

/**
 * Attaches another tape as `source`. Its schema is checked again, because the file may have been replaced since it was
 * opened.
 * @throws FlowtapeError
 */
export function attach(to: TapeDatabase, path: string): void {
	to.insert("ATTACH ? AS source", path);
	try {
		const foreign = foreignObject(
			to.all<SchemaObject>("SELECT type, name, sql FROM source.sqlite_schema"),
			to.version("source"),
		);
		if (foreign !== undefined) throw foreignObjectError(path, foreign);
	} catch (error) {
		to.exec("DETACH source");
		throw error;
	}
}

/** Verifies copied connections and copies their certificates. */
export class CertificateCopy {
	readonly #to: TapeDatabase;
	readonly #path: string;
	readonly #copied = new Set<string>();

	/** @param path path of the tape attached as `source` */
	constructor(to: TapeDatabase, path: string) {
		this.#to = to;
		this.#path = path;
	}

	/**
	 * Verifies the copied connections that meet a SQL condition, and copies their certificates. Returns the number of
	 * missing certificates.
	 * @throws FlowtapeError FT_STORE for a damaged connection
	 */
	copyFor(condition: string, ...parameters: unknown[]): number {
		const keys = new Set<string>();
		for (const { id, bytes } of this.#to.iterate<{ id: number; bytes: unknown }>(
			`SELECT id, bytes FROM connection WHERE ${condition}`,
			...parameters,
		)) {
			if (!isBytes(bytes) || !isVerifiedRecord(bytes)) throw notWritten(this.#path, `connection ${id}`);
			for (const key of certificateKeys(bytes)) keys.add(key.latin1Slice());
		}
		let missing = 0;
		for (const key of keys) {
			if (this.#copied.has(key)) continue;
			this.#copied.add(key);
			const sql = "INSERT OR IGNORE INTO certificate SELECT * FROM source.certificate WHERE hash = ?";
			if (this.#to.run(sql, Buffer.from(key, "latin1")).changes === 0) missing++;
		}
		return missing;
	}
}
