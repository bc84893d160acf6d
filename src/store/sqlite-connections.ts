// The connections of a tape and their certificates: once each, however many flows share them.
import { createHash } from "node:crypto";
import type { ClientConnection, Connection, ServerConnection } from "../flow/connection.ts";
import { BatchRows } from "./batch-rows.ts";
import { packClient, packServer, unpackClient, unpackServer } from "./pack-connection.ts";
import { RecentMap } from "./recent-map.ts";
import type { TapeDatabase } from "./sqlite-database.ts";

/** Connections that are remembered, so that flows which share one refer to one row. */
const KNOWN_CONNECTIONS = 1000;

const EMPTY = Buffer.alloc(0);

/** A connection as it was when it was written. It is written again once it has changed. */
interface Written {
	row: number;
	connection: Connection;
	end: number | null;
	error: string | null;
	tcp: number | null;
	tls: number | null;
	bytes: Buffer;
}

type WriteCertificate = (pem: Uint8Array) => Uint8Array;

export class ConnectionTable {
	readonly #db: TapeDatabase;
	/** By the connection's id. */
	readonly #clients = new RecentMap<string, Written>(KNOWN_CONNECTIONS);
	readonly #servers = new RecentMap<string, Written>(KNOWN_CONNECTIONS);
	readonly #certificates = new Set<string>();
	readonly #rows: BatchRows;

	constructor(db: TapeDatabase) {
		this.#db = db;
		this.#rows = new BatchRows(db, "connection");
	}

	/** The number of a connection's row. */
	writeClient(client: ClientConnection): number {
		return this.#write(client, null, this.#clients, packClient);
	}

	writeServer(server: ServerConnection): number {
		return this.#write(server, server.timestampTcpSetup, this.#servers, packServer);
	}

	#write<C extends Connection>(
		connection: C,
		tcp: number | null,
		known: RecentMap<string, Written>,
		pack: (connection: C, writeCertificate: WriteCertificate) => Buffer,
	): number {
		const { id, timestampEnd: end, timestampTlsSetup: tls, error } = connection;
		const last = known.get(id);
		if (last?.connection === connection && last.end === end && last.tls === tls && last.tcp === tcp && last.error === error) return last.row;
		const bytes = pack(connection, this.#writeCertificate);
		// flows that were read have objects of their own for one connection
		const row = last?.bytes.equals(bytes) ? last.row : this.#db.insert("INSERT INTO connection (bytes) VALUES (?)", bytes);
		known.set(id, { row, connection, end, error, tcp, tls, bytes });
		return row;
	}

	readonly #writeCertificate: WriteCertificate = (pem) => {
		const hash = createHash("sha256").update(pem).digest();
		const key = hash.latin1Slice();
		if (!this.#certificates.has(key)) {
			this.#certificates.add(key);
			this.#db.insert("INSERT OR IGNORE INTO certificate VALUES (?, ?)", hash, pem);
		}
		return hash;
	};

	/** Empty where the tape has lost it. */
	readonly #readCertificate = (hash: Uint8Array): Uint8Array => {
		return this.#db.get<{ pem: Uint8Array }>("SELECT pem FROM certificate WHERE hash = ?", hash)?.pem ?? EMPTY;
	};

	/** The connections of the flows that are read next. */
	expect(rows: readonly number[]): void {
		this.#rows.expect(rows);
	}

	/** @throws FlowtapeError FT_CORRUPT_FLOW */
	readClient(row: number): ClientConnection {
		return unpackClient(this.#rows.get(row) ?? EMPTY, this.#readCertificate);
	}

	/** @throws FlowtapeError FT_CORRUPT_FLOW */
	readServer(row: number): ServerConnection {
		return unpackServer(this.#rows.get(row) ?? EMPTY, this.#readCertificate);
	}
}
