// The bodies of a tape. Small ones are in the flow's row, equal ones are stored once, and large ones are in chunks.
// Bodies are read on access.
import { createHash } from "node:crypto";
import { crc32 } from "../../crc32.ts";
import { FlowtapeError } from "../../errors.ts";
import { type Body, type BodySource, bodyBytes, bodyChunks, bodySize, SLICE_BYTES } from "../../flow/body.ts";
import { allocateBytes, asBuffer, NO_BYTES } from "../../flow/bytes.ts";
import { RecentMap } from "../../flow/recent-map.ts";
import { collectTransientBuffers } from "../../flow/young-buffers.ts";
import type { StoredBody } from "../record/flow-row.ts";
import { BatchRows } from "./batch-rows.ts";
import type { TapeDatabase } from "./database.ts";
import { damagedTape } from "./store-errors.ts";

/** Bodies up to this many bytes are stored in the flow's row. */
const INLINE_BYTES = 256;
/** Larger bodies are stored in chunks of this many bytes. */
const CHUNK_BYTES = 1024 * 1024;
/** Minimum number of recent bodies that are remembered, to find equal ones. */
const KNOWN_BODIES = 50_000;
/** When flows are appended to a tape: how many of its last bodies are remembered, in rows and in bytes. */
const EARLIER_BODIES = 10_000;
const EARLIER_BYTES = 32 * 1024 * 1024;
/** Bytes of stored bodies cached for comparison with new ones. */
const RECENT_BYTES = 4 * 1024 * 1024;
/** Bytes of rows that are cached while bodies are read in slices. */
const READ_BYTES = 8 * 1024 * 1024;

const EMPTY_BODY = 0;

/**
 * SQL condition for the bodies that are read together: on a forged tape, many may share their bytes, and their flows may
 * state smaller sizes.
 */
const IS_SMALL = `ifnull(length(bytes), 0) <= ${CHUNK_BYTES / 4}`;

/**
 * A row of `body`. A body larger than CHUNK_BYTES, or one that was spooled, has its bytes in rows of `chunk`, numbered
 * from 0; `bytes` is then null.
 */
type BodyRow = [bytes: Buffer | null, crc: number, size: number];

export class BodyTable {
	readonly #db: TapeDatabase;
	/** Ids of bodies by size and checksum. Candidates are compared byte by byte, because a CRC-32 can be forged. */
	#known: RecentMap<number, number> | undefined;
	readonly #recent = new RecentMap<number, Buffer>(RECENT_BYTES, ({ length }) => length);
	/** Chunks of bodies, by body id and chunk number. */
	readonly #partsRead = new RecentMap<string, Buffer>(READ_BYTES, ({ length }) => length);
	/** Bytes written since the last `takeWritten`. */
	#written = 0;
	/** Spooled bodies that no flow refers to yet. */
	readonly #unreferenced = new Set<number>();
	readonly #rows: BatchRows<BodyRow>;
	/** Bodies of the current batch whose checksum was verified. */
	readonly #whole = new Set<number>();

	constructor(db: TapeDatabase) {
		this.#db = db;
		this.#rows = new BatchRows(db, "body", "bytes, crc, size", IS_SMALL);
	}

	takeWritten(): number {
		const written = this.#written;
		this.#written = 0;
		return written;
	}

	/** Writes a body piece by piece; pass the result of `end` to `write`. `isKeyed`: also compute its SHA-256. */
	spool(isKeyed = false): { write(chunk: Uint8Array): void; end(): LazyBody } {
		const id = this.#db.insert("INSERT INTO body (crc, size, bytes) VALUES (0, 0, NULL)");
		this.#unreferenced.add(id);
		const hash = isKeyed ? createHash("sha256") : null;
		let [size, crc, n] = [0, 0, 0];
		return {
			write: (chunk) => {
				this.#written += chunk.length;
				size += chunk.length;
				crc = crc32(chunk, crc);
				hash?.update(chunk);
				n = this.#addChunks(id, n, chunk);
			},
			end: () => {
				this.#db.run("UPDATE body SET crc = ?, size = ? WHERE id = ?", crc, size, id);
				return new LazyBody(this, id, size, hash?.digest("hex"));
			},
		};
	}

	/** Removes spooled bodies that no flow refers to. */
	removeUnreferenced(): void {
		for (const id of this.#unreferenced) this.#remove(id);
	}

	/** Removes a body that no flow refers to any more, so that it is not found as an equal one later. */
	forget(id: number): void {
		const row = this.#db.get<{ crc: number; size: number }>("SELECT crc, size FROM body WHERE id = ?", id);
		if (row !== undefined) this.#known?.delete(keyOf(row.size, row.crc));
		this.#recent.delete(id);
		this.#remove(id);
	}

	#remove(id: number): void {
		this.#db.run("DELETE FROM chunk WHERE body = ?", id);
		this.#db.run("DELETE FROM body WHERE id = ?", id);
		this.#unreferenced.delete(id);
	}

	write(body: Body): StoredBody {
		if (body instanceof LazyBody && body.table === this) {
			this.#unreferenced.delete(body.id);
			return body.id;
		}
		const size = bodySize(body);
		if (body === null || size === null) return null;
		if (size === 0) return EMPTY_BODY;
		this.#written += size;
		if (size <= INLINE_BYTES) return bodyBytes(body);
		let crc = 0;
		for (const piece of bodyChunks(body)) crc = crc32(piece, crc);
		const key = keyOf(size, crc);
		this.#known ??= this.#earlier();
		const known = this.#known.get(key);
		if (known !== undefined && this.#isSame(known, size, body)) return known;
		const id = size > CHUNK_BYTES ? this.#writeChunks(size, crc, body) : this.#writeWhole(size, crc, body);
		this.#known.set(key, id);
		return id;
	}

	/**
	 * Returns the id of a spooled body. If an equal body is known, removes the spooled one and returns the id of the
	 * known one.
	 */
	adopt(body: LazyBody): number {
		const { id, size } = body;
		const key = keyOf(size, this.#db.get<{ crc: number }>("SELECT crc FROM body WHERE id = ?", id)?.crc ?? 0);
		this.#known ??= this.#earlier();
		const known = this.#known.get(key);
		if (known !== undefined && known !== id && this.#isSame(known, size, body)) {
			this.#remove(id);
			return known;
		}
		this.#unreferenced.delete(id);
		this.#known.set(key, id);
		return id;
	}

	#writeWhole(size: number, crc: number, body: Body): number {
		return this.#db.insert("INSERT INTO body (crc, size, bytes) VALUES (?, ?, ?)", crc, size, bodyBytes(body));
	}

	#writeChunks(size: number, crc: number, body: Body): number {
		const id = this.#db.insert("INSERT INTO body (crc, size, bytes) VALUES (?, ?, NULL)", crc, size);
		let n = 0;
		for (const piece of bodyChunks(body)) n = this.#addChunks(id, n, piece);
		return id;
	}

	/** Writes bytes as chunks of a body, numbered from `first`. Returns the number after the last one. */
	#addChunks(id: number, first: number, bytes: Uint8Array): number {
		let n = first;
		for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
			this.#db.insert("INSERT INTO chunk VALUES (?, ?, ?)", id, n++, bytes.subarray(at, at + CHUNK_BYTES));
		return n;
	}

	/** The last bodies of the tape, if flows are appended to one. */
	#earlier(): RecentMap<number, number> {
		const known = new RecentMap<number, number>(KNOWN_BODIES);
		let bytes = 0;
		for (const { id, crc, size } of this.#db.iterate<{ id: number; crc: number; size: number }>(
			"SELECT id, crc, size FROM body ORDER BY id DESC LIMIT ?",
			EARLIER_BODIES,
		)) {
			bytes += Math.min(size, CHUNK_BYTES);
			if (bytes > EARLIER_BYTES) break;
			known.set(keyOf(size, crc), id);
		}
		return known;
	}

	#isSame(id: number, size: number, body: Body): boolean {
		if (size > CHUNK_BYTES) return equalBytes(this.#pieces(id), bodyChunks(body));
		let bytes = this.#recent.get(id);
		if (bytes === undefined) {
			bytes = this.#bytes(id);
			this.#recent.set(id, bytes);
		}
		return bytes.equals(bodyBytes(body) as Buffer);
	}

	/** @throws FlowtapeError FT_STORE for a value that is not a body */
	read(stored: StoredBody, size: number | null): Body {
		if (stored === null) return null;
		this.#checkKind(stored);
		if (stored === EMPTY_BODY) return NO_BYTES;
		return typeof stored === "number" ? new LazyBody(this, stored, size ?? 0) : asBuffer(stored);
	}

	/** Sets the bodies of the flows that are read next, and their total size in bytes. */
	expect(stored: readonly StoredBody[], bytes: number): void {
		this.#whole.clear();
		this.#rows.expect(numbersOf(stored), bytes);
	}

	/** Reads bodies that will all be needed. */
	readAhead(stored: readonly StoredBody[]): void {
		this.#whole.clear();
		this.#rows.readAhead(numbersOf(stored));
	}

	/** All bytes of a stored body. */
	bytes(stored: StoredBody): Buffer | null {
		const body = typeof stored === "number" && stored !== EMPTY_BODY ? this.bytesOf(stored) : this.read(stored, 0);
		return bodyBytes(body);
	}

	/** All bytes of a body. @throws FlowtapeError FT_STORE if its size or checksum does not match */
	bytesOf(id: number): Buffer {
		const [bytes, crc, size] = this.#row(id);
		const found = bytes ?? this.#joined(id, size);
		if (!this.#whole.has(id)) {
			this.#check(id, found.length === size && crc32(found) === crc);
			this.#whole.add(id);
		}
		return found;
	}

	/** Joins all chunks of a body. Only one chunk is in memory besides the result. */
	#joined(id: number, size: number): Buffer {
		this.#check(id, this.#lengthOfPieces(id) === size);
		const joined = allocateBytes(size);
		let at = 0;
		for (const piece of this.#pieces(id)) at += piece.copy(joined, at);
		return joined;
	}

	/**
	 * As `bytesOf`, in chunks. The last chunk is yielded only after the checksum was verified, so that a damaged body
	 * never seems complete.
	 */
	chunksOf(id: number): Iterable<Buffer> {
		const [bytes, crc, size] = this.#row(id);
		if (bytes !== null) return [this.bytesOf(id)];
		return this.#whole.has(id) ? this.#pieces(id) : this.#checkedPieces(id, crc, size);
	}

	*#checkedPieces(id: number, expected: number, size: number): Generator<Buffer> {
		let [crc, length] = [0, 0];
		let last: Buffer | null = null;
		for (const piece of this.#pieces(id)) {
			if (last !== null) yield last;
			crc = crc32(piece, crc);
			length += piece.length;
			last = piece;
		}
		this.#check(id, length === size && crc === expected);
		if (last !== null) yield last;
	}

	/**
	 * Verifies a body. Returns the damage as an error; null: the body is intact. A body in one row stays cached for the
	 * next read.
	 * @param size the size according to the flow; null: unknown
	 * @param limit for a body in chunks with more bytes, only the lengths of the chunks are verified; the checksum is
	 * verified when they are read
	 */
	damageOf(stored: unknown, size: number | null, limit = Infinity): FlowtapeError | null {
		try {
			this.#checkAll(stored, size, limit);
			return null;
		} catch (error) {
			if (FlowtapeError.is(error, "FT_STORE")) return error;
			throw error;
		}
	}

	#checkAll(stored: unknown, size: number | null, limit: number): void {
		if (stored === null || stored === EMPTY_BODY) return;
		if (stored instanceof Uint8Array) {
			if (size !== null && stored.length !== size)
				throw this.#damage(`expected a body of ${size} bytes, found ${stored.length}`);
			return;
		}
		const id = this.#checkKind(stored) as number;
		if (this.#whole.has(id)) return;
		const [bytes, crc, whole] = this.#row(id);
		this.#check(id, size === null || size === whole);
		if (bytes === null && whole > limit) {
			this.#check(id, this.#lengthOfPieces(id) === whole);
			return;
		}
		if (bytes !== null) this.bytesOf(id);
		else for (const _ of this.#checkedPieces(id, crc, whole));
		this.#whole.add(id);
	}

	/** On a damaged tape a column may hold a value of any type. */
	#checkKind(stored: unknown): unknown {
		if (typeof stored === "number" ? stored >= 0 : stored instanceof Uint8Array) return stored;
		throw this.#damage("invalid reference to a body");
	}

	/** The total size of a body's chunks in bytes, without reading them; null if one is missing. */
	#lengthOfPieces(id: number): number | null {
		const sql =
			"SELECT count(*) AS count, min(n) AS first, max(n) AS last, sum(length(bytes)) AS length FROM chunk WHERE body = ?";
		const row = this.#db.get<{ count: number; first: number | null; last: number; length: number }>(sql, id);
		return row !== undefined && row.first === 0 && row.last === row.count - 1 ? row.length : null;
	}

	/** As `chunksOf`, but yields small copies, so that a row stays in memory only while it is in the cache. */
	*slicesOf(id: number): Generator<Buffer> {
		const [, expected, size] = this.#row(id);
		let [crc, length] = [0, 0];
		for (let n = 0; length < size; n++) {
			const { length: rowLength } = this.#part(id, n);
			crc = crc32(this.#part(id, n), crc);
			length += rowLength;
			// the last slices are yielded only after the checksum was verified
			if (length >= size) this.#check(id, length === size && crc === expected);
			for (let at = 0; at < rowLength; at += SLICE_BYTES)
				yield Buffer.from(this.#part(id, n).subarray(at, at + SLICE_BYTES));
		}
	}

	/** The bytes in the row of a body, or in its chunk `n`. */
	#part(id: number, n: number): Buffer {
		const name = `${id} ${n}`;
		const known = this.#partsRead.get(name);
		if (known !== undefined) return known;
		const part =
			this.#row(id)[0] ??
			this.#db.get<{ bytes: Buffer }>("SELECT bytes FROM chunk WHERE body = ? AND n = ?", id, n)?.bytes;
		if (part === undefined || part.length === 0) throw this.#damage(`chunk ${n} of body ${id} is missing`);
		collectTransientBuffers(part.length);
		this.#partsRead.set(name, part);
		return part;
	}

	*#pieces(id: number): Generator<Buffer> {
		for (let n = 0; ; n++) {
			const row = this.#db.get<{ bytes: Buffer }>("SELECT bytes FROM chunk WHERE body = ? AND n = ?", id, n);
			if (row === undefined) return;
			collectTransientBuffers(row.bytes.length);
			yield row.bytes;
		}
	}

	/** All bytes of a body. They are not verified, because they are only compared. */
	#bytes(id: number): Buffer {
		return this.#row(id)[0] ?? Buffer.concat([...this.#pieces(id)]);
	}

	#row(id: number): BodyRow {
		const row = this.#rows.get(id);
		if (row === undefined) throw this.#damage(`body ${id} is missing`);
		return row;
	}

	#check(id: number, isWhole: boolean): void {
		if (!isWhole) throw this.#damage(`the size or checksum of body ${id} does not match`);
	}

	#damage(what: string): FlowtapeError {
		return damagedTape(this.#db.path, what);
	}
}

function numbersOf(stored: readonly StoredBody[]): number[] {
	return stored.filter((each) => typeof each === "number" && each !== EMPTY_BODY) as number[];
}

/** Unique for bodies up to 2 MiB; beyond that, different sizes may share a key. */
function keyOf(size: number, crc: number): number {
	return size * 2 ** 32 + crc;
}

/** Whether two sequences of pieces have the same bytes, wherever they are split. */
function equalBytes(one: Iterable<Buffer>, other: Iterable<Buffer>): boolean {
	const pieces = other[Symbol.iterator]();
	let rest: Buffer = NO_BYTES;
	for (let piece of one) {
		while (piece.length > 0) {
			if (rest.length === 0) {
				const { value, done } = pieces.next();
				if (done) return false;
				rest = value;
			}
			const size = Math.min(piece.length, rest.length);
			if (!piece.subarray(0, size).equals(rest.subarray(0, size))) return false;
			piece = piece.subarray(size);
			rest = rest.subarray(size);
		}
	}
	return rest.length === 0 && pieces.next().done === true;
}

/** A body stored on a tape and read on access. */
export class LazyBody implements BodySource {
	readonly table: BodyTable;
	readonly id: number;
	readonly size: number;
	readonly sha256: string | undefined;

	constructor(table: BodyTable, id: number, size: number, sha256?: string) {
		this.table = table;
		this.id = id;
		this.size = size;
		this.sha256 = sha256;
	}

	read(): Buffer {
		return this.table.bytesOf(this.id);
	}

	chunks(): Iterable<Buffer> {
		return this.table.chunksOf(this.id);
	}

	slices(): Iterable<Buffer> {
		return this.table.slicesOf(this.id);
	}
}
