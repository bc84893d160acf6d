// Writes each connection and certificate once, even if many flows share it.
import type { ClientConnection, Connection, ServerConnection } from "../../flow/connection.ts";
import type { Lazy } from "../../flow/flow.ts";
import { RecentMap } from "../../flow/recent-map.ts";
import { certificateKey, packClient, packServer, type WriteCertificate } from "../record/pack-connection.ts";

/** The state in which a connection was last written. After a change it is written again. */
interface Written {
	row: number;
	connection: Connection;
	end: number | null;
	error: string | null;
	tcp: number | null;
	tls: number | null;
	bytes: Buffer;
}

/** Writes the rows. */
export interface ConnectionRows {
	/** Returns the id of the row. */
	addConnection(bytes: Uint8Array): number;
	/** Writes a certificate, unless the tape already has it. */
	addCertificate(hash: Uint8Array, pem: Uint8Array): void;
}

export class WrittenConnections {
	readonly #rows: ConnectionRows;
	/** By the connection's id. */
	readonly #clients: RecentMap<string, Written>;
	readonly #servers: RecentMap<string, Written>;
	readonly #certificates = new Set<string>();

	/**
	 * @param remembered minimum number of recent connections remembered, so that flows that share one refer to one row
	 */
	constructor(rows: ConnectionRows, remembered = 1000) {
		this.#rows = rows;
		this.#clients = new RecentMap(remembered);
		this.#servers = new RecentMap(remembered);
	}

	/** Returns the id of the connection's row. */
	writeClient(client: ClientConnection | Lazy<ClientConnection>): number {
		return this.#write(typeof client === "function" ? client() : client, null, this.#clients, packClient);
	}

	writeServer(server: ServerConnection | Lazy<ServerConnection>): number {
		const read = typeof server === "function" ? server() : server;
		return this.#write(read, read.timestampTcpSetup, this.#servers, packServer);
	}

	#write<C extends Connection>(
		connection: C,
		tcp: number | null,
		known: RecentMap<string, Written>,
		pack: (connection: C, writeCertificate: WriteCertificate) => Buffer,
	): number {
		const { id, timestampEnd: end, timestampTlsSetup: tls, error } = connection;
		const last = known.get(id);
		if (
			last?.connection === connection &&
			last.end === end &&
			last.tls === tls &&
			last.tcp === tcp &&
			last.error === error
		)
			return last.row;
		const bytes = pack(connection, this.#writeCertificate);
		// flows read from a file have different objects for the same connection
		const row = last?.bytes.equals(bytes) ? last.row : this.#rows.addConnection(bytes);
		known.set(id, { row, connection, end, error, tcp, tls, bytes });
		return row;
	}

	readonly #writeCertificate: WriteCertificate = (pem) => {
		const hash = certificateKey(pem);
		const key = hash.latin1Slice();
		if (!this.#certificates.has(key)) {
			this.#certificates.add(key);
			this.#rows.addCertificate(hash, pem);
		}
		return hash;
	};
}
