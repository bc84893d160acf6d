// Sorts flows by time. They are spooled to a temporary tape, so that memory use does not grow with their number.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Reporter } from "../errors.ts";
import { startOf } from "../flow/durations.ts";
import { extensibleParts, type Flow } from "../flow/flow.ts";
import { type FlowSink, ForwardingSink } from "../flow/sink.ts";
import { openStore, type SqliteStore } from "../store/sqlite/store.ts";
import { createTemporaryFolder } from "../temporary-folder.ts";

/** A sink that passes its flows to `sink` when it is closed, oldest first. Flows of the same time keep their order. */
export async function sortByTime(sink: FlowSink, report: Reporter): Promise<FlowSink> {
	const folder = await createTemporaryFolder("flowtape-sort-");
	return new SortingSink(sink, folder, report);
}

class SortingSink extends ForwardingSink {
	readonly #folder: string;
	readonly #path: string;
	readonly #report: Reporter;
	readonly #waiting: SqliteStore;
	readonly #times: number[] = [];
	/** Fields that the temporary tape cannot store, such as unknown keys of JSON lines, by the index of their flow. */
	readonly #extras = new Map<number, Extras[]>();

	constructor(sink: FlowSink, folder: string, report: Reporter) {
		super(sink);
		this.#folder = folder;
		this.#path = join(folder, "waiting.tape");
		this.#report = report;
		this.#waiting = openStore(this.#path, { mode: "create", report, reusesRows: false });
	}

	/** `append` stores each flow in the temporary tape. */
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
		const extras = extensibleParts(flow).map((part) => part?.extra);
		if (extras.some((extra) => extra !== undefined)) this.#extras.set(this.#times.length, extras);
		this.#times.push(startOf(flow));
		this.#waiting.append(flow);
	}

	override async close(): Promise<void> {
		await this.#waiting.close();
		const stored = openStore(this.#path, { mode: "read", report: this.#report });
		const times = this.#times;
		try {
			for (const index of [...times.keys()].sort((a, b) => (times[a] as number) - (times[b] as number) || a - b)) {
				// rows of a new tape are numbered from 1
				const flow = stored.at(index + 1);
				if (flow !== null) restoreExtras(flow, this.#extras.get(index));
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

type Extras = Record<string, unknown> | undefined;

function restoreExtras(flow: Flow, extras: readonly Extras[] = []): void {
	for (const [i, part] of extensibleParts(flow).entries())
		if (part !== null && extras[i] !== undefined) part.extra = extras[i];
}
