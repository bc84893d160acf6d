// Batches of rows for the writer thread. A batch is a list of values, which is cheap to clone, and one transferred
// buffer with all bytes. A flow's bodies come before it, its messages after it.
import { type Body, bodyBytes, bodySize } from "../../flow/body.ts";
import type { ClientConnection, ServerConnection } from "../../flow/connection.ts";
import type { Flow, Lazy } from "../../flow/flow.ts";
import { encodeFlow } from "../record/codec.ts";
import {
	COLUMN,
	FLOW_COLUMNS,
	type FlowValue,
	type MessageRow,
	type StoredBody,
	valuesOf,
} from "../record/flow-row.ts";
import type { PartWriter } from "../record/parts.ts";
import type { RowReuse } from "../sqlite/row-reuse.ts";
import type { RowWriter } from "../sqlite/row-writer.ts";
import { type ConnectionRows, WrittenConnections } from "../sqlite/written-connections.ts";

export interface RowBatch {
	/** Records, each of which is a kind followed by its values. Each byte string is represented by its length. */
	readonly values: readonly Value[];
	/** All byte strings of the records, in order. */
	readonly bytes: ArrayBuffer;
}

type Value = string | number | null;

const KIND = { body: 0, piece: 1, spooled: 2, connection: 3, certificate: 4, flow: 5, message: 6 } as const;

/** Initial size of a batch's buffer in bytes. A batch is full when half of it is used, or with this many flows. */
export const BATCH_BYTES = 1024 * 1024;
const BATCH_FLOWS = 500;

/**
 * Minimum number of recent connections that are remembered. It is low because flows of one connection are close
 * together in a file, and every remembered connection costs a copy at each garbage collection.
 */
const REMEMBERED_CONNECTIONS = 100;

export class RowBatchEncoder implements PartWriter, ConnectionRows {
	readonly #reuse: RowReuse | null;
	readonly #connections = new WrittenConnections(this, REMEMBERED_CONNECTIONS);
	#lastConnection: number;
	/** Number of bodies sent so far. */
	#bodies = 0;
	/** Bodies that were sent in pieces before their flow, with their numbers. */
	readonly #ahead = new Map<Body, number>();
	#values: Value[] = [];
	#bytes: Buffer;
	#at = 0;
	#flows = 0;

	/**
	 * @param reuse rows of another tape that the thread can copy
	 * @param connections the highest id of a connection already in the tape
	 */
	constructor(reuse: RowReuse | null, connections = 0) {
		this.#reuse = reuse;
		this.#lastConnection = reuse === null ? connections : reuse.reusable.connections + 1;
		this.#bytes = Buffer.from(new ArrayBuffer(BATCH_BYTES));
	}

	get isFull(): boolean {
		return this.#at > BATCH_BYTES / 2 || this.#flows >= BATCH_FLOWS;
	}

	/** Returns the batch encoded so far and starts the next one, in a used buffer or a new one. */
	take(used: ArrayBuffer = new ArrayBuffer(BATCH_BYTES)): RowBatch {
		const batch = { values: this.#values, bytes: this.#bytes.buffer as ArrayBuffer };
		this.#values = [];
		this.#bytes = Buffer.from(used);
		this.#at = 0;
		this.#flows = 0;
		return batch;
	}

	/** Adds a flow without its messages. */
	addFlow(flow: Flow, requestKey: string | null): void {
		const row = encodeFlow(flow, requestKey, this);
		const values = valuesOf(row) as Value[];
		values[COLUMN.head] = this.#put(row.head);
		values[COLUMN.rest] = row.rest && this.#put(row.rest);
		values[COLUMN.original] = row.original && this.#put(row.original);
		this.#values.push(KIND.flow, ...values);
		if (this.#ahead.size > 0) this.#ahead.clear();
		this.#flows++;
	}

	/** Adds a message of the last flow. */
	addMessage(n: number, { at, from_client, opcode, flags, bytes }: MessageRow): void {
		this.#values.push(KIND.message, n, at, from_client, opcode, flags, this.#put(bytes));
	}

	/** Adds a piece of a body; `endBody` completes it. */
	addPiece(piece: Uint8Array): void {
		this.#values.push(KIND.piece, this.#put(piece));
	}

	/** Completes a body that was sent in pieces. It belongs to the next flow. */
	endBody(body: Body): void {
		this.#values.push(KIND.spooled);
		this.#ahead.set(body, ++this.#bodies);
	}

	/** Whether the body's row is copied from the other tape, so that its bytes need not be sent. */
	isReused(body: Body): boolean {
		return this.#reuse?.body(body) != null;
	}

	/**
	 * Returns -n for the nth body that was sent; a positive number: its row in the other tape; 0: the body is empty;
	 * null: it is missing.
	 */
	writeBody(body: Body): StoredBody {
		const reusable = this.#reuse?.body(body);
		if (reusable != null) return reusable;
		const ahead = this.#ahead.size > 0 ? this.#ahead.get(body) : undefined;
		if (ahead !== undefined) return -ahead;
		const size = bodySize(body);
		if (size === null || size === 0) return size;
		this.#values.push(KIND.body, this.#put(bodyBytes(body) as Buffer));
		return -++this.#bodies;
	}

	writeClient(client: ClientConnection | Lazy<ClientConnection>): number {
		return this.#reuse?.connection(client) ?? this.#connections.writeClient(client);
	}

	writeServer(server: ServerConnection | Lazy<ServerConnection>): number {
		return this.#reuse?.connection(server) ?? this.#connections.writeServer(server);
	}

	addConnection(bytes: Uint8Array): number {
		this.#values.push(KIND.connection, ++this.#lastConnection, this.#put(bytes));
		return this.#lastConnection;
	}

	addCertificate(hash: Uint8Array, pem: Uint8Array): void {
		this.#values.push(KIND.certificate, this.#put(hash), this.#put(pem));
	}

	#put(bytes: Uint8Array): number {
		const end = this.#at + bytes.length;
		if (end > this.#bytes.length) {
			const larger = Buffer.from(new ArrayBuffer(2 * end));
			this.#bytes.copy(larger, 0, 0, this.#at);
			this.#bytes = larger;
		}
		this.#bytes.set(bytes, this.#at);
		this.#at = end;
		return bytes.length;
	}
}

/** Decodes batches and writes their rows. */
export class RowBatchDecoder {
	readonly #rows: RowWriter;
	#values: readonly Value[] = [];
	#next = 0;
	#bytes: Buffer = Buffer.alloc(0);
	#at = 0;
	#spool: ReturnType<RowWriter["bodies"]["spool"]> | null = null;
	#bodies = 0;
	/** Bodies received for the next flow. */
	readonly #sent: StoredBody[] = [];
	#flow = 0;

	constructor(rows: RowWriter) {
		this.#rows = rows;
	}

	write({ values, bytes }: RowBatch): void {
		this.#values = values;
		this.#next = 0;
		this.#bytes = Buffer.from(bytes);
		this.#at = 0;
		while (this.#next < values.length) this.#rows.within(() => this.#record());
	}

	#record(): void {
		switch (this.#number()) {
			case KIND.body:
				this.#add(this.#rows.bodies.write(this.#blob()));
				break;
			case KIND.piece:
				this.#spool ??= this.#rows.bodies.spool();
				this.#spool.write(this.#blob());
				break;
			case KIND.spooled:
				this.#add(this.#endBody());
				break;
			case KIND.connection:
				this.#connection(this.#number(), this.#blob());
				break;
			case KIND.certificate:
				this.#rows.addCertificate(this.#blob(), this.#blob());
				break;
			case KIND.flow:
				this.#addFlow();
				break;
			default:
				this.#message();
		}
	}

	#add(body: StoredBody): void {
		this.#bodies++;
		this.#sent.push(body);
	}

	#endBody(): StoredBody {
		const spool = this.#spool;
		this.#spool = null;
		return spool === null ? null : this.#rows.bodies.adopt(spool.end());
	}

	#connection(number: number, bytes: Buffer): void {
		this.#rows.addConnection(bytes, number);
	}

	#addFlow(): void {
		const row: FlowValue[] = this.#values.slice(this.#next, this.#next + FLOW_COLUMNS.length);
		this.#next += FLOW_COLUMNS.length;
		for (const column of [COLUMN.request_body, COLUMN.response_body, COLUMN.original_body]) {
			const body = row[column] as number | null;
			if (body !== null && body < 0) row[column] = this.#sent[this.#sent.length - 1 - (this.#bodies + body)] ?? null;
		}
		row[COLUMN.head] = this.#cut(row[COLUMN.head] as number);
		for (const column of [COLUMN.rest, COLUMN.original]) {
			const size = row[column] as number | null;
			row[column] = size === null ? null : this.#cut(size);
		}
		this.#flow = this.#rows.addFlow(row);
		this.#sent.length = 0;
	}

	#message(): void {
		const [n, at, from_client, opcode, flags] = this.#values.slice(this.#next, this.#next + 5) as number[];
		this.#next += 5;
		this.#rows.addMessage(
			this.#flow,
			n as number,
			{ at, from_client, opcode, flags, bytes: this.#blob() } as MessageRow,
		);
	}

	#number(): number {
		return this.#values[this.#next++] as number;
	}

	#blob(): Buffer {
		return this.#cut(this.#number());
	}

	#cut(size: number): Buffer {
		this.#at += size;
		return this.#bytes.subarray(this.#at - size, this.#at);
	}
}
