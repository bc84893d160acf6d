// Writes flows to a tape, in the calling thread.
import type { Reporter } from "../../errors.ts";
import type { Body } from "../../flow/body.ts";
import type { ClientConnection, ServerConnection } from "../../flow/connection.ts";
import type { Conversation, Flow, HttpFlow, Lazy } from "../../flow/flow.ts";
import type { MetaValue } from "../../flow/metadata.ts";
import type { BodySpool, OpenFlow } from "../../flow/sink.ts";
import { encodeFlow } from "../record/codec.ts";
import { COLUMN, type FlowValue, type StoredBody, valuesOf } from "../record/flow-row.ts";
import { encodeMessage, encodeMessages, messagesOf } from "../record/messages.ts";
import type { PartWriter } from "../record/parts.ts";
import { sealFlow } from "../record/row-sum.ts";
import type { TapeDatabase } from "./database.ts";
import { writeNote } from "./notes.ts";
import { RowReuse } from "./row-reuse.ts";
import { RowWriter } from "./row-writer.ts";
import { WrittenConnections } from "./written-connections.ts";

const COMPLETED = [
	"marked",
	"has_error",
	"client_conn",
	"server_conn",
	"head",
	"rest",
	"ended",
	"refreshed",
	"session",
	"duration",
	"first_byte",
] as const;
const COMPLETE_FLOW = `UPDATE flow SET ${COMPLETED.map((column) => `${column} = ?`).join(", ")} WHERE seq = ?`;

/** Computes the request key by which a replay finds a recording. The key is stored with each flow. */
export type KeyOf = (flow: HttpFlow) => string;

export class TapeWriter implements PartWriter {
	readonly #db: TapeDatabase;
	readonly #requestKey: KeyOf | undefined;
	readonly #rows: RowWriter;
	#connections: WrittenConnections;
	/** The rows of flows that are open, by their sequence numbers. */
	readonly #open = new Map<number, FlowValue[]>();
	/** The sequence number of the flow that was appended or opened last; null: none. */
	last: number | null = null;
	/** undefined: no flow was written yet; null: nothing is reused. */
	#reuse: RowReuse | null | undefined;

	constructor(
		db: TapeDatabase,
		report: Reporter,
		{ requestKey, reusesRows }: { requestKey: KeyOf | undefined; reusesRows: boolean },
	) {
		this.#db = db;
		if (!reusesRows) this.#reuse = null;
		this.#requestKey = requestKey;
		this.#rows = new RowWriter(db, report, () => {
			this.#connections = new WrittenConnections(this.#rows);
		});
		this.#connections = new WrittenConnections(this.#rows);
	}

	get stored(): number {
		return this.#rows.stored;
	}

	get isEmpty(): boolean {
		return this.#rows.isEmpty;
	}

	/** The highest id of a connection; null if there are no rows at all. */
	get lastConnection(): number | null {
		return this.#rows.lastConnection;
	}

	append(flow: Flow): void {
		this.#rows.within(() => {
			if (this.#reuse === undefined) this.#startReuse(flow);
			this.#insert(flow);
		});
	}

	note(name: string, value: MetaValue): void {
		this.#rows.within(() => writeNote(this.#db, name, value));
	}

	/** If the first flow of a new tape was read from another tape, unchanged parts are copied as rows. */
	#startReuse(flow: Flow): void {
		this.#reuse = this.#db.mode === "create" && this.isEmpty ? RowReuse.from(flow) : null;
		if (this.#reuse !== null) this.#rows.reuseRows(this.#reuse.reusable);
	}

	open(flow: Conversation): OpenFlow {
		// the number of messages is stored when the flow ends
		const { seq, values } = this.#rows.within(() => this.#insert(flow, null));
		let n = messagesOf(flow).length;
		this.#open.set(seq, values);
		return {
			addMessage: (message) => this.#rows.within(() => this.#rows.addMessage(seq, n++, encodeMessage(message))),
			close: (final = flow) => {
				this.#open.delete(seq);
				this.#rows.within(() => this.#complete(seq, values, final, n));
			},
			discard: () => {
				this.#open.delete(seq);
				this.#rows.within(() => this.#rows.removeFlow(seq));
			},
		};
	}

	/** As `FlowSink.amend`, with the stored flow and its row. */
	amend(seq: number, flow: Flow, change: (flow: Flow) => boolean): boolean {
		const messages = messagesOf(flow);
		const contents = messages.map(({ content }) => content);
		return change(flow) && this.#rows.within(() => this.#replace(seq, flow, contents));
	}

	/** @param contents the stored contents of the messages */
	#replace(seq: number, flow: Flow, contents: readonly Buffer[]): true {
		const stored = this.#db.lists<StoredBody[]>(
			"SELECT request_body, response_body, original_body FROM flow WHERE seq = ?",
			seq,
		);
		const open = this.#open.get(seq);
		const values = valuesOf(encodeFlow(flow, this.#keyOf(flow), this, open === undefined ? undefined : null));
		this.#rows.replaceFlow(seq, values);
		// the row that is completed when the flow ends
		if (open !== undefined) for (const [column, value] of values.entries()) open[column] = value;
		for (const [n, message] of messagesOf(flow).entries())
			if (message.content !== contents[n]) this.#rows.addMessage(seq, n, encodeMessage(message));
		this.#rows.forgetBodies(stored.flat());
		return true;
	}

	#keyOf(flow: Flow): string | null {
		return flow.type === "http" ? (this.#requestKey?.(flow) ?? null) : null;
	}

	/** Updates the columns that may have changed since the flow was opened. */
	#complete(seq: number, values: FlowValue[], flow: Conversation, messages: number): void {
		const row = encodeFlow(flow, null, this, messages);
		for (const column of COMPLETED) values[COLUMN[column]] = row[column];
		row.head = sealFlow(values);
		this.#db.run(COMPLETE_FLOW, ...COMPLETED.map((column) => row[column]), seq);
	}

	spool(ofRequest = false): BodySpool {
		const spool = this.#rows.within(() => this.#rows.bodies.spool(ofRequest && this.#requestKey !== undefined));
		return {
			write: (chunk) => this.#rows.within(() => spool.write(chunk)),
			end: () => this.#rows.within(() => spool.end()),
		};
	}

	/**
	 * Inserts a flow with its messages. Returns its sequence number and the values of its row.
	 * @param messages number of messages that its row states; default: those that it has now
	 */
	#insert(flow: Flow, messages?: null): { seq: number; values: FlowValue[] } {
		const values = valuesOf(encodeFlow(flow, this.#keyOf(flow), this, messages));
		const seq = this.#rows.addFlow(values);
		this.last = seq;
		try {
			for (const [n, message] of encodeMessages(flow).entries()) this.#rows.addMessage(seq, n, message);
		} catch (error) {
			if (this.#db.inTransaction) this.#rows.removeFlow(seq);
			throw error;
		}
		return { seq, values };
	}

	writeBody(body: Body): StoredBody {
		return this.#reuse?.body(body) ?? this.#rows.bodies.write(body);
	}

	writeClient(client: ClientConnection | Lazy<ClientConnection>): number {
		return this.#reuse?.connection(client) ?? this.#connections.writeClient(client);
	}

	writeServer(server: ServerConnection | Lazy<ServerConnection>): number {
		return this.#reuse?.connection(server) ?? this.#connections.writeServer(server);
	}

	flush(): void {
		this.#rows.flush();
	}

	async close(): Promise<void> {
		try {
			if (this.#db.mode !== "read") this.#rows.finish();
		} finally {
			await this.#rows.close();
		}
	}

	async discard(): Promise<void> {
		await this.#rows.close();
	}
}
