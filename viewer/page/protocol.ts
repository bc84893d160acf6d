// The requests of the page and the answers of its server: JSON under /api/v1/. Errors are `ApiError`.

/** An error of the API. */
export interface ApiError {
	/** A code of flowtape (docs/errors.md). */
	readonly code: string;
	readonly message: string;
	/** Where a filter is wrong, in characters from 1. */
	readonly column?: number;
}

/** `GET tape` */
export interface TapeInfo {
	/** The names of the files. */
	readonly names: readonly string[];
	readonly version: string;
	/** Number of flows. */
	readonly total: number;
	/** Whether the tape is followed: it is a file that another process may append to. */
	readonly isFollowed: boolean;
	/** Whether marks and comments can be changed, and if not, why. */
	readonly editable: true | string;
	/** Messages about damage, in order. */
	readonly losses: readonly string[];
	/** The operators of filters. */
	readonly operators: readonly FilterHelp[];
	/** The export formats of single requests, and of files. */
	readonly exports: readonly string[];
	readonly formats: readonly string[];
}

/** A filter operator: its letters, its argument, and one line of help. */
export interface FilterHelp {
	readonly code: string;
	readonly argument: "none" | "number" | "pattern";
	readonly help: string;
}

/** The columns of a row, in the order of `Row`. */
export const ROW_COLUMNS = [
	"seq",
	"started",
	"method",
	"scheme",
	"host",
	"port",
	"path",
	"status",
	"type",
	"size",
	"duration",
	"firstByte",
	"marked",
	"kind",
	"flags",
	"session",
	"tape",
] as const;

export type RowColumn = (typeof ROW_COLUMNS)[number];

/** Bits of the column `flags`. */
export const FLAG = { error: 1, websocket: 2, replayed: 4 } as const;

/** The values of a row, as lists because there are many of them. */
export type Row = readonly (string | number | null)[];

/** `POST sets` */
export interface SetQuestion {
	/** A filter expression; empty: all flows. */
	readonly filter: string;
	/** A column, with `-` before it for descending order; empty: tape order. */
	readonly sort: string;
	/** Only flows that started in this time, in seconds since 1970. */
	readonly time?: readonly [from: number, to: number] | undefined;
}

/** A set of flows, which may still be growing. */
export interface SetState {
	readonly set: number;
	/** Number of flows found so far. */
	readonly total: number;
	/** Whether all flows were examined. */
	readonly isComplete: boolean;
	/** Flows examined so far, of all. */
	readonly examined: number;
	readonly of: number;
	/** Flows that matched since the set was sorted, and are not in it. */
	readonly added: number;
}

/** `GET sets/S/rows` */
export interface RowsAnswer extends SetState {
	/** The place of the first row in the set. */
	readonly from: number;
	readonly rows: readonly Row[];
}

export interface FacetValue {
	readonly value: string | number | null;
	readonly count: number;
}

/** `GET sets/S/facets` */
export type Facets = Readonly<Record<string, readonly FacetValue[]>>;

/** `GET sets/S/timeline` */
export interface TimelineAnswer {
	readonly from: number | null;
	readonly to: number | null;
	readonly counts: readonly number[];
}

/** A header, trailer, cookie or query parameter. */
export type Field = readonly [name: string, value: string];

export interface MessageDetails {
	/** The request line or the status line. */
	readonly first: string;
	readonly headers: readonly Field[];
	readonly trailers: readonly Field[];
	readonly cookies: readonly Field[];
	/** Of requests only. */
	readonly query: readonly Field[];
	/** The body as sent, in bytes; null: it was not kept. */
	readonly size: number | null;
	/** The media type, without parameters. */
	readonly type: string;
	/** Whether the page can show the body as an image. */
	readonly isImage: boolean;
}

/** `GET flows/SEQ` */
export interface FlowDetails {
	readonly seq: number;
	readonly id: string;
	readonly kind: string;
	/** The URL, or the address of a conversation. */
	readonly title: string;
	readonly request: MessageDetails | null;
	readonly response: MessageDetails | null;
	readonly error: string | null;
	/** Sentences about incomplete messages. */
	readonly incomplete: readonly string[];
	readonly marked: string;
	readonly comment: string;
	readonly session: string | null;
	/** Number of WebSocket, TCP or UDP messages, or of the events in a response. */
	readonly messages: number;
	/** Lines about the connections. */
	readonly connection: readonly Field[];
	/** Phases of the exchange, in seconds from its start. */
	readonly timing: readonly TimingPart[];
	/** The flows with the same request key, in order, at most 1,000. */
	readonly sameKey: readonly number[];
	/** Number of edits of the tape. */
	readonly revision: number;
}

export interface TimingPart {
	readonly name: string;
	readonly from: number;
	readonly to: number;
}

export const BODY_VIEWS = ["auto", "text", "hex"] as const;
export type BodyView = (typeof BODY_VIEWS)[number];

/** `GET flows/SEQ/(request|response)/body` */
export interface BodyWindow {
	readonly from: number;
	readonly lines: readonly string[];
	/** Number of lines. */
	readonly total: number;
	/** A note for people if bytes are not shown; null: all are. */
	readonly note: string | null;
}

/** `GET flows/SEQ/(request|response)/body?find=` */
export interface FoundText {
	/** Line and column of each place, from 0. */
	readonly places: readonly (readonly [line: number, column: number])[];
	/** Whether there are more. */
	readonly isCut: boolean;
}

/** `GET flows/SEQ/messages` */
export interface MessagesWindow {
	readonly from: number;
	readonly total: number;
	readonly messages: readonly FlowMessage[];
}

export interface FlowMessage {
	readonly n: number;
	/** Seconds since 1970; null: not recorded. */
	readonly at: number | null;
	readonly fromClient: boolean;
	/** `text`, `binary`, `ping` …, or the type of an event. */
	readonly kind: string;
	readonly size: number;
	readonly text: string;
}

/** `POST diff` */
export interface DiffAnswer {
	readonly differences: readonly {
		readonly side: string;
		readonly part: string;
		readonly name: string | null;
		readonly before: string | null;
		readonly after: string | null;
	}[];
}

/** `POST explain` */
export interface ExplainAnswer {
	readonly text: string;
}

/** Flows by their sequence numbers, or all flows of a set. */
export type FlowChoice = readonly number[] | { readonly set: number };

/** `PATCH flows` */
export interface Edit {
	readonly flows: FlowChoice;
	/** A marker; empty: not marked. */
	readonly marked?: string;
	readonly comment?: string;
}

/** `PATCH flows` and `POST undo` */
export interface EditAnswer {
	/** Number of changed flows. */
	readonly changed: number;
	readonly revision: number;
	/** Number of edits that can be undone. */
	readonly undoable: number;
}

/** `POST export` */
export interface ExportQuestion {
	readonly flows: FlowChoice;
	/** The name of a format. */
	readonly format: string;
}

/** The events of `GET events`, one JSON object a message. */
export type ViewerEvent =
	| { readonly type: "set"; readonly state: SetState }
	| { readonly type: "appended"; readonly total: number; readonly sets: readonly SetState[] }
	| { readonly type: "changed"; readonly revision: number }
	| { readonly type: "trouble"; readonly message: string };
