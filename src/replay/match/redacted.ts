// Requests of redacted tapes are compared without their secrets. A `.tape` stores the keys of such requests, so that they
// can be found without reading it.
import type { Request } from "../../flow/message.ts";
import type { Metadata, MetaValue } from "../../flow/metadata.ts";
import { isRedacted, NOTE } from "../../redact/options.ts";
import { type FlowRequest, originalRequest, requestKey } from "./key.ts";
import { compileRules } from "./rules.ts";

/** For redacted tapes, by their notes: copies a request without its secrets; null: no tape was redacted. */
export async function secretRemoverFor(notes: readonly Metadata[]): Promise<((request: Request) => Request) | null> {
	if (!notes.some(isRedacted)) return null;
	const { secretRemover } = await import("../../redact/matching.ts");
	const { rulesOfNotes } = await import("../../redact/note.ts");
	const rules = rulesOfNotes(notes);
	return rules === null ? null : secretRemover(rules);
}

/** For each tape, by its notes: whether its keys are those of requests without secrets, by the rules of all notes. */
export async function keysWithoutSecrets(notes: readonly Metadata[], all: readonly Metadata[]): Promise<boolean[]> {
	const { hasKeys } = await import("../../redact/note.ts");
	return notes.map((one) => hasKeys(one, all));
}

/** The default key of requests without secrets, by the rules in a note, and the note that says so. */
export interface RedactedKeys {
	readonly note: MetaValue;
	/** Whether the given note says so already. */
	readonly isNoted: boolean;
	readonly keyOf: (flow: FlowRequest) => string;
}

/** @returns null if the note has no rules that are known here */
export async function redactedKeys(note: MetaValue): Promise<RedactedKeys | null> {
	const { secretRemover } = await import("../../redact/matching.ts");
	const { hasKeys, rulesOfNotes, withKeys } = await import("../../redact/note.ts");
	const noted = { [NOTE]: withKeys(note) };
	if (!hasKeys(noted, [])) return null;
	const redaction = rulesOfNotes([noted]);
	if (redaction === null) return null;
	// the default key has no headers
	const rules = compileRules({}, { withoutSecrets: secretRemover(redaction, { headers: false }) });
	const isNoted = hasKeys({ [NOTE]: note }, []);
	return { note: noted[NOTE] as MetaValue, isNoted, keyOf: (flow) => requestKey(originalRequest(flow), rules) };
}
