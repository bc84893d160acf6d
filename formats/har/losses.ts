// Counts the parts of flows that a HAR cannot store, and reports them once at the end.
import { isUtf8 } from "node:buffer";
import type { Reporter } from "../../src/errors.ts";
import type { ClientConnection, ServerConnection } from "../../src/flow/connection.ts";
import type { Flow, HttpFlow } from "../../src/flow/flow.ts";
import type { Message } from "../../src/flow/message.ts";
import { BODY_LIMIT } from "./inflation.ts";
import { NOTE } from "./notes.ts";

/** Parts of an HTTP flow that a HAR cannot store, in the order of the report. */
const PARTS: readonly (readonly [name: string, has: (flow: HttpFlow) => boolean])[] = [
	[`bodies over ${BODY_LIMIT / 1024 / 1024} MiB`, ({ request, response }) => isLarge(request) || isLarge(response)],
	["trailers", ({ request, response }) => Boolean(request.trailers?.size || response?.trailers?.size)],
	["header bytes that are not UTF-8", ({ request, response }) => hasStrayBytes(request) || hasStrayBytes(response)],
	[
		"bytes of WebSocket texts that are not UTF-8",
		({ websocket }) => websocket?.messages.some(({ opcode, content }) => opcode === 1 && !isUtf8(content)) ?? false,
	],
	["how WebSockets ended", ({ websocket }) => websocket !== null && websocket.closeCode !== null],
	["marks", ({ marked }) => marked !== ""],
	["notes", ({ metadata }) => Object.keys(metadata).some((key) => key !== NOTE)],
	["whether they were replayed", ({ isReplay }) => isReplay !== null],
	["versions before editing", ({ backup }) => backup !== null],
	["clients and TLS", ({ clientConn, serverConn }) => isDetailed(clientConn, serverConn)],
];

export class Losses {
	readonly #name: string;
	readonly #report: Reporter;
	/** Numbers of flows by type. */
	readonly #flows = new Map<string, number>();
	readonly #log = new Map<string, number>();
	readonly #notes = new Map<string, number>();
	readonly #parts = new Map(PARTS.map(([name]) => [name, 0]));

	constructor(name: string, report: Reporter) {
		this.#name = name;
		this.#report = report;
	}

	note(flow: Flow): void {
		if (flow.type !== "http") count(this.#flows, flow.type.toUpperCase());
		else for (const [name, has] of PARTS) if (has(flow)) count(this.#parts, name);
	}

	/** Counts a note on the tape that is left out. */
	noteTape(name: string): void {
		count(this.#notes, JSON.stringify(name));
	}

	/** Counts a flow that is left out. */
	noteTooLarge(): void {
		count(this.#flows, "HTTP flows too large to be read again");
	}

	/** Counts a field outside the entries for which a second HAR has another value. */
	noteLog(key: string): void {
		count(this.#log, `"${key}"`);
	}

	/** @param coded number of bodies that stay encoded because they inflate to too many bytes */
	report(coded = 0): void {
		this.#reportCounts("two values of fields beside the entries", this.#log);
		this.#reportCounts("these flows", this.#flows);
		this.#reportCounts("these parts of flows", this.#parts);
		this.#reportCounts("these notes on the tape", this.#notes);
		if (coded === 0) return;
		const what =
			coded === 1
				? "1 body inflates to so many bytes that it is"
				: `${coded} bodies inflate to so many bytes that they are`;
		this.#report("FT_LOSS", `${this.#name}: ${what} kept compressed, marked by "_asSent"`, { file: this.#name });
	}

	#reportCounts(what: string, counts: ReadonlyMap<string, number>): void {
		const list = [...counts].filter(([, n]) => n > 0).map(([name, n]) => `${name} (${n})`);
		if (list.length > 0)
			this.#report("FT_LOSS", `${this.#name}: HAR cannot store ${what}: ${list.join(", ")}: left out`, {
				file: this.#name,
			});
	}
}

function count(counts: Map<string, number>, name: string): void {
	counts.set(name, (counts.get(name) ?? 0) + 1);
}

function isLarge(message: Message | null): boolean {
	return (message?.bodySize ?? 0) > BODY_LIMIT;
}

function hasStrayBytes(message: Message | null): boolean {
	return (
		message?.headers.fields.some(
			(field) => /[\x80-\xff]/.test(field) && Buffer.from(field, "latin1").toString("utf8").includes("\ufffd"),
		) ?? false
	);
}

function isDetailed(client: ClientConnection, server: ServerConnection): boolean {
	// a dump has an empty host for an unknown address
	return Boolean(client.peername?.[0]) || server.tlsVersion !== null || server.certificateList.length > 0;
}
