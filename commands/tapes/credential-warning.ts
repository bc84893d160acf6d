// Warns of tapes that were never redacted and have credentials: once a command, for the first credential.
import type { Flow } from "../../src/flow/flow.ts";
import { type FlowSource, ForwardingSource, type ReadOptions } from "../../src/flow/pipe.ts";
import { credentialIn } from "../../src/redact/credentials.ts";
import { isRedacted } from "../../src/redact/options.ts";
import { printableLine } from "../../src/views/printable.ts";
import type { Io } from "../cli/command.ts";

/**
 * The same sources, which print a warning when they read the first credential.
 * @param clear erases the progress bar before the warning
 */
export function warnOfCredentials(sources: readonly FlowSource[], io: Io, clear: () => void): FlowSource[] {
	let isWarned = false;
	const onFlow = (flow: Flow): boolean => {
		const place = isWarned ? null : credentialIn(flow);
		if (place === null) return isWarned;
		isWarned = true;
		clear();
		io.stderr.write(
			`flowtape: these flows have credentials: ${printableLine(`${place} of flow ${flow.id.slice(0, 8)}`)}. Before you share them: flowtape rewrite --redact\n`,
		);
		return true;
	};
	return sources.map((source) => new WatchedSource(source, onFlow));
}

/** Calls a function with each flow until it returns true, unless the tape was redacted. */
class WatchedSource extends ForwardingSource {
	readonly #onFlow: (flow: Flow) => boolean;

	constructor(source: FlowSource, onFlow: (flow: Flow) => boolean) {
		super(source);
		this.#onFlow = onFlow;
	}

	override async *read(options?: ReadOptions): AsyncGenerator<Flow[]> {
		let isDone = isRedacted(await this.inner.notes());
		for await (const batch of this.inner.read(options)) {
			for (let i = 0; i < batch.length && !isDone; i++) isDone = this.#onFlow(batch[i] as Flow);
			yield batch;
		}
	}
}
