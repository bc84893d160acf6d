// Parts of stored flows that a replay reads instead of whole flows.
import type { FlowEnd } from "./flow.ts";
import type { Response } from "./message.ts";

/** An HTTP flow without headers and bodies. */
export interface FlowSummary {
	/** Its sequence number. */
	readonly seq: number;
	readonly id: string;
	readonly method: string;
	readonly scheme: string;
	/** From the Host header, if there is one. */
	readonly host: string;
	readonly port: number;
	readonly path: string;
	/** null: there was no response. */
	readonly status: number | null;
	/** Whether it can answer a request. */
	readonly isAnswer: boolean;
	/** The name of its session; null: none. */
	readonly session: string | null;
}

/** A recorded request with a Content-Encoding. */
export interface CodedRequest {
	/** Its sequence number. */
	readonly seq: number;
	readonly method: string;
	readonly path: string;
}

/** A final response, or one that began a WebSocket, and the id of its flow. */
export interface RecordedAnswer {
	readonly id: string;
	readonly response: Response;
	/** How the response ended: it is complete only if the server ended it. null: unknown. */
	readonly ended: FlowEnd | null;
	/** The time to which its dates were moved, in seconds since 1970; null: they are those of the recording. */
	readonly refreshed: number | null;
	/** The name of its session; null: none. */
	readonly session: string | null;
}
