// CRC-32 checksums of rows. Each is stored before the row's record, in the same column, and also covers the row's other
// columns.
import { crc32, crc32OfText } from "../../crc32.ts";
import { asBuffer } from "../../flow/bytes.ts";
import { damagedRecord } from "./damage.ts";
import { COLUMN, type FlowColumns, type FlowValue, type MessageRow } from "./flow-row.ts";

/**
 * A record with a checksum begins with this byte and a CRC-32 (32 bits, big-endian). No msgpack value begins with this
 * byte. Rows of older writers have no checksum and are not checked.
 */
const MARK = 0xc1;
const HEAD_BYTES = 5;

/**
 * The columns that a checksum covers besides the head: all from which a flow is decoded. The other columns are derived,
 * for searching. Text columns come first, binary ones last.
 */
const SUMMED = [
	"id",
	"kind",
	"method",
	"scheme",
	"host",
	"path",
	"is_replay",
	"marked",
	"ended",
	"session",
	"port",
	"status",
	"request_size",
	"response_size",
	"client_conn",
	"server_conn",
	"refreshed",
	"request_body",
	"response_body",
	"original_body",
	"rest",
	"original",
] as const;
const SUMMED_AT = SUMMED.map((name) => COLUMN[name]);
const { head: HEAD, refreshed: REFRESHED } = COLUMN;
/** Number of text columns, which are the first ones of SUMMED. */
const TEXTS = 10;

/** The head and the bytes that its checksum covers, as a SQL expression; see `isWholeFlow`. */
export const SUMMED_FLOW = `concat_ws(char(10), head, ${SUMMED.join(", ").replace("refreshed", "CAST(refreshed * 1000 AS INTEGER)")})`;

/** Adds the value of a column to a checksum. */
function addValue(sum: number, value: unknown): number {
	if (value === null) return sum;
	const next = crc32OfText("\n", sum);
	return typeof value === "object" ? crc32(value as Uint8Array, next) : crc32OfText(String(value), next);
}

/** In whole milliseconds, because SQLite and JavaScript print fractions differently. */
function inMilliseconds(seconds: number | null): number | null {
	return seconds === null ? null : Math.trunc(seconds * 1000);
}

/** The values of the columns in SUMMED. Written out for speed: this runs for every flow. */
function summedOf(row: FlowColumns): unknown[] {
	return [
		row.id,
		row.kind,
		row.method,
		row.scheme,
		row.host,
		row.path,
		row.is_replay,
		row.marked,
		row.ended,
		row.session,
		row.port,
		row.status,
		row.request_size,
		row.response_size,
		row.client_conn,
		row.server_conn,
		inMilliseconds(row.refreshed),
		row.request_body,
		row.response_body,
		row.original_body,
		row.rest,
		row.original,
	];
}

function sealed(record: Uint8Array, sum: number): Buffer {
	const bytes = Buffer.allocUnsafe(HEAD_BYTES + record.length);
	bytes[0] = MARK;
	bytes.writeUInt32BE(sum, 1);
	bytes.set(record, HEAD_BYTES);
	return bytes;
}

function isSealed(bytes: Uint8Array): boolean {
	return bytes[0] === MARK;
}

/** The stored checksum; NaN, which equals no checksum, if the record is too short. */
function sumIn(bytes: Uint8Array): number {
	return bytes.length < HEAD_BYTES ? Number.NaN : asBuffer(bytes).readUInt32BE(1);
}

/** The record without its checksum, which is not checked. */
export function unsealed(bytes: Uint8Array): Uint8Array {
	return isSealed(bytes) ? bytes.subarray(HEAD_BYTES) : bytes;
}

/**
 * The packed head of a flow, with the checksum of the flow's row before it.
 * @param values in the order of FLOW_COLUMNS
 */
export function sealFlow(values: readonly FlowValue[]): Buffer {
	const head = values[HEAD] as Uint8Array;
	let sum = crc32(head);
	for (const at of SUMMED_AT)
		sum = addValue(sum, at === REFRESHED ? inMilliseconds(values[at] as number | null) : values[at]);
	return sealed(head, sum);
}

/** @throws FlowtapeError FT_CORRUPT_FLOW if the checksum of a row does not match */
export function checkFlow(row: FlowColumns): void {
	if (!(row.head instanceof Uint8Array)) throw damagedRecord("its head is not a BLOB");
	if (!isSealed(row.head)) return;
	const values = summedOf(row);
	for (let i = 0; i < TEXTS; i++)
		if (values[i] !== null && typeof values[i] !== "string") throw damagedRecord("a text column has another type");
	let sum = crc32(unsealed(row.head));
	for (const value of values) sum = addValue(sum, value);
	if (sum !== sumIn(row.head)) throw damagedRecord("its checksum does not match");
}

/**
 * Whether a row has a checksum that matches. Rows without one are copied only after they were decoded.
 * @param bytes the value of SUMMED_FLOW for the row
 */
export function isWholeFlow(bytes: Buffer): boolean {
	return isSealed(bytes) && crc32(unsealed(bytes)) === sumIn(bytes);
}

/**
 * Adds a checksum to a record that is the only data of its row.
 * @param name the name of the row, which the checksum also covers
 */
export function sealRecord(record: Uint8Array, name = ""): Buffer {
	return sealed(record, crc32(record, crc32(name)));
}

export function isWholeRecord(bytes: Uint8Array, name = ""): boolean {
	return !isSealed(bytes) || crc32(unsealed(bytes), crc32(name)) === sumIn(bytes);
}

/** Whether a record has a checksum that matches. Records without one are copied only after they were decoded. */
export function isVerifiedRecord(bytes: Uint8Array): boolean {
	return isSealed(bytes) && isWholeRecord(bytes);
}

/** The record of a row. @throws FlowtapeError FT_CORRUPT_FLOW if its checksum does not match */
export function openRecord(bytes: Uint8Array, name = ""): Uint8Array {
	if (!isWholeRecord(bytes, name)) throw damagedRecord("its checksum does not match");
	return unsealed(bytes);
}

/**
 * Flag of a message that has a checksum: the bits above the flags are a CRC-32 and ROW. With ROW the CRC-32 covers the
 * whole row, without it only the bytes of the message. Older writers set neither.
 */
const HAS_SUM = 8;
const ALL_FLAGS = 16;
const ROW = 2 ** 36;

const numbers = Buffer.alloc(6 * 8);

/** Adds the checksum of its row to the flags of the nth message of a flow. */
export function sealMessage(flow: number, n: number, row: MessageRow): MessageRow {
	const flags = (row.flags & (HAS_SUM - 1)) | HAS_SUM;
	return { ...row, flags: ROW + sumMessage(flow, n, { ...row, flags }) * ALL_FLAGS + flags };
}

/** Whether the checksum of a message matches; true if it has none. */
export function isWholeMessage(flow: number, n: number, row: MessageRow): boolean {
	const { flags, bytes } = row;
	if (!(bytes instanceof Uint8Array)) return false;
	if ((flags & HAS_SUM) === 0) return flags < ALL_FLAGS;
	const sum = flags >= ROW ? sumMessage(flow, n, { ...row, flags: flags & (ALL_FLAGS - 1) }) : crc32(bytes);
	return sum === Math.floor((flags % ROW) / ALL_FLAGS);
}

function sumMessage(flow: number, n: number, { at, from_client, opcode, flags, bytes }: MessageRow): number {
	let offset = 0;
	for (const number of [flow, n, at + 0, from_client, opcode ?? -1, flags])
		offset = numbers.writeDoubleLE(number, offset);
	return crc32(bytes, crc32(numbers));
}
