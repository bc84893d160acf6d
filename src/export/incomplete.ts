// Notes on exported messages that are incomplete: other tools would send or show them as if they were complete.
import { incompleteParts } from "../flow/ending.ts";
import type { HttpFlow } from "../flow/flow.ts";
import type { Request } from "../flow/message.ts";
import type { Note } from "./request-parts.ts";

type Part = "request" | "response";

/** Calls `note` for each of the messages in `parts` that is incomplete. */
export function noteIncomplete(flow: HttpFlow, parts: readonly Part[], note: Note): void {
	const incomplete = incompleteParts(flow);
	for (const part of parts) if (incomplete[part] !== undefined) note(incomplete[part]);
}

/** Makes an exporter of flows from an exporter of requests. It adds a note if the request is incomplete. */
export function ofRequest<T>(write: (request: Request, note: Note) => T): (flow: HttpFlow, note: Note) => T {
	return (flow, note) => {
		const written = write(flow.request, note);
		noteIncomplete(flow, ["request"], note);
		return written;
	};
}
