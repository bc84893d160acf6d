// The bodies of a tape: small ones in the flow's row, equal ones once, large ones in pieces; read when somebody asks.
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { FlowtapeError } from "../../errors.ts";
import { type Body, type BodySource, bodyBytes, bodyChunks, bodySize, SLICE_BYTES } from "../../flow/body.ts";
import { collectTransientBuffers } from "../../flow/young-buffers.ts";
import { RecentMap } from "../recent-map.ts";
import type { StoredBody } from "../record/flow-row.ts";
import { BatchRows } from "./batch-rows.ts";
import type { TapeDatabase } from "./database.ts";

/** Bodies up to this many bytes stand in the flow's own row. */
const INLINE_BYTES = 256;
/** Bodies beyond this many bytes are cut in pieces of it. */
const CHUNK_BYTES = 1024 * 1024;
/** Bodies that are known, so that equal ones are referred to them. */
const KNOWN_BODIES = 50_000;
/** How far back a tape that is added to is looked at for known bodies: rows, and bytes of them. */
const EARLIER_BODIES = 10_000;
const EARLIER_BYTES = 32 * 1024 * 1024;
/** Bytes of bodies that are kept at hand to compare new ones with. */
const RECENT_BYTES = 4 * 1024 * 1024;
/** Bytes of rows that are kept at hand for those who read them slice by slice. */
const READ_BYTES = 8 * 1024 * 1024;

const EMPTY = Buffer.alloc(0);
const EMPTY_BODY = 0;

/** A row of `body`. Bytes beyond CHUNK_BYTES stand in `chunk`, in pieces numbered from 0. */
type BodyRow = [bytes: Buffer | null, crc: number, size: number];

export class BodyTable {
	readonly #db: TapeDatabase;
	/** Numbers of bodies by size and checksum. What they lead to is compared byte by byte, so that nobody can forge an equal body. */
	#known: RecentMap<number, number> | undefined;
	readonly #recent = new RecentMap<number, Buffer>(RECENT_BYTES, ({ length }) => length);
	/** Parts of bodies, by body and number. */
	readonly #partsRead = new RecentMap<string, Buffer>(READ_BYTES, ({ length }) => length);
	/** Bytes written since they were last asked for. */
	#written = 0;
	/** Written piece by piece, and not yet part of a flow. */
	readonly #loose = new Set<number>();
	readonly #rows: BatchRows<BodyRow>;
	/** Those of the batch at hand that were read and found whole, so that nothing is reckoned twice. */
	readonly #whole = new Set<number>();

	constructor(db: TapeDatabase) {
		this.#db = db;
		this.#rows = new BatchRows(db, "body", "bytes, crc, size");
	}

	takeWritten(): number {
		const written = this.#written;
		this.#written = 0;
		return written;
	}

	/** A body that comes piece by piece, to be given to `write` once it is whole. `isKeyed`: its SHA-256 will be asked for. */
	spool(isKeyed = false): { write(chunk: Uint8Array): void; end(): LazyBody } {
		const id = this.#db.insert("INSERT INTO body (crc, size, bytes) VALUES (0, 0, NULL)");
		this.#loose.add(id);
		const hash = isKeyed ? createHash("sha256") : null;
		let [size, crc, n] = [0, 0, 0];
		return {
			write: (chunk) => {
				this.#written += chunk.length;
				size += chunk.length;
				crc = crc32(chunk, crc);
				hash?.update(chunk);
				for (let at = 0; at < chunk.length; at += CHUNK_BYTES)
					this.#db.insert("INSERT INTO chunk VALUES (?, ?, ?)", id, n++, chunk.subarray(at, at + CHUNK_BYTES));
			},
			end: () => {
				this.#db.run("UPDATE body SET crc = ?, size = ? WHERE id = ?", crc, size, id);
				return new LazyBody(this, id, size, hash?.digest("hex"));
			},
		};
	}

	/** Removes bodies that came piece by piece and that no flow took. */
	removeLoose(): void {
		for (const id of this.#loose) this.#remove(id);
	}

	#remove(id: number): void {
		this.#db.run("DELETE FROM chunk WHERE body = ?", id);
		this.#db.run("DELETE FROM body WHERE id = ?", id);
		this.#loose.delete(id);
	}

	write(body: Body): StoredBody {
		if (body instanceof LazyBody && body.table === this) {
			this.#loose.delete(body.id);
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

	/** A body that came piece by piece; where an equal one is known, it goes, and that one stands for it: its room is for the next ones. */
	adopt(body: LazyBody): number {
		const { id, size } = body;
		const key = keyOf(size, this.#db.get<{ crc: number }>("SELECT crc FROM body WHERE id = ?", id)?.crc ?? 0);
		this.#known ??= this.#earlier();
		const known = this.#known.get(key);
		if (known !== undefined && known !== id && this.#isSame(known, size, body)) {
			this.#remove(id);
			return known;
		}
		this.#loose.delete(id);
		this.#known.set(key, id);
		return id;
	}

	#writeWhole(size: number, crc: number, body: Body): number {
		return this.#db.insert("INSERT INTO body (crc, size, bytes) VALUES (?, ?, ?)", crc, size, bodyBytes(body));
	}

	#writeChunks(size: number, crc: number, body: Body): number {
		const id = this.#db.insert("INSERT INTO body (crc, size, bytes) VALUES (?, ?, NULL)", crc, size);
		let n = 0;
		for (const piece of bodyChunks(body))
			for (let at = 0; at < piece.length; at += CHUNK_BYTES)
				this.#db.insert("INSERT INTO chunk VALUES (?, ?, ?)", id, n++, piece.subarray(at, at + CHUNK_BYTES));
		return id;
	}

	/** Those of a tape that is added to. */
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

	/** @throws FlowtapeError FT_STORE for what no body can be */
	read(stored: StoredBody, size: number | null): Body {
		if (stored === null) return null;
		this.#checkKind(stored);
		if (stored === EMPTY_BODY) return EMPTY;
		return typeof stored === "number" ? new LazyBody(this, stored, size ?? 0) : Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
	}

	/** The bodies of the flows that are read next, and the bytes that they have together. */
	expect(stored: readonly StoredBody[], bytes: number): void {
		this.#whole.clear();
		this.#rows.expect(numbersOf(stored), bytes);
	}

	/** Reads bodies of which all are going to be asked for. */
	readAhead(stored: readonly StoredBody[]): void {
		this.#whole.clear();
		this.#rows.readAhead(numbersOf(stored));
	}

	/** All bytes of what stands in a row. */
	bytes(stored: StoredBody): Buffer | null {
		const body = typeof stored === "number" && stored !== EMPTY_BODY ? this.bytesOf(stored) : this.read(stored, 0);
		return bodyBytes(body);
	}

	/** All bytes of a body. @throws FlowtapeError FT_STORE where they are not those that were written */
	bytesOf(id: number): Buffer {
		const [bytes, crc, size] = this.#row(id);
		const found = bytes ?? this.#joined(id, size);
		if (!this.#whole.has(id)) {
			this.#check(id, found.length === size && crc32(found) === crc);
			this.#whole.add(id);
		}
		return found;
	}

	/** All pieces of a body, which are in memory one after the other. */
	#joined(id: number, size: number): Buffer {
		this.#check(id, this.#lengthOfPieces(id) === size);
		const joined = Buffer.allocUnsafeSlow(size);
		let at = 0;
		for (const piece of this.#pieces(id)) at += piece.copy(joined, at);
		return joined;
	}

	/** As `bytesOf`, piece by piece. The last piece comes once all of them were found to be what was written: before, nobody can take them for all. */
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
	 * Why the bytes of a body cannot be had; null where they can. All of them are read, and kept for who asks next where they are one piece.
	 * @param size as the flow has it; null: it does not say
	 * @param limit bytes beyond which only the lengths of the pieces are looked at; what they are is found when they are read
	 */
	damageOf(stored: unknown, size: number | null, limit = Infinity): FlowtapeError | null {
		try {
			this.#checkAll(stored, size, limit);
			return null;
		} catch (error) {
			if (error instanceof FlowtapeError && error.code === "FT_STORE") return error;
			throw error;
		}
	}

	#checkAll(stored: unknown, size: number | null, limit: number): void {
		if (stored === null || stored === EMPTY_BODY) return;
		if (stored instanceof Uint8Array) {
			if (size !== null && stored.length !== size) throw this.#damage(`a body has ${stored.length} bytes in place of ${size}`);
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

	/** Damage may have put anything in a column. */
	#checkKind(stored: unknown): unknown {
		if (typeof stored === "number" ? stored >= 0 : stored instanceof Uint8Array) return stored;
		throw this.#damage("a body has a number that none can have");
	}

	/** Of pieces that are numbered without a gap, in bytes, without reading them; null where there is a gap. */
	#lengthOfPieces(id: number): number | null {
		const sql = "SELECT count(*) AS count, min(n) AS first, max(n) AS last, sum(length(bytes)) AS length FROM chunk WHERE body = ?";
		const row = this.#db.get<{ count: number; first: number | null; last: number; length: number }>(sql, id);
		return row !== undefined && row.first === 0 && row.last === row.count - 1 ? row.length : null;
	}

	/** As `chunksOf`, in copies, so that a row is in memory only while it is among those that were read last. */
	*slicesOf(id: number): Generator<Buffer> {
		const [, expected, size] = this.#row(id);
		let [crc, length] = [0, 0];
		for (let n = 0; length < size; n++) {
			const { length: rowLength } = this.#part(id, n);
			crc = crc32(this.#part(id, n), crc);
			length += rowLength;
			// the last slices come once all bytes were found to be what was written
			if (length >= size) this.#check(id, length === size && crc === expected);
			for (let at = 0; at < rowLength; at += SLICE_BYTES) yield Buffer.from(this.#part(id, n).subarray(at, at + SLICE_BYTES));
		}
	}

	/** What stands in the row of a body, or in the one of its piece `n`. */
	#part(id: number, n: number): Buffer {
		const name = `${id} ${n}`;
		const known = this.#partsRead.get(name);
		if (known !== undefined) return known;
		const part = this.#row(id)[0] ?? this.#db.get<{ bytes: Buffer }>("SELECT bytes FROM chunk WHERE body = ? AND n = ?", id, n)?.bytes;
		if (part === undefined || part.length === 0) throw this.#damage(`the bytes of body ${id} are not those that were written`);
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

	/** Unchecked: they are only compared. */
	#bytes(id: number): Buffer {
		return this.#row(id)[0] ?? Buffer.concat([...this.#pieces(id)]);
	}

	#row(id: number): BodyRow {
		const row = this.#rows.get(id);
		if (row === undefined) throw this.#damage(`body ${id} is not there`);
		return row;
	}

	#check(id: number, isWhole: boolean): void {
		if (!isWhole) throw this.#damage(`the bytes of body ${id} are not those that were written`);
	}

	#damage(what: string): FlowtapeError {
		return new FlowtapeError("FT_STORE", `${this.#db.path}: the tape is damaged: ${what}`, { file: this.#db.path });
	}
}

function numbersOf(stored: readonly StoredBody[]): number[] {
	return stored.filter((each) => typeof each === "number" && each !== EMPTY_BODY) as number[];
}

/** Exact up to bodies of 2 MiB, beyond which different sizes may share a key. */
function keyOf(size: number, crc: number): number {
	return size * 2 ** 32 + crc;
}

/** Whether the pieces of both, however cut, are the same bytes. */
function equalBytes(one: Iterable<Buffer>, other: Iterable<Buffer>): boolean {
	const pieces = other[Symbol.iterator]();
	let rest: Buffer = EMPTY;
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

/** A body that lies in a tape. */
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
