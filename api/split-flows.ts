// Writes flows to several tapes: one for each host, status, method, type or session.
import { closeSync, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasErrno, type Reporter } from "../src/errors.ts";
import { toText } from "../src/flow/bytes.ts";
import type { Flow } from "../src/flow/flow.ts";
import type { MetaValue } from "../src/flow/metadata.ts";
import { FlowSink } from "../src/flow/pipe.ts";
import { openStore, type SqliteStore } from "../src/store/sqlite/store.ts";

/** The properties by which flows can be split. */
export const splitKeys = ["host", "status", "method", "type", "session"] as const;

export type SplitKey = (typeof splitKeys)[number];

/** A tape that was written. */
export interface SplitTape {
	/** The value that its flows share; null: they have none. */
	readonly value: string | null;
	readonly path: string;
	readonly flows: number;
}

export interface SplitSetup {
	by: SplitKey;
	folder: string;
	/** The extension of the files, with the dot. */
	extension: string;
	/** Opens a tape. */
	create(path: string): Promise<FlowSink>;
	report: Reporter;
}

/**
 * Maximum number of tapes that are written at a time, because each has open files. The flows of other tapes wait in a
 * temporary tape.
 */
const OPEN_TAPES = 64;

/** The value of a flow; null: it has none. Hosts are in lower case. */
export function splitValue(flow: Flow, by: SplitKey): string | null {
	switch (by) {
		case "type":
			return flow.type;
		case "session":
			return flow.session;
		case "status":
			return flow.type === "http" && flow.response !== null ? String(flow.response.statusCode) : null;
		case "method":
			return flow.type === "http" ? toText(flow.request.method) : null;
		case "host":
			return hostOf(flow)?.toLowerCase() || null;
	}
}

/** The host that the client named, or the server's address; for a DNS flow, the name in its question. */
function hostOf(flow: Flow): string | undefined {
	if (flow.type === "http") return flow.request.prettyHost;
	if (flow.type === "dns") return flow.request.questions[0]?.name;
	return (flow.serverConn.address ?? flow.serverConn.peername)?.[0];
}

/** Longest name of a file, in bytes, without the number and the extension. */
const NAME_BYTES = 100;

/** Names of devices in Windows, with any extension. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * A file name for a value: letters, digits and `@+=_.-` stay, other characters become `_`. It does not begin with a dot
 * or a dash, has no `..`, and is not the name of a device.
 */
export function fileNameFor(value: string): string {
	let name = value.replace(/[^\p{L}\p{N}@+=_.-]/gu, "_").replace(/\.{2,}|^[.-]|\.$/g, "_");
	if (DEVICE.test(name)) name = `_${name}`;
	while (Buffer.byteLength(name) > NAME_BYTES) name = [...name].slice(0, -1).join("");
	return name;
}

/**
 * Creates an empty file, so that no other process takes its name. Returns false if there is such a file. Other errors
 * occur again when the tape is created.
 */
function reserve(path: string): boolean {
	try {
		closeSync(openSync(path, "wx"));
		return true;
	} catch (error) {
		return !hasErrno(error, "EEXIST");
	}
}

/** The tape of one value. */
interface Part {
	readonly value: string | null;
	readonly path: string;
	/** Number of flows, also of those that the sink leaves out. */
	flows: number;
	/** null: its flows wait in the temporary tape, at these rows. */
	sink: FlowSink | null;
	readonly rows: number[];
}

/** A sink that writes each flow to the tape of its value. Existing files are never replaced. */
export class SplitSink extends FlowSink {
	readonly #setup: SplitSetup;
	readonly #parts = new Map<string | null, Part>();
	readonly #names = new Set<string>();
	/** The paths of tapes that are not complete, where empty files are. */
	readonly #reserved = new Set<string>();
	readonly #notes: [name: string, value: MetaValue][] = [];
	#open = 0;
	#waiting: { store: SqliteStore; folder: string; path: string; rows: number } | null = null;

	constructor(setup: SplitSetup) {
		super();
		this.#setup = setup;
	}

	/** The tapes, in the order of their first flows. */
	get tapes(): SplitTape[] {
		return [...this.#parts.values()].map(({ value, path, flows, sink }) => ({
			value,
			path,
			flows: flows - (sink?.leftOut ?? 0),
		}));
	}

	override get takesNotes(): boolean {
		return true;
	}

	override note(name: string, value: MetaValue): void {
		this.#notes.push([name, value]);
	}

	async append(flow: Flow): Promise<void> {
		const value = splitValue(flow, this.#setup.by);
		const part = this.#parts.get(value) ?? (await this.#add(value));
		part.flows++;
		if (part.sink !== null) return part.sink.append(flow);
		this.#waiting ??= await this.#openWaiting();
		this.#waiting.store.append(flow);
		part.rows.push(++this.#waiting.rows);
	}

	async #add(value: string | null): Promise<Part> {
		const part: Part = { value, path: this.#pathFor(value), flows: 0, sink: null, rows: [] };
		this.#parts.set(value, part);
		if (this.#open === OPEN_TAPES) return part;
		this.#open++;
		part.sink = await this.#create(part.path);
		return part;
	}

	async #create(path: string): Promise<FlowSink> {
		const sink = await this.#setup.create(path);
		if (sink.takesNotes) for (const [name, value] of this.#notes) sink.note(name, value);
		return sink;
	}

	/** A path that no other tape and no existing file has. Some file systems ignore case. */
	#pathFor(value: string | null): string {
		const { by, folder, extension } = this.#setup;
		const base = value === null ? `no-${by}` : fileNameFor(value) || "_";
		for (let n = 1; ; n++) {
			const name = `${base}${n === 1 ? "" : `-${n}`}${extension}`;
			const path = join(folder, name);
			if (this.#names.has(name.toLowerCase()) || !reserve(path)) continue;
			this.#names.add(name.toLowerCase());
			this.#reserved.add(path);
			return path;
		}
	}

	async #openWaiting() {
		const folder = await mkdtemp(join(tmpdir(), "flowtape-split-"));
		const path = join(folder, "waiting.tape");
		const { report } = this.#setup;
		return { store: openStore(path, { mode: "create", report, reusesRows: false }), folder, path, rows: 0 };
	}

	async close(): Promise<void> {
		try {
			for (const { sink, path } of this.#parts.values()) {
				if (sink === null) continue;
				await sink.close();
				this.#reserved.delete(path);
			}
			await this.#writeWaiting();
		} finally {
			await this.#removeWaiting();
		}
	}

	/** Writes the waiting flows, one tape after the other. */
	async #writeWaiting(): Promise<void> {
		if (this.#waiting === null) return;
		const { store, path } = this.#waiting;
		await store.close();
		const stored = openStore(path, { mode: "read", report: this.#setup.report });
		try {
			for (const part of this.#parts.values()) {
				if (part.sink !== null) continue;
				const sink = await this.#create(part.path);
				part.sink = sink;
				// rows of a new tape are numbered from 1
				for (const row of part.rows) {
					const flow = stored.at(row);
					if (flow !== null) await sink.append(flow);
				}
				await sink.close();
				this.#reserved.delete(part.path);
			}
		} finally {
			await stored.close();
		}
	}

	override async discard(): Promise<void> {
		for (const part of this.#parts.values()) await part.sink?.discard();
		for (const path of this.#reserved) await rm(path, { force: true });
		await this.#waiting?.store.discard();
		await this.#removeWaiting();
	}

	async #removeWaiting(): Promise<void> {
		if (this.#waiting !== null) await rm(this.#waiting.folder, { recursive: true, force: true });
	}
}
