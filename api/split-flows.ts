// Writes flows to several tapes: one for each host, status, method, type or session.
import { constants } from "node:fs";
import { copyFile, link, rm } from "node:fs/promises";
import { join } from "node:path";
import { FlowtapeError, hasErrno, messageOf, type Reporter } from "../src/errors.ts";
import { toText } from "../src/flow/bytes.ts";
import type { Flow } from "../src/flow/flow.ts";
import type { MetaValue } from "../src/flow/metadata.ts";
import { FlowSink } from "../src/flow/pipe.ts";
import { createMarkedFolder } from "../src/process-mark.ts";
import { openStore, type SqliteStore } from "../src/store/sqlite/store.ts";
import { createTemporaryFolder } from "../src/temporary-folder.ts";

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

/** Start of the names of folders with tapes that are not complete. */
const DRAFTS = ".flowtape-split.";

/** Creates a folder for drafts. @throws FlowtapeError FT_IO */
async function createDrafts(folder: string): Promise<string> {
	try {
		return await createMarkedFolder(folder, DRAFTS);
	} catch (cause) {
		throw new FlowtapeError("FT_IO", `${folder}: no tape can be created in this folder: ${messageOf(cause)}`, {
			file: folder,
			cause,
		});
	}
}

/** Gives a draft its name. Returns false if there is such a file. */
async function publish(draft: string, path: string): Promise<boolean> {
	try {
		// a rename would replace a file
		await link(draft, path).catch((error: unknown) => {
			if (hasErrno(error, "EEXIST")) throw error;
			// some file systems have no hard links
			return copyFile(draft, path, constants.COPYFILE_EXCL);
		});
		return true;
	} catch (error) {
		if (hasErrno(error, "EEXIST")) return false;
		throw new FlowtapeError("FT_IO", `${path}: the tape cannot be created: ${messageOf(error)}`, {
			file: path,
			cause: error,
		});
	}
}

/** The tape of one value. */
interface Part {
	readonly value: string | null;
	/** Path without the extension, and without a number that another file of that name makes necessary. */
	readonly base: string;
	/** The final path; while the tape is not complete, that of its draft. */
	path: string;
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
	/** The folder with the drafts. */
	#drafts: string | null = null;
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
		const { by, folder, extension } = this.#setup;
		this.#drafts ??= await createDrafts(folder);
		const base = join(folder, value === null ? `no-${by}` : fileNameFor(value) || "_");
		const path = join(this.#drafts, `${this.#parts.size}${extension}`);
		const part: Part = { value, base, path, flows: 0, sink: null, rows: [] };
		this.#parts.set(value, part);
		if (this.#open === OPEN_TAPES) return part;
		this.#open++;
		part.sink = await this.#create(part);
		return part;
	}

	async #create(part: Part): Promise<FlowSink> {
		const sink = await this.#named(part, () => this.#setup.create(part.path));
		if (sink.takesNotes) for (const [name, value] of this.#notes) sink.note(name, value);
		return sink;
	}

	/** Completes a tape, and gives it a name that no other tape and no existing file has. */
	async #complete(part: Part, sink: FlowSink): Promise<void> {
		await this.#named(part, () => sink.close());
		for (let n = 1; ; n++) {
			const path = `${part.base}${n === 1 ? "" : `-${n}`}${this.#setup.extension}`;
			// some file systems ignore case
			if (this.#names.has(path.toLowerCase()) || !(await publish(part.path, path))) continue;
			this.#names.add(path.toLowerCase());
			part.path = path;
			return;
		}
	}

	/** Replaces the path of the draft in an error. */
	async #named<T>({ path, base }: Part, action: () => Promise<T>): Promise<T> {
		try {
			return await action();
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			const file = `${base}${this.#setup.extension}`;
			throw error.withDetail({ file, cause: error.cause }, error.message.replaceAll(path, file));
		}
	}

	async #openWaiting() {
		const folder = await createTemporaryFolder("flowtape-split-");
		const path = join(folder, "waiting.tape");
		const { report } = this.#setup;
		return { store: openStore(path, { mode: "create", report, reusesRows: false }), folder, path, rows: 0 };
	}

	async close(): Promise<void> {
		try {
			for (const part of this.#parts.values()) if (part.sink !== null) await this.#complete(part, part.sink);
			await this.#writeWaiting();
		} finally {
			await this.#removeTemporary();
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
				const sink = await this.#create(part);
				part.sink = sink;
				// rows of a new tape are numbered from 1
				for (const row of part.rows) {
					const flow = stored.at(row);
					if (flow !== null) await sink.append(flow);
				}
				await this.#complete(part, sink);
			}
		} finally {
			await stored.close();
		}
	}

	override async discard(): Promise<void> {
		for (const part of this.#parts.values()) await part.sink?.discard();
		await this.#waiting?.store.discard();
		await this.#removeTemporary();
	}

	async #removeTemporary(): Promise<void> {
		for (const folder of [this.#waiting?.folder, this.#drafts])
			if (typeof folder === "string") await rm(folder, { recursive: true, force: true });
	}
}
