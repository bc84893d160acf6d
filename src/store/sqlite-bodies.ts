// The bodies of a tape: small ones in the flow's row, equal ones once, large ones in pieces; read when somebody asks.
import { createHash } from "node:crypto";
import { FlowtapeError } from "../errors.ts";
import { type Body, type BodySource, bodyChunks } from "../flow/body.ts";
import type { StoredBody } from "./codec.ts";
import type { TapeDatabase } from "./sqlite-database.ts";

/** Bodies up to this many bytes stand in the flow's own row. */
const INLINE_BYTES = 256;
/** Bodies beyond this many bytes are cut in pieces of it. */
const CHUNK_BYTES = 1024 * 1024;
/** Known bodies to which equal ones are referred; the oldest are forgotten. */
const KNOWN_BODIES = 50_000;

export class BodyTable {
	readonly #db: TapeDatabase;
	readonly #known = new Map<string, number>();
	/** Bytes written since they were last asked for. */
	#written = 0;
	/** Bodies that were read ahead for the flows of one batch. */
	#ahead: ReadonlyMap<number, Buffer | null> = new Map();

	constructor(db: TapeDatabase) {
		this.#db = db;
	}

	takeWritten(): number {
		const written = this.#written;
		this.#written = 0;
		return written;
	}

	write(body: Body): StoredBody {
		if (body === null) return null;
		const { length: size } = Buffer.isBuffer(body) ? body : { length: body.size };
		this.#written += size;
		if (size > CHUNK_BYTES) return this.#writeChunks(size, body);
		const bytes = Buffer.isBuffer(body) ? body : body.read();
		if (size <= INLINE_BYTES) return bytes;
		const hash = createHash("sha256").update(bytes).digest();
		const key = hash.latin1Slice(0, 16);
		const known = this.#known.get(key);
		if (known !== undefined) return known;
		const id = this.#db.insert("INSERT INTO body (hash, size, bytes) VALUES (?, ?, ?)", hash, size, bytes);
		this.#known.set(key, id);
		if (this.#known.size > KNOWN_BODIES) this.#known.delete(this.#known.keys().next().value as string);
		return id;
	}

	#writeChunks(size: number, body: Buffer | BodySource): number {
		const id = this.#db.insert("INSERT INTO body (hash, size, bytes) VALUES (NULL, ?, NULL)", size);
		let n = 0;
		for (const piece of bodyChunks(body)) {
			for (let at = 0; at < piece.length; at += CHUNK_BYTES)
				this.#db.insert("INSERT INTO chunk VALUES (?, ?, ?)", id, n++, piece.subarray(at, at + CHUNK_BYTES));
		}
		return id;
	}

	read(stored: StoredBody): Body {
		if (typeof stored === "number") return new LazyBody(this, stored);
		return stored === null ? null : Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
	}

	/** Reads the bodies of a batch in one go; a range costs a third of asking one by one. */
	readAhead(stored: readonly StoredBody[]): void {
		const ids = stored.filter((each) => typeof each === "number");
		let low = Number.POSITIVE_INFINITY;
		let high = 0;
		for (const id of ids) {
			low = Math.min(low, id);
			high = Math.max(high, id);
		}
		// bodies referred to from far away are read one by one, when asked for
		const isDense = high - low < ids.length * 4;
		const rows = isDense ? this.#db.all<{ id: number; bytes: Buffer | null }>("SELECT id, bytes FROM body WHERE id BETWEEN ? AND ?", low, high) : [];
		this.#ahead = new Map(rows.map((row) => [row.id, row.bytes]));
	}

	sizeOf(id: number): number {
		return this.#row<{ size: number }>("size", id).size;
	}

	bytesOf(id: number): Buffer {
		return this.#ahead.get(id) ?? this.#row<{ bytes: Buffer | null }>("bytes", id).bytes ?? Buffer.concat([...this.#pieces(id)]);
	}

	chunksOf(id: number): Iterable<Buffer> {
		const { bytes } = this.#row<{ bytes: Buffer | null }>("bytes", id);
		return bytes === null ? this.#pieces(id) : [bytes];
	}

	*#pieces(id: number): Generator<Buffer> {
		for (let n = 0; ; n++) {
			const row = this.#db.get<{ bytes: Buffer }>("SELECT bytes FROM chunk WHERE body = ? AND n = ?", id, n);
			if (row === undefined) return;
			yield row.bytes;
		}
	}

	#row<R>(column: string, id: number): R {
		const row = this.#db.get<R>(`SELECT ${column} FROM body WHERE id = ?`, id);
		if (row === undefined) throw new FlowtapeError("FT_STORE", `${this.#db.path}: the tape is damaged: body ${id} is not there`, { file: this.#db.path });
		return row;
	}
}

class LazyBody implements BodySource {
	readonly #table: BodyTable;
	readonly #id: number;

	constructor(table: BodyTable, id: number) {
		this.#table = table;
		this.#id = id;
	}

	get size(): number {
		return this.#table.sizeOf(this.#id);
	}

	read(): Buffer {
		return this.#table.bytesOf(this.#id);
	}

	chunks(): Iterable<Buffer> {
		return this.#table.chunksOf(this.#id);
	}
}
