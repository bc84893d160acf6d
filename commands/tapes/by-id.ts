// Selects flows by prefixes of their ids.

import { existsSync } from "node:fs";
import { closeSources } from "../../api/copy-flows.ts";
import { FlowtapeError } from "../../src/errors.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { FlowSource } from "../../src/flow/pipe.ts";

export interface IdSelection {
	/** Passes the selected flows; all if no ids are given. */
	step(flow: Flow): Flow | null;
	/** Call at the end. @throws FlowtapeError FT_NO_FLOW if a prefix matches no flow */
	check(): void;
}

/** The beginning of an id: hexadecimal digits, as in UUIDs. */
const ID = /^[\da-f]{2,8}(?:-[\da-f-]*)?$/i;

/** @throws FlowtapeError FT_USAGE if the tape looks like an id and is not a file, or an id is empty */
export function selectByIds(tape: string, ids: readonly string[]): IdSelection {
	// every id begins with an empty text, but a shell variable without a value must not select every flow
	if (ids.includes("")) throw new FlowtapeError("FT_USAGE", "expected the beginning of an id, found an empty text");
	if (ID.test(tape) && !existsSync(tape))
		throw new FlowtapeError(
			"FT_USAGE",
			`expected a tape before the id: TAPE ${[tape, ...ids].join(" ")}, found no file "${tape}"`,
		);
	const found = new Set<string>();
	return {
		step(flow) {
			const named = ids.filter((id) => flow.id.startsWith(id));
			for (const id of named) found.add(id);
			return ids.length === 0 || named.length > 0 ? flow : null;
		},
		check() {
			const missing = ids.filter((id) => !found.has(id));
			if (missing.length > 0)
				throw new FlowtapeError("FT_NO_FLOW", `${tape}: no flow whose id begins with ${missing.join(", ")}`, {
					file: tape,
				});
		},
	};
}

/**
 * A source of the selected flows. It reads all flows of `sources` first, so that an unknown id is found before a flow
 * is used.
 * @throws FlowtapeError FT_NO_FLOW
 */
export async function readByIds(sources: readonly FlowSource[], { step, check }: IdSelection): Promise<FlowSource> {
	const selected: Flow[] = [];
	try {
		for (const source of sources)
			for await (const batch of source) for (const flow of batch) if (step(flow) !== null) selected.push(flow);
		check();
	} catch (error) {
		await closeSources(sources);
		throw error;
	}
	return new SelectedSource(selected, sources);
}

/** Flows in memory. Their bodies may still be in the sources, so it closes these only at the end. */
class SelectedSource extends FlowSource {
	readonly #flows: Flow[];
	readonly #sources: readonly FlowSource[];

	constructor(flows: Flow[], sources: readonly FlowSource[]) {
		super();
		this.#flows = flows;
		this.#sources = sources;
	}

	async *read(): AsyncGenerator<Flow[]> {
		yield this.#flows;
	}

	override close(): Promise<void> {
		return closeSources(this.#sources);
	}
}
