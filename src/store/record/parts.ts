// The parts of a flow that its row refers to: bodies, connections and messages. The encoder and the decoder of rows use
// these interfaces.
import type { Body } from "../../flow/body.ts";
import type { ClientConnection, ServerConnection } from "../../flow/connection.ts";
import type { Lazy } from "../../flow/flow.ts";
import type { NumberedMessage, StoredBody } from "./flow-row.ts";

/** Writes the large and the shared parts of a flow. */
export interface PartWriter {
	writeBody(body: Body): StoredBody;
	/** Returns the id of the connection's row. */
	writeClient(client: ClientConnection | Lazy<ClientConnection>): number;
	writeServer(server: ServerConnection | Lazy<ServerConnection>): number;
}

/**
 * Reads the large and the shared parts of a flow. A damaged body or list of messages is reported and left out. A
 * damaged connection throws FlowtapeError FT_CORRUPT_FLOW, or FT_STORE if its row cannot be read.
 */
export interface PartReader {
	readBody(stored: StoredBody, size: number | null): Body;
	/** The connection with a row id. */
	readClient(row: number): ClientConnection;
	readServer(row: number): ServerConnection;
	/** A reference to a connection's row, by which a writer of the same kind can copy it. */
	rowRefOf(row: number): object;
	/** The stored messages of a flow, in order, without a check of their checksums. */
	readMessages(seq: number): NumberedMessage[];
	/** As `readMessages`, but `bytes` is null if there are more than `limit`. */
	readSmallMessages(seq: number, limit: number): (Omit<NumberedMessage, "bytes"> & { bytes: Uint8Array | null })[];
	/** A single message; undefined: it is missing. */
	readMessage(seq: number, n: number): NumberedMessage | undefined;
	/** Reports that a part of a flow is damaged and is left out. */
	reportDamage(seq: number, what: string, cause: unknown): void;
}
