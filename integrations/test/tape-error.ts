// The error that fails a test because of its tape.
import type { FailOn, Miss } from "./options.ts";

const CODES = { miss: "FT_MISS", unused: "FT_UNUSED", egress: "FT_EGRESS" } as const satisfies Record<FailOn, string>;

/** A test used its tape in a way that fails it: requests without a recording, unused recordings, or connections to servers. */
export class TapeError extends Error {
	readonly code: (typeof CODES)[FailOn];
	/** The requests without a recording. Not enumerable, because the message has them for people. */
	declare readonly misses: readonly Miss[];

	constructor(kind: FailOn, message: string, misses: readonly Miss[] = []) {
		super(message);
		this.name = "TapeError";
		this.code = CODES[kind];
		Object.defineProperty(this, "misses", { value: misses });
	}
}
