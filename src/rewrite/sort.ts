// Writes flows in the order of their time. They wait in a tape of their own, so that memory does not grow with them.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Reporter } from "../errors.ts";
import type { Flow } from "../flow/flow.ts";
import { type FlowSink, ForwardingSink } from "../flow/sink.ts";
import { openStore, type SqliteStore } from "../store/sqlite/store.ts";

/** A sink that brings what it took to `sink` when it is closed, oldest first; flows of the same time keep their order. */
export async function sortByTime(sink: FlowSink, report: Reporter): Promise<FlowSink> {
	const folder = await mkdtemp(join(tmpdir(), "flowtape-sort-"));
	return new SortingSink(sink, folder, report);
}

class SortingSink extends ForwardingSink {
	readonly #folder: string;
	readonly #path: string;
	readonly #report: Reporter;
	readonly #waiting: SqliteStore;
	readonly #times: number[] = [];

	constructor(sink: FlowSink, folder: string, report: Reporter) {
		super(sink);
		this.#folder = folder;
		this.#path = join(folder, "waiting.tape");
		this.#report = report;
		this.#waiting = openStore(this.#path, { mode: "create", report, borrows: false });
	}

	/** The tape in which they wait has all of them. */
	override get copies(): boolean {
		return true;
	}

	override spool(): null {
		return null;
	}

	override open(): null {
		return null;
	}

	override append(flow: Flow): void {
		this.#times.push(startOf(flow));
		this.#waiting.append(flow);
	}

	override async close(): Promise<void> {
		await this.#waiting.close();
		const stored = openStore(this.#path, { mode: "read", report: this.#report });
		const times = this.#times;
		try {
			for (const place of [...times.keys()].sort((a, b) => (times[a] as number) - (times[b] as number) || a - b)) {
				// rows of a new tape are numbered from 1
				const flow = stored.at(place + 1);
				const wait = flow === null ? undefined : this.inner.append(flow);
				if (wait !== undefined) await wait;
			}
			await this.inner.close();
		} finally {
			await stored.close();
			await this.#clear();
		}
	}

	override async discard(): Promise<void> {
		await this.#waiting.discard();
		await this.#clear();
		await this.inner.discard();
	}

	#clear(): Promise<void> {
		return rm(this.#folder, { recursive: true, force: true });
	}
}

function startOf(flow: Flow): number {
	return (flow.type === "http" ? flow.request.timestampStart : flow.clientConn.timestampStart) ?? flow.timestampCreated;
}
