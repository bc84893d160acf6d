// Formats flows as CSV (RFC 4180), with columns named as the keys of `--json`.

import { FlowtapeError } from "../../src/errors.ts";
import { toText } from "../../src/flow/bytes.ts";
import { durationOf, firstByteOf, startOf } from "../../src/flow/durations.ts";
import { endOf } from "../../src/flow/ending.ts";
import type { Flow, HttpFlow } from "../../src/flow/flow.ts";
import type { Response } from "../../src/flow/message.ts";
import { didYouMean } from "../../src/suggest.ts";
import { printable } from "../../src/views/printable.ts";
import { isoTime } from "./text.ts";

type Cell = string | number | null;

/** The value of a column for a flow; null: it has none, which is an empty field. */
type Column = (flow: Flow) => Cell;

const ofHttp =
	(read: (flow: HttpFlow) => Cell): Column =>
	(flow) =>
		flow.type === "http" ? read(flow) : null;

const ofResponse = (read: (response: Response) => Cell): Column =>
	ofHttp(({ response }) => (response === null ? null : read(response)));

const columns: Readonly<Record<string, Column>> = {
	id: ({ id }) => id,
	type: ({ type }) => type,
	time: (flow) => isoTime(startOf(flow)),
	duration: (flow) => rounded(durationOf(flow)),
	time_to_first_byte: (flow) => rounded(firstByteOf(flow)),
	size: sizeOf,
	"request.method": ofHttp(({ request }) => toText(request.method)),
	"request.url": (flow) =>
		flow.type === "http"
			? flow.request.prettyUrl
			: flow.type === "dns"
				? flow.request.questions.map(({ name }) => name).join(" ")
				: null,
	"request.scheme": ofHttp(({ request }) => toText(request.scheme)),
	"request.host": ofHttp(({ request }) => request.host),
	"request.port": ofHttp(({ request }) => request.port),
	"request.path": ofHttp(({ request }) => toText(request.path)),
	"request.http_version": ofHttp(({ request }) => toText(request.httpVersion)),
	"request.content_type": ofHttp(({ request }) => request.headers.get("content-type")),
	"request.size": ofHttp(({ request }) => request.bodySize),
	"response.status": ofResponse(({ statusCode }) => statusCode),
	"response.reason": ofResponse(({ reason }) => toText(reason)),
	"response.http_version": ofResponse(({ httpVersion }) => toText(httpVersion)),
	"response.content_type": ofResponse(({ headers }) => headers.get("content-type")),
	"response.size": ofResponse(({ bodySize }) => bodySize),
	"error.message": ({ error }) => error?.message ?? null,
	ended: ofHttp(endOf),
	is_replay: ({ isReplay }) => isReplay,
	marked: ({ marked }) => marked,
	comment: ({ comment }) => comment,
	session: ({ session }) => session,
};

/** The names of all columns. */
export const csvColumns: readonly string[] = Object.keys(columns);

/** The columns if none are named. */
export const defaultColumns: readonly string[] = [
	"id",
	"type",
	"time",
	"request.method",
	"request.url",
	"response.status",
	"response.content_type",
	"size",
	"duration",
	"error.message",
];

/** Microseconds are exact in the formats; more digits are noise. */
function rounded(seconds: number | null): number | null {
	return seconds === null ? null : Math.round(seconds * 1e6) / 1e6;
}

/** Bytes of the response's body as sent, or of all messages of a stream. */
function sizeOf(flow: Flow): number | null {
	switch (flow.type) {
		case "http":
			return flow.response?.bodySize ?? null;
		case "dns":
			return null;
		default:
			return flow.messages.reduce((sum, { content }) => sum + content.length, 0);
	}
}

/** A table that is printed line by line. */
export interface CsvTable {
	/** The line with the names of the columns. */
	readonly header: string;
	line(flow: Flow): string;
}

/**
 * Makes a table with these columns, separated by commas; null: the default columns.
 * @throws FlowtapeError FT_BAD_OPTION for a name that is no column
 */
export function csvTable(names: string | null): CsvTable {
	const list = names === null ? defaultColumns : names.split(",").map((name) => name.trim());
	const reads = list.map((name) => {
		const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
		if (column === undefined)
			throw new FlowtapeError(
				"FT_BAD_OPTION",
				`expected columns of ${csvColumns.join(", ")}, found "${name}".${didYouMean(name, csvColumns)}`,
				{ option: "columns" },
			);
		return column;
	});
	return {
		header: csvLine(list),
		line: (flow) => csvLine(reads.map((read) => read(flow))),
	};
}

/**
 * A record that ends with LF, as from other command-line tools. Fields with commas, quotes or line breaks are quoted.
 * Control characters are made visible.
 */
function csvLine(cells: readonly Cell[]): string {
	return `${cells.map((cell) => (typeof cell === "string" ? field(printable(cell.replaceAll("\r\n", "\n"))) : (cell ?? ""))).join(",")}\n`;
}

function field(text: string): string {
	return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
