// The connections of a tape, which its flows share, and their certificates. They are read on access.
import { FlowtapeError } from "../../errors.ts";
import { NO_BYTES } from "../../flow/bytes.ts";
import type { ClientConnection, ServerConnection } from "../../flow/connection.ts";
import { RecentMap } from "../../flow/recent-map.ts";
import { isCertificate, unpackClient, unpackServer } from "../record/pack-connection.ts";
import { BatchRows } from "./batch-rows.ts";
import type { TapeDatabase } from "./database.ts";

/** Bytes of cached certificates: most connections share the same ones. */
const CERTIFICATE_BYTES = 1024 * 1024;

/** Called with the id of a connection of which a certificate is damaged or missing. */
export type OnLostCertificate = (connection: number, cause: unknown) => void;

export class ConnectionTable {
	readonly #db: TapeDatabase;
	readonly #rows: BatchRows<[bytes: Buffer]>;
	readonly #onLost: OnLostCertificate;
	/** The number of connections if their ids are exactly 1 to that number, otherwise 0; undefined: not counted yet. */
	#gapless: number | undefined;
	/** Certificates by their keys. */
	readonly #certificates = new RecentMap<string, Uint8Array>(CERTIFICATE_BYTES, ({ length }) => length);

	constructor(db: TapeDatabase, onLost: OnLostCertificate) {
		this.#db = db;
		this.#onLost = onLost;
		this.#rows = new BatchRows(db, "connection", "bytes");
	}

	/** The certificate with a key. If it is damaged or missing, reports that and returns an empty one. */
	#certificate(connection: number, hash: Uint8Array): Uint8Array {
		const key = Buffer.from(hash).latin1Slice();
		const known = this.#certificates.get(key);
		if (known !== undefined) return known;
		try {
			const pem = this.#db.get<{ pem: Uint8Array }>("SELECT pem FROM certificate WHERE hash = ?", hash)?.pem;
			if (pem === undefined) throw new FlowtapeError("FT_STORE", "it is missing");
			if (!isCertificate(hash, pem)) throw new FlowtapeError("FT_STORE", "its hash does not match");
			this.#certificates.set(key, pem);
			return pem;
		} catch (error) {
			if (!FlowtapeError.is(error, "FT_STORE")) throw error;
			this.#onLost(connection, error);
			return NO_BYTES;
		}
	}

	/** Sets the connections of the flows that are read next. */
	expect(rows: readonly number[]): void {
		this.#rows.expect(rows);
	}

	/** Whether a row exists. If no id is missing, one query answers for the whole table. */
	has(row: number): boolean {
		this.#gapless ??= this.#countGapless();
		return (
			(row >= 1 && row <= this.#gapless) || this.#db.get("SELECT 1 FROM connection WHERE id = ?", row) !== undefined
		);
	}

	#countGapless(): number {
		const { n, first, last } = this.#db.get<{ n: number; first: number | null; last: number | null }>(
			"SELECT count(*) AS n, min(id) AS first, max(id) AS last FROM connection",
		) ?? { n: 0, first: null, last: null };
		return first === 1 && last === n ? n : 0;
	}

	/** @throws FlowtapeError FT_CORRUPT_FLOW */
	readClient(row: number): ClientConnection {
		return unpackClient(this.#rows.get(row)?.[0] ?? NO_BYTES, (hash) => this.#certificate(row, hash));
	}

	/** @throws FlowtapeError FT_CORRUPT_FLOW */
	readServer(row: number): ServerConnection {
		return unpackServer(this.#rows.get(row)?.[0] ?? NO_BYTES, (hash) => this.#certificate(row, hash));
	}
}
