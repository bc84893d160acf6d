// The connections of a tape, which its flows share, and their certificates: read when somebody asks.
import type { ClientConnection, ServerConnection } from "../../flow/connection.ts";
import { unpackClient, unpackServer } from "../record/pack-connection.ts";
import { BatchRows } from "./batch-rows.ts";
import type { TapeDatabase } from "./database.ts";

const EMPTY = Buffer.alloc(0);

export class ConnectionTable {
	readonly #db: TapeDatabase;
	readonly #rows: BatchRows<[bytes: Buffer]>;

	constructor(db: TapeDatabase) {
		this.#db = db;
		this.#rows = new BatchRows(db, "connection", "bytes");
	}

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
		return unpackClient(this.#rows.get(row)?.[0] ?? EMPTY, this.#readCertificate);
	}

	/** @throws FlowtapeError FT_CORRUPT_FLOW */
	readServer(row: number): ServerConnection {
		return unpackServer(this.#rows.get(row)?.[0] ?? EMPTY, this.#readCertificate);
	}
}
