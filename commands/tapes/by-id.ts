// Flows that are named on the command line by the beginnings of their ids.
import { FlowtapeError } from "../../src/errors.ts";
import type { Step } from "../../src/flow/pipe.ts";

export interface Choice {
	/** Passes on the flows that are named; all, where none is. */
	step: Step;
	/** To be called at the end. @throws FlowtapeError FT_NO_FLOW when a name fits no flow */
	check(): void;
}

export function chosen(tape: string, ids: readonly string[]): Choice {
	const found = new Set<string>();
	return {
		step(flow) {
			const named = ids.filter((id) => flow.id.startsWith(id));
			for (const id of named) found.add(id);
			return ids.length === 0 || named.length > 0 ? flow : null;
		},
		check() {
			const missing = ids.filter((id) => !found.has(id));
			if (missing.length > 0) throw new FlowtapeError("FT_NO_FLOW", `${tape}: no flow whose id begins with ${missing.join(", ")}`, { file: tape });
		},
	};
}
