// Limits the cost of scanning the tables of an untrusted tape. SQLite stores each table and index as a tree of pages
// (https://sqlite.org/fileformat2.html#b_tree_pages), and the end of a long row in a chain of overflow pages. It does not
// notice that several pages or rows point to the same page, so the trees of a small file can have any number of pages.
// This module visits all trees before SQLite opens the file.
import { closeSync, existsSync, openSync } from "node:fs";
import { Pages, pageSizeIn } from "./page-log.ts";

const [INDEX_INTERIOR, TABLE_INTERIOR, INDEX_LEAF, TABLE_LEAF] = [2, 5, 10, 13];

const TOO_MANY = "its tables point to more pages than it has";

/** SQLite descends no deeper. */
const MAX_DEPTH = 20;

/** Valid trees have at most as many pages as the file, except in a file that is being written to meanwhile. */
const visitLimit = (pages: Pages): number => 2 * pages.count + 1000;

/**
 * Returns why the trees of a tape must not be scanned; null: they may be, or SQLite itself finds that the file is not
 * valid.
 * @param tape path of the file itself, not of a link; or its bytes
 */
export function treeDamage(tape: string | Buffer): string | null {
	return typeof tape === "string" ? fileDamage(tape) : damageIn(tape, undefined);
}

function fileDamage(path: string): string | null {
	const files: number[] = [];
	try {
		for (const name of [path, `${path}-wal`]) if (existsSync(name)) files.push(openSync(name, "r"));
		const [file, log] = files;
		return file === undefined ? null : damageIn(file, log);
	} finally {
		for (const file of files) closeSync(file);
	}
}

function damageIn(file: number | Buffer, log: number | undefined): string | null {
	const pages = new Pages(file, log);
	return pages.size === 0 ? null : damageOf(pages);
}

function damageOf(pages: Pages): string | null {
	const header = Buffer.from(pages.read(1, 100));
	const size = pageSizeIn(header);
	if (size !== pages.size) return size === 0 ? null : "its write-ahead log has another page size";
	const usable = pages.size - (header[20] as number);
	const leaves: number[] = [];
	let left = visit({ pages, usable }, 1, visitLimit(pages), leaves);
	if (left < 0) return TOO_MANY;
	const objects = leaves.map((leaf) => objectsOn({ pages, usable }, leaf));
	if (objects.includes(null)) return "its schema cannot be read";
	for (const root of scannedRoots(objects.flatMap((some) => some ?? []))) {
		left = visit({ pages, usable }, root, left);
		if (left < 0) return TOO_MANY;
	}
	return null;
}

/** A table or index in the schema. */
interface StoredObject {
	/** The first page of its tree; 0 if it has none. */
	readonly root: number;
	/** The beginning of its SQL; null if it has none. */
	readonly sql: string | null;
}

/**
 * The first pages of the trees that may be scanned. The table of bodies has most pages of many tapes, and its rows are
 * only looked up by their ids. Statistics (ANALYZE) could make SQLite scan it all the same.
 */
function scannedRoots(objects: readonly StoredObject[]): number[] {
	const hasStatistics = objects.some(({ sql }) => sql !== null && !OWN_SQL.test(sql));
	const isScanned = ({ sql }: StoredObject) => hasStatistics || sql === null || !BODY_SQL.test(sql);
	return objects
		.filter(({ root }) => root > 0)
		.filter(isScanned)
		.map(({ root }) => root);
}

const OWN_SQL = /^CREATE (?:INDEX|TABLE (?:flow|body|chunk|message|connection|certificate|meta))\b/;
const BODY_SQL = /^CREATE TABLE body\b/;

interface File {
	readonly pages: Pages;
	/** The bytes of a page that SQLite uses. */
	readonly usable: number;
}

/**
 * Visits a page and those below it, and counts the overflow pages of their rows.
 * @param left the number of pages that may be visited
 * @param leaves the leaf pages are added here
 * @returns the number of pages that may still be visited; below 0: there are too many
 */
function visit(file: File, page: number, left: number, leaves?: number[], depth = 1): number {
	const { children, more } = contentOf(file, page);
	let rest = left - 1 - more;
	if (children.length === 0) leaves?.push(page);
	if (depth === MAX_DEPTH) return rest;
	for (const child of children) {
		if (rest < 0) break;
		rest = visit(file, child, rest, leaves, depth + 1);
	}
	return rest;
}

interface Content {
	/** The pages to which an interior page points. */
	readonly children: readonly number[];
	/** The number of further pages that the rows on the page need. */
	readonly more: number;
}

function contentOf(file: File, page: number): Content {
	const { pages } = file;
	const start = startOf(page);
	const bytes = pages.read(page, pages.size);
	const type = bytes[start];
	if (type === TABLE_LEAF || type === INDEX_LEAF)
		return { children: [], more: morePages(file, bytes, start, start + 8, type === TABLE_LEAF) };
	if (type !== TABLE_INTERIOR && type !== INDEX_INTERIOR) return NO_CONTENT;
	const children = cellsOf(bytes, start, start + 12).map((at) => bytes.readUInt32BE(at));
	children.push(bytes.readUInt32BE(start + 8));
	return { children, more: type === INDEX_INTERIOR ? morePages(file, bytes, start, start + 12, false) : 0 };
}

const NO_CONTENT: Content = { children: [], more: 0 };

/**
 * The number of overflow pages of the rows on a page, and of pages that the rest of these rows would need if they did
 * not share their bytes.
 * @param pointers where the pointers to the rows begin
 */
function morePages({ pages, usable }: File, bytes: Buffer, start: number, pointers: number, isTable: boolean): number {
	const most = isTable ? usable - 35 : localBytes(usable, 64);
	const inRow = pointers - start === 12 ? 4 : 0;
	const end = pointers + 2 * cellCount(bytes, start);
	let [overflow, local] = [0, 0];
	// a loop without calls for short rows: this runs for every row of a tape
	for (let pointer = pointers; pointer < end; pointer += 2) {
		const at = inRow + ((bytes.length - 1) & (((bytes[pointer] as number) << 8) | (bytes[pointer + 1] as number)));
		const first = bytes[at] as number;
		const second = bytes[at + 1] as number;
		if (first < 128) local += first;
		else if (second < 128 && (first - 128) * 128 + second <= most) local += (first - 128) * 128 + second;
		else {
			const [kept, chain] = longRow(pages, usable, bytes, at, isTable);
			local += kept;
			overflow += chain;
		}
	}
	return overflow + Math.floor(local / usable);
}

/** The bytes of a row on its own page, and the number of its overflow pages. 0 for a row that cannot be read. */
function longRow(pages: Pages, usable: number, bytes: Buffer, at: number, isTable: boolean): [number, number] {
	const reader = new Varints(bytes, at);
	const size = reader.next();
	if (isTable) reader.next();
	const [least, most] = [localBytes(usable, 32), isTable ? usable - 35 : localBytes(usable, 64)];
	if (size <= most) return [size, 0];
	const fitting = least + ((size - least) % (usable - 4));
	const kept = fitting <= most ? fitting : least;
	const pointer = reader.at + kept;
	const first = pointer + 4 <= bytes.length ? bytes.readUInt32BE(pointer) : 0;
	const chain = Math.ceil((size - kept) / (usable - 4));
	// SQLite reports a row as damaged if it has no such page, or is larger than the file
	return first < 2 || first > pages.count || !(chain <= pages.count) ? [0, 0] : [kept, chain];
}

/** The part of a long row that stays on its page. Bytes. */
function localBytes(usable: number, fraction: number): number {
	return Math.floor(((usable - 12) * fraction) / 255) - 23;
}

/** Where the header of a page begins: the first page has that of the file before it. */
function startOf(page: number): number {
	return page === 1 ? 100 : 0;
}

/** The number of a page's cells; 0 if it has more than SQLite accepts. */
function cellCount(bytes: Buffer, start: number): number {
	const count = bytes.readUInt16BE(start + 3);
	return count > (bytes.length - 8) / 6 ? 0 : count;
}

/** The positions of a page's cells. Those that SQLite would refuse are left out. */
function cellsOf(bytes: Buffer, start: number, pointers: number): number[] {
	return Array.from(
		{ length: cellCount(bytes, start) },
		(_, n) => bytes.readUInt16BE(pointers + 2 * n) & (bytes.length - 1),
	).filter((at) => at <= bytes.length - 4);
}

/** The objects on a leaf page of the schema; null if one cannot be read. */
function objectsOn({ pages, usable }: File, page: number): StoredObject[] | null {
	const bytes = pages.read(page, pages.size);
	const start = startOf(page);
	if (bytes[start] !== TABLE_LEAF) return [];
	const objects = cellsOf(bytes, start, start + 8).map((cell) => objectAt(bytes, cell, usable));
	return objects.every((object) => object !== null) ? objects : null;
}

/** The object in a cell of the schema (https://sqlite.org/fileformat2.html#record_format); null if it cannot be read. */
function objectAt(bytes: Buffer, cell: number, usable: number): StoredObject | null {
	const reader = new Varints(bytes, cell);
	const size = reader.next();
	reader.next();
	const record = reader.at;
	// the end of a long record is on other pages
	const end = record + (size <= usable - 35 ? size : localBytes(usable, 32));
	let at = record + reader.next();
	for (const _ of ["type", "name", "tbl_name"]) at += valueBytes(reader.next());
	const type = reader.next();
	const after = at + valueBytes(type);
	// SQLite writes page numbers as integers of up to 6 bytes
	if (!(type < 6 || type === 8 || type === 9) || !(after <= Math.min(end, bytes.length))) return null;
	const root = after > at ? bytes.readIntBE(at, after - at) : type === 9 ? 1 : 0;
	const sqlType = reader.next();
	const sqlEnd = Math.min(after + valueBytes(sqlType), after + 40, end);
	return root < 0 ? null : { root, sql: sqlType === 0 ? null : bytes.latin1Slice(after, Math.max(after, sqlEnd)) };
}

/** The number of bytes of a value by its type in a record. */
function valueBytes(type: number): number {
	return [0, 1, 2, 3, 4, 6, 8, 8, 0, 0][type] ?? Math.floor((type - 12) / 2);
}

/** Reads integers of variable length; NaN after the end of the page. */
class Varints {
	readonly #bytes: Buffer;
	at: number;

	constructor(bytes: Buffer, at: number) {
		this.#bytes = bytes;
		this.at = at;
	}

	next(): number {
		let value = 0;
		for (let n = 0; n < 9; n++) {
			const byte = this.#bytes[this.at++] ?? Number.NaN;
			if (n === 8) return value * 256 + byte;
			value = value * 128 + (byte % 128);
			if (!(byte >= 128)) break;
		}
		return value;
	}
}
