// What a HAR has no room for, counted while flows are written, and said once at the end.
import type { Reporter } from "../../src/errors.ts";
import type { ClientConnection, ServerConnection } from "../../src/flow/connection.ts";
import type { Flow, HttpFlow } from "../../src/flow/flow.ts";
import type { Message } from "../../src/flow/message.ts";
import { BODY_LIMIT } from "./inflation.ts";
import { NOTE } from "./notes.ts";

/** Parts of an HTTP flow and how many flows have them. In the order in which they are told. */
const PARTS: readonly (readonly [name: string, has: (flow: HttpFlow) => boolean])[] = [
	[`bodies over ${BODY_LIMIT / 1024 / 1024} MiB`, ({ request, response }) => isLarge(request) || isLarge(response)],
	["trailers", ({ request, response }) => Boolean(request.trailers?.size || response?.trailers?.size)],
	["header bytes that are not UTF-8", ({ request, response }) => hasStrayBytes(request) || hasStrayBytes(response)],
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
	/** Flows, and parts of flows, by what they are. */
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

	/** A note on the tape itself. */
	noteTape(name: string): void {
		count(this.#notes, JSON.stringify(name));
	}

	/** A flow that is left out as a whole. */
	noteTooLarge(): void {
		count(this.#flows, "HTTP flows of over 500 MB");
	}

	/** A field beside the entries, of which another HAR said something else. */
	noteLog(key: string): void {
		count(this.#log, `"${key}"`);
	}

	/** @param coded bodies that stay as they were sent because they inflate too far */
	report(coded = 0): void {
		this.#tell("two values of fields beside the entries", this.#log);
		this.#tell("these flows", this.#flows);
		this.#tell("these parts of flows", this.#parts);
		this.#tell("these notes on the tape", this.#notes);
		if (coded === 0) return;
		const what = coded === 1 ? "1 body inflates to so many bytes that it is" : `${coded} bodies inflate to so many bytes that they are`;
		this.#report("FT_LOSS", `${this.#name}: ${what} kept compressed, marked by "_asSent"`, { file: this.#name });
	}

	#tell(what: string, counts: ReadonlyMap<string, number>): void {
		const list = [...counts].filter(([, n]) => n > 0).map(([name, n]) => `${name} (${n})`);
		if (list.length > 0) this.#report("FT_LOSS", `${this.#name}: HAR has no room for ${what}: ${list.join(", ")}: left out`, { file: this.#name });
	}
}

function count(counts: Map<string, number>, name: string): void {
	counts.set(name, (counts.get(name) ?? 0) + 1);
}

function isLarge(message: Message | null): boolean {
	return (message?.bodySize ?? 0) > BODY_LIMIT;
}

function hasStrayBytes(message: Message | null): boolean {
	return message?.headers.fields.some((field) => /[\x80-\xff]/.test(field) && Buffer.from(field, "latin1").toString("utf8").includes("\ufffd")) ?? false;
}

function isDetailed(client: ClientConnection, server: ServerConnection): boolean {
	// a dump has an empty name for an address that is not known
	return Boolean(client.peername?.[0]) || server.tlsVersion !== null || server.certificateList.length > 0;
}
