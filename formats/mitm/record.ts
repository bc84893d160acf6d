// A record of a dump: indexes its fields without decoding them, answers filters by column, and decodes the flow.
import type { Column } from "../../src/filter/filter.ts";
import {
	DnsFlow,
	type Flow,
	type FlowFailure,
	type FlowInit,
	HttpFlow,
	TcpFlow,
	UdpFlow,
} from "../../src/flow/flow.ts";
import type { Request } from "../../src/flow/message.ts";
import type { Metadata, MetaValue } from "../../src/flow/metadata.ts";
import type { OddFieldReporter } from "../odd-fields.ts";
import { OWN, setOwnFields } from "../own-fields.ts";
import {
	bytes,
	integer,
	isNothing,
	isNull,
	isTrue,
	missing,
	number,
	optionalNumber,
	optionalText,
	readDictionary,
	skipOdd,
	text,
	type Visitor,
	wrong,
} from "./elements.ts";
import { readClient, readServer } from "./read-connection.ts";
import { readDns, readMessages, readRequest, readResponse, readWebSocket } from "./read-message.ts";
import { type Dictionary, damage, Reader, TAG, type Value } from "./tnetstring.ts";

/**
 * Names of the fields that are read, including fields that only versions up to 16 have. Other fields are kept as
 * `extra`.
 */
const KNOWN = new Set([
	"version",
	"type",
	"id",
	"error",
	"client_conn",
	"server_conn",
	"intercepted",
	"is_replay",
	"marked",
	"metadata",
	"comment",
	"timestamp_created",
	"backup",
	"request",
	"response",
	"websocket",
	"messages",
	"mode",
]);

const NULL = Buffer.from("0:~");

/** The names of a record's fields, in order. */
class Layout {
	readonly keys: readonly string[];
	/** Names that are not in `KNOWN`. */
	readonly others: readonly string[];
	/** The index of each field; the last one if a name occurs twice. */
	readonly indexes: ReadonlyMap<string, number>;

	constructor(keys: readonly string[]) {
		this.keys = keys;
		this.others = keys.filter((key) => !KNOWN.has(key));
		this.indexes = new Map(keys.map((key, i) => [key, i]));
	}
}

/** The layout of the last record. Most records have the same layout as the one before. */
let latest = new Layout([]);

export class DumpRecord {
	readonly #reader: Reader;
	readonly #start: number;
	readonly #end: number;
	readonly #layout: Layout;
	/** Offsets of the fields' values. */
	readonly #offsets: number[] = [];
	readonly #stop: number;
	#request: Request | undefined;

	/**
	 * @param odd receives optional fields of the wrong type, which are left out; null: they are errors
	 * @throws FlowtapeError FT_CORRUPT_FLOW if the bytes from `start` to `end` are not one dictionary of complete
	 * elements
	 */
	constructor(buffer: Buffer, start: number, end: number, odd: OddFieldReporter | null = null) {
		const reader = new Reader(buffer, start, odd);
		reader.open(end);
		if (reader.tag !== TAG.dictionary) throw damage("expected a flow (a dictionary)", start);
		this.#reader = reader;
		this.#start = start;
		this.#end = end;
		this.#stop = reader.stop;
		reader.position = reader.start;
		let keys: string[] | null = null;
		while (reader.position < this.#stop) {
			const at = this.#offsets.length;
			const key = reader.key(this.#stop);
			if (keys === null && key !== latest.keys[at]) keys = latest.keys.slice(0, at);
			keys?.push(key);
			this.#offsets.push(reader.position);
			reader.open(this.#stop);
		}
		if (keys === null && this.#offsets.length < latest.keys.length) keys = latest.keys.slice(0, this.#offsets.length);
		if (keys !== null) latest = new Layout(keys);
		this.#layout = latest;
	}

	/** The bytes of the record. */
	get bytes(): Buffer {
		return this.#reader.buffer.subarray(this.#start, this.#end);
	}

	/** A copy that shares no memory with this record. */
	copy(): DumpRecord {
		const bytes = Buffer.from(this.bytes);
		return new DumpRecord(bytes, 0, bytes.length, this.#reader.odd);
	}

	/** The value of a field; undefined if there is none. */
	value(field: string): Value | undefined {
		return this.#open(field)?.payload(0);
	}

	/** All fields, decoded. */
	values(): Dictionary {
		const values = Object.create(null) as Dictionary;
		for (const field of this.#layout.keys) values[field] = this.value(field) ?? null;
		return values;
	}

	get id(): string {
		return text(this.#required("id"), "id");
	}

	get type(): string {
		return text(this.#required("type"), "type");
	}

	/** The value of a filter column. For records of version 14 or later. */
	column(column: Column): string | number | null {
		switch (column) {
			case "kind":
				return this.type;
			case "is_replay":
				return this.#isReplay();
			case "marked":
				return this.#text("marked");
			case "has_error":
				return this.#error() === null ? 0 : 1;
			case "has_websocket":
				return this.#isThere("websocket") ? 1 : 0;
			case "status":
				return this.type === "http" ? this.#status() : null;
			default:
				return this.type === "http" ? this.#requestColumn(column) : null;
		}
	}

	/**
	 * The flow of a record of version 14 or later.
	 * @throws FlowtapeError FT_CORRUPT_FLOW
	 */
	flow(): Flow {
		const metadata = this.#metadata();
		const own = metadata[OWN];
		if (own === undefined) return this.#flow(metadata);
		delete metadata[OWN];
		const flow = this.#flow(metadata);
		setOwnFields(flow, own);
		return flow;
	}

	#flow(metadata: Metadata): Flow {
		const init: FlowInit = {
			id: this.id,
			error: this.#error(),
			intercepted: this.#optional("intercepted", false, isTrue),
			isReplay: this.#isReplay(),
			marked: this.#text("marked"),
			comment: this.#text("comment"),
			timestampCreated: this.#created(),
			// connections are half of a record: check them now, decode them on access
			clientConn: () => readClient(this.#openOrNull("client_conn")),
			serverConn: () => readServer(this.#openOrNull("server_conn")),
			metadata,
			backup: (this.value("backup") ?? null) as MetaValue,
			extra: this.#extra(),
		};
		this.#check("client_conn");
		this.#check("server_conn");
		switch (this.type) {
			case "http":
				return new HttpFlow(
					Object.assign(init, {
						request: this.#readRequest(),
						response: this.#response(),
						websocket: this.#webSocket(),
					}),
				);
			case "tcp":
				return new TcpFlow({ ...init, messages: readMessages(this.#required("messages")) });
			case "udp":
				return new UdpFlow({ ...init, messages: readMessages(this.#required("messages")) });
			case "dns":
				return new DnsFlow({ ...init, request: readDns(this.#required("request")), response: this.#answer() });
			default:
				throw wrong(this.#required("type"), "type", "http, tcp, udp or dns");
		}
	}

	/** The reader with a field's value just opened. */
	#open(field: string): Reader | null {
		const reader = this.#reader;
		const index = this.#layout.indexes.get(field);
		if (index === undefined) return null;
		reader.position = this.#offsets[index] as number;
		reader.open(this.#stop);
		return reader;
	}

	#required(field: string): Reader {
		const reader = this.#open(field);
		if (reader === null) throw missing(field);
		return reader;
	}

	/** Opens a field; returns a reader on a null if the record has no such field. */
	#openOrNull(field: string): Reader {
		const reader = this.#open(field);
		if (reader !== null) return reader;
		const none = new Reader(NULL);
		none.open(NULL.length);
		return none;
	}

	#check(field: string): void {
		const index = this.#layout.indexes.get(field);
		if (index === undefined) return;
		this.#reader.position = this.#offsets[index] as number;
		this.#reader.skip(this.#stop, 1);
	}

	#isThere(field: string): boolean {
		const reader = this.#open(field);
		return reader !== null && !isNothing(reader);
	}

	/** Reads an optional field; the fallback if it is missing or has the wrong type. */
	#optional<T>(field: string, fallback: T, read: (reader: Reader, field: string) => T): T {
		const reader = this.#open(field);
		if (reader === null) return fallback;
		try {
			return read(reader, field);
		} catch (error) {
			skipOdd(reader, error, this.#offsets[this.#layout.indexes.get(field) as number] as number, this.#stop);
			return fallback;
		}
	}

	#text(field: string): string {
		return this.#optional(field, null, optionalText) ?? "";
	}

	/** Versions before 16 have no creation time. */
	#created(): number {
		const created = this.#optional("timestamp_created", null, optionalNumber);
		if (created !== null) return created;
		if (this.type === "http") return this.#readRequest().timestampStart;
		return readClient(this.#openOrNull("client_conn")).timestampStart ?? 0;
	}

	#isReplay(): "request" | "response" | null {
		const value = this.#text("is_replay");
		return value === "request" || value === "response" ? value : null;
	}

	#error(): FlowFailure | null {
		return this.#optional("error", null, readError);
	}

	#metadata(): Metadata {
		return this.#optional("metadata", null, readMetadata) ?? (Object.create(null) as Metadata);
	}

	#readRequest(): Request {
		this.#request ??= readRequest(this.#required("request"));
		return this.#request;
	}

	#response() {
		const reader = this.#open("response");
		return reader === null ? null : readResponse(reader);
	}

	#webSocket() {
		const reader = this.#open("websocket");
		return reader === null ? null : readWebSocket(reader);
	}

	#answer() {
		const reader = this.#open("response");
		return reader === null || isNothing(reader) ? null : readDns(reader);
	}

	#extra(): Record<string, unknown> | undefined {
		const { others } = this.#layout;
		return others.length === 0
			? undefined
			: { fields: Object.fromEntries(others.map((field) => [field, this.value(field)])) };
	}

	#status(): number | null {
		if (!this.#isThere("response")) return null;
		return integer(this.#within("response", "status_code"), "response.status_code");
	}

	#requestColumn(column: "method" | "scheme" | "host" | "pretty_host" | "port" | "path"): string | number {
		switch (column) {
			case "pretty_host":
				return this.#readRequest().prettyHost;
			case "host":
				return text(this.#within("request", column), "request.host");
			case "port":
				return integer(this.#within("request", column), "request.port");
			default:
				return bytes(this.#within("request", column), `request.${column}`);
		}
	}

	/** The reader with a field of a message just opened. */
	#within(message: "request" | "response", field: string): Reader {
		const reader = this.#required(message);
		if (reader.tag !== TAG.dictionary) throw wrong(reader, message, "a dictionary");
		const { stop } = reader;
		reader.position = reader.start;
		if (reader.find(field, stop)) return reader;
		throw missing(`${message}.${field}`);
	}
}

/** Optional fields of an error. */
const ERROR_OPTIONAL: ReadonlySet<string> = new Set(["msg", "timestamp"]);

function readError(reader: Reader): FlowFailure | null {
	return isNothing(reader)
		? null
		: readDictionary(reader, "error", { message: "", timestamp: 0 }, visitError, ERROR_OPTIONAL);
}

const visitError: Visitor<FlowFailure> = (error, key, reader) => {
	if (key === "msg") error.message = text(reader, "error.msg");
	else if (key === "timestamp") error.timestamp = number(reader, "error.timestamp");
	else reader.check();
};

function readMetadata(reader: Reader): Metadata | null {
	if (isNull(reader)) return null;
	if (reader.tag !== TAG.dictionary) throw wrong(reader, "metadata", "a dictionary");
	return reader.payload(0) as Metadata;
}
