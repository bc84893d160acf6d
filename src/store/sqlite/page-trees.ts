// Limits the cost of scanning the tables of an untrusted tape. SQLite stores each table and index as a tree of pages
// (https://sqlite.org/fileformat2.html#b_tree_pages). It does not notice that several pages point to the same one, so
// the trees of a small file can have any number of pages. This module visits all trees before SQLite opens the file.
import { closeSync, existsSync, openSync } from "node:fs";
import { Pages, pageSizeIn } from "./page-log.ts";

const [INDEX_INTERIOR, TABLE_INTERIOR, TABLE_LEAF] = [2, 5, 13];

const TOO_MANY = "its tables point to more pages than it has";

/** SQLite descends no deeper. */
const MAX_DEPTH = 20;

/** Honest trees have at most as many pages as the file, except in a file that is being written to meanwhile. */
const visitLimit = (pages: Pages): number => 2 * pages.count + 1000;

/**
 * Returns what makes the trees of a tape unfit to be scanned; null: nothing, or SQLite itself finds that the file is not
 * valid.
 * @param path path of the file itself, not of a link
 */
export function treeDamage(path: string): string | null {
	const files: number[] = [];
	try {
		for (const name of [path, `${path}-wal`]) if (existsSync(name)) files.push(openSync(name, "r"));
		const [file, log] = files;
		const pages = file === undefined ? null : new Pages(file, log);
		return pages === null || pages.size === 0 ? null : damageOf(pages);
	} finally {
		for (const file of files) closeSync(file);
	}
}

function damageOf(pages: Pages): string | null {
	const header = Buffer.from(pages.read(1, 100));
	const size = pageSizeIn(header);
	if (size !== pages.size) return size === 0 ? null : "its write-ahead log has another page size";
	const leaves: number[] = [];
	let left = visit(pages, 1, visitLimit(pages), leaves);
	if (left < 0) return TOO_MANY;
	const objects = leaves.map((leaf) => objectsOn(pages, leaf, header[20] as number));
	if (objects.includes(null)) return "its schema cannot be read";
	for (const root of scannedRoots(objects.flatMap((some) => some ?? []))) {
		left = visit(pages, root, left);
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

/**
 * Visits a page and those below it.
 * @param left the number of pages that may be visited
 * @param leaves the leaf pages are added here
 * @returns the number of pages that may still be visited; below 0: there are too many
 */
function visit(pages: Pages, page: number, left: number, leaves?: number[], depth = 1): number {
	let rest = left - 1;
	const children = childrenOf(pages, page);
	if (children.length === 0) leaves?.push(page);
	if (depth === MAX_DEPTH) return rest;
	for (const child of children) {
		if (rest < 0) break;
		rest = visit(pages, child, rest, leaves, depth + 1);
	}
	return rest;
}

/** The pages to which an interior page points. Only the type of other pages is read, which most pages are. */
function childrenOf(pages: Pages, page: number): readonly number[] {
	const start = startOf(page);
	const type = pages.read(page, start + 1)[start];
	if (type !== TABLE_INTERIOR && type !== INDEX_INTERIOR) return [];
	const bytes = pages.read(page, pages.size);
	const children = cellsOf(bytes, start, start + 12).map((at) => bytes.readUInt32BE(at));
	children.push(bytes.readUInt32BE(start + 8));
	return children;
}

/** Where the header of a page begins: the first page has that of the file before it. */
function startOf(page: number): number {
	return page === 1 ? 100 : 0;
}

/** The positions of a page's cells. Those that SQLite would refuse are left out. */
function cellsOf(bytes: Buffer, start: number, pointers: number): number[] {
	const count = bytes.readUInt16BE(start + 3);
	if (count > (bytes.length - 8) / 6) return [];
	return Array.from({ length: count }, (_, n) => bytes.readUInt16BE(pointers + 2 * n) & (bytes.length - 1)).filter(
		(at) => at <= bytes.length - 4,
	);
}

/**
 * The objects on a leaf page of the schema; null if one cannot be read.
 * @param reserved number of bytes at the end of pages that SQLite does not use
 */
function objectsOn(pages: Pages, page: number, reserved: number): StoredObject[] | null {
	const bytes = pages.read(page, pages.size);
	const start = startOf(page);
	if (bytes[start] !== TABLE_LEAF) return [];
	const objects = cellsOf(bytes, start, start + 8).map((cell) => objectAt(bytes, cell, pages.size - reserved));
	return objects.every((object) => object !== null) ? objects : null;
}

/** The object in a cell of the schema (https://sqlite.org/fileformat2.html#record_format); null if it cannot be read. */
function objectAt(bytes: Buffer, cell: number, usable: number): StoredObject | null {
	const reader = new Varints(bytes, cell);
	const size = reader.next();
	reader.next();
	const record = reader.at;
	// the end of a long record is on other pages
	const end = record + (size <= usable - 35 ? size : Math.floor(((usable - 12) * 32) / 255) - 23);
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
