// Flows written to a tape, in the thread that brings them.
import type { Reporter } from "../../errors.ts";
import type { Body } from "../../flow/body.ts";
import type { ClientConnection, ServerConnection } from "../../flow/connection.ts";
import type { Flow, HttpFlow, Later } from "../../flow/flow.ts";
import type { MetaValue } from "../../flow/metadata.ts";
import type { BodySpool, OpenFlow } from "../../flow/sink.ts";
import { encodeFlow, encodeMessage, encodeMessages, type PartWriter } from "../record/codec.ts";
import { type StoredBody, valuesOf } from "../record/flow-row.ts";
import type { TapeDatabase } from "./database.ts";
import { writeNote } from "./notes.ts";
import { RowReuse } from "./row-reuse.ts";
import { RowWriter } from "./row-writer.ts";
import { WrittenConnections } from "./written-connections.ts";

const COMPLETED = ["marked", "has_error", "client_conn", "server_conn", "head", "rest", "ended", "refreshed", "session", "duration", "first_byte"] as const;
const COMPLETE_FLOW = `UPDATE flow SET ${COMPLETED.map((column) => `${column} = ?`).join(", ")} WHERE seq = ?`;

/** The key by which replay finds a recording; kept beside each flow. */
export type KeyOf = (flow: HttpFlow) => string;

export class TapeWriter implements PartWriter {
	readonly #db: TapeDatabase;
	readonly #requestKey: KeyOf | undefined;
	readonly #rows: RowWriter;
	#connections: WrittenConnections;
	/** undefined as long as there was no flow. */
	#loan: RowReuse | null | undefined;

	constructor(db: TapeDatabase, report: Reporter, { requestKey, borrows }: { requestKey: KeyOf | undefined; borrows: boolean }) {
		this.#db = db;
		if (!borrows) this.#loan = null;
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

	/** The highest number of a connection; null where there are no rows at all. */
	get held(): number | null {
		return this.#rows.held;
	}

	append(flow: Flow): void {
		this.#rows.within(() => {
			if (this.#loan === undefined) this.#borrow(flow);
			this.#insert(flow);
		});
	}

	note(name: string, value: MetaValue): void {
		this.#rows.within(() => writeNote(this.#db, name, value));
	}

	/** Where the first flow of a new tape comes from another tape, what is left of its flows as it is gets copied. */
	#borrow(flow: Flow): void {
		this.#loan = this.#db.mode === "create" && this.isEmpty ? RowReuse.of(flow) : null;
		if (this.#loan !== null) this.#rows.borrow(this.#loan.lent);
	}

	open(flow: HttpFlow): OpenFlow {
		const seq = this.#rows.within(() => this.#insert(flow));
		let n = flow.websocket?.messages.length ?? 0;
		return {
			add: (message) => this.#rows.within(() => this.#rows.addMessage(seq, n++, encodeMessage(message))),
			close: () => this.#rows.within(() => this.#complete(seq, flow)),
			discard: () => this.#rows.within(() => this.#rows.removeFlow(seq)),
		};
	}

	/** What may have changed since the flow was opened. */
	#complete(seq: number, flow: HttpFlow): void {
		const row = encodeFlow(flow, null, this);
		this.#db.run(COMPLETE_FLOW, ...COMPLETED.map((column) => row[column]), seq);
	}

	spool(ofRequest = false): BodySpool {
		const spool = this.#rows.within(() => this.#rows.bodies.spool(ofRequest && this.#requestKey !== undefined));
		return {
			write: (chunk) => this.#rows.within(() => spool.write(chunk)),
			end: () => this.#rows.within(() => spool.end()),
		};
	}

	#insert(flow: Flow): number {
		const requestKey = flow.type === "http" ? (this.#requestKey?.(flow) ?? null) : null;
		const seq = this.#rows.addFlow(valuesOf(encodeFlow(flow, requestKey, this)));
		try {
			for (const [n, message] of encodeMessages(flow).entries()) this.#rows.addMessage(seq, n, message);
		} catch (error) {
			if (this.#db.inTransaction) this.#rows.removeFlow(seq);
			throw error;
		}
		return seq;
	}

	writeBody(body: Body): StoredBody {
		return this.#loan?.body(body) ?? this.#rows.bodies.write(body);
	}

	writeClient(client: ClientConnection | Later<ClientConnection>): number {
		return this.#loan?.connection(client) ?? this.#connections.writeClient(typeof client === "function" ? client() : client);
	}

	writeServer(server: ServerConnection | Later<ServerConnection>): number {
		return this.#loan?.connection(server) ?? this.#connections.writeServer(typeof server === "function" ? server() : server);
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
