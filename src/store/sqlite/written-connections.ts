// Connections on their way into a tape: once each, however many flows share them, and their certificates too.
import { createHash } from "node:crypto";
import type { ClientConnection, Connection, ServerConnection } from "../../flow/connection.ts";
import { RecentMap } from "../recent-map.ts";
import { packClient, packServer } from "../record/pack-connection.ts";

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

/** Where the rows go. */
export interface ConnectionRows {
	/** The number of the row. */
	addConnection(bytes: Uint8Array): number;
	/** One that is there already is left as it is. */
	addCertificate(hash: Uint8Array, pem: Uint8Array): void;
}

export class WrittenConnections {
	readonly #rows: ConnectionRows;
	/** By the connection's id. */
	readonly #clients: RecentMap<string, Written>;
	readonly #servers: RecentMap<string, Written>;
	readonly #certificates = new Set<string>();

	/** @param remembered how many connections are, at least, so that flows which share one refer to one row */
	constructor(rows: ConnectionRows, remembered = 1000) {
		this.#rows = rows;
		this.#clients = new RecentMap(remembered);
		this.#servers = new RecentMap(remembered);
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
		const row = last?.bytes.equals(bytes) ? last.row : this.#rows.addConnection(bytes);
		known.set(id, { row, connection, end, error, tcp, tls, bytes });
		return row;
	}

	readonly #writeCertificate: WriteCertificate = (pem) => {
		const hash = createHash("sha256").update(pem).digest();
		const key = hash.latin1Slice();
		if (!this.#certificates.has(key)) {
			this.#certificates.add(key);
			this.#rows.addCertificate(hash, pem);
		}
		return hash;
	};
}
