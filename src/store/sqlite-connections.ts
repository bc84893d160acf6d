// The connections of a tape and their certificates: once each, however many flows share them.
import { createHash } from "node:crypto";
import type { ClientConnection, Connection, ServerConnection } from "../flow/connection.ts";
import { packClient, packServer, unpackClient, unpackServer } from "./pack-connection.ts";
import type { TapeDatabase } from "./sqlite-database.ts";

/** Known connections to which flows are referred; the oldest are forgotten. */
const KNOWN_CONNECTIONS = 5000;

/** A connection as it was when it was written. It is written again once it has changed. */
interface Written {
	id: number;
	end: number | null;
	error: string | null;
	tcp: number | null;
	tls: number | null;
}

export class ConnectionTable {
	readonly #db: TapeDatabase;
	/** By object: the flows of a live connection share it. */
	readonly #written = new WeakMap<Connection, Written>();
	/** By content: flows that were read have objects of their own. */
	readonly #known = new Map<string, number>();
	readonly #certificates = new Set<string>();

	constructor(db: TapeDatabase) {
		this.#db = db;
	}

	writeClient(client: ClientConnection): number {
		return this.#writeOnce(client, null, packClient);
	}

	writeServer(server: ServerConnection): number {
		return this.#writeOnce(server, server.timestampTcpSetup, packServer);
	}

	#writeOnce<C extends Connection>(
		connection: C,
		tcp: number | null,
		pack: (connection: C, writeCertificate: (pem: Uint8Array) => Uint8Array) => Buffer,
	): number {
		const { timestampEnd: end, timestampTlsSetup: tls, error } = connection;
		const written = this.#written.get(connection);
		if (written !== undefined && written.end === end && written.tls === tls && written.tcp === tcp && written.error === error) return written.id;
		const id = this.write(pack(connection, (pem) => this.#writeCertificate(pem)));
		this.#written.set(connection, { id, end, error, tcp, tls });
		return id;
	}

	/** A packed connection; its number. */
	write(bytes: Buffer): number {
		const key = bytes.latin1Slice();
		const known = this.#known.get(key);
		if (known !== undefined) return known;
		const id = this.#db.insert("INSERT INTO connection (bytes) VALUES (?)", bytes);
		this.#known.set(key, id);
		if (this.#known.size > KNOWN_CONNECTIONS) this.#known.delete(this.#known.keys().next().value as string);
		return id;
	}

	#writeCertificate(pem: Uint8Array): Uint8Array {
		const hash = createHash("sha256").update(pem).digest();
		const key = hash.latin1Slice();
		if (!this.#certificates.has(key)) {
			this.#certificates.add(key);
			this.#db.insert("INSERT OR IGNORE INTO certificate VALUES (?, ?)", hash, pem);
		}
		return hash;
	}

	/** Empty where there is none, as for a flow whose connection is missing. */
	readonly #readCertificate = (hash: Uint8Array): Uint8Array => {
		return this.#db.get<{ pem: Uint8Array }>("SELECT pem FROM certificate WHERE hash = ?", hash)?.pem ?? Buffer.alloc(0);
	};

	/** @throws FlowtapeError FT_CORRUPT_FLOW */
	readClient(seq: number): ClientConnection {
		return unpackClient(this.#read(seq, "client_conn"), this.#readCertificate);
	}

	/** @throws FlowtapeError FT_CORRUPT_FLOW */
	readServer(seq: number): ServerConnection {
		return unpackServer(this.#read(seq, "server_conn"), this.#readCertificate);
	}

	#read(seq: number, column: "client_conn" | "server_conn"): Uint8Array {
		const sql = `SELECT bytes FROM connection WHERE id = (SELECT ${column} FROM flow WHERE seq = ?)`;
		return this.#db.get<{ bytes: Uint8Array }>(sql, seq)?.bytes ?? Buffer.alloc(0);
	}
}
