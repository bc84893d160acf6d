// Writes flows in the order of their time. They wait in a tape of their own, so that memory does not grow with them.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Reporter } from "../errors.ts";
import type { Flow } from "../flow/flow.ts";
import type { FlowSink } from "../flow/pipe.ts";
import { openStore } from "../store/sqlite/store.ts";

/** A sink that brings what it took to `sink` when it is closed, oldest first; flows of the same time keep their order. */
export async function sortByTime(sink: FlowSink, report: Reporter): Promise<FlowSink> {
	const folder = await mkdtemp(join(tmpdir(), "flowtape-sort-"));
	const path = join(folder, "waiting.tape");
	const waiting = openStore(path, { mode: "create", report, borrows: false });
	const times: number[] = [];
	const clear = () => rm(folder, { recursive: true, force: true });
	return {
		append(flow) {
			times.push(startOf(flow));
			waiting.append(flow);
		},
		note: (name, value) => sink.note?.(name, value),
		async close() {
			await waiting.close();
			const stored = openStore(path, { mode: "read", report });
			try {
				for (const place of [...times.keys()].sort((a, b) => (times[a] as number) - (times[b] as number) || a - b)) {
					// rows of a new tape are numbered from 1
					const flow = stored.at(place + 1);
					const wait = flow === null ? undefined : sink.append(flow);
					if (wait !== undefined) await wait;
				}
				await sink.close();
			} finally {
				await stored.close();
				await clear();
			}
		},
		async discard() {
			await waiting.discard();
			await clear();
			await sink.discard?.();
		},
	};
}

function startOf(flow: Flow): number {
	return (flow.type === "http" ? flow.request.timestampStart : flow.clientConn.timestampStart) ?? flow.timestampCreated;
}
