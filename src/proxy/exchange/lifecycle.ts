// The stages of an exchange, and which may follow which. ARCHITECTURE.md has the table as a diagram, and
// NODE_DEBUG=flowtape prints each step.
import { debuglog } from "node:util";

/** The state of an exchange: the phase whose hooks run, or the event for which the exchange waits. */
export type Stage =
	| "requestheaders"
	| "request body"
	| "request"
	| "delay"
	| "upstream"
	| "responseheaders"
	| "response body"
	| "response"
	| "send response"
	| "done";

/** The stages that may follow each stage. Any stage can fail, and then the exchange is done. */
export const transitions: Readonly<Record<Stage, readonly Stage[]>> = {
	requestheaders: ["request body", "delay", "responseheaders", "done"],
	// at once if the server decides on Expect
	"request body": ["upstream", "request", "done"],
	request: ["upstream", "delay", "responseheaders", "done"],
	// the delay of a hook's response
	delay: ["responseheaders", "done"],
	upstream: ["responseheaders", "done"],
	responseheaders: ["response body", "done"],
	// streamed, or complete
	"response body": ["send response", "response", "done"],
	response: ["send response", "done"],
	"send response": ["done"],
	done: [],
};

const debug = debuglog("flowtape");

export class Lifecycle {
	readonly #id: string;
	#stage: Stage = "requestheaders";

	/** @param id of the flow, for the debug log */
	constructor(id: string) {
		this.#id = id;
	}

	get stage(): Stage {
		return this.#stage;
	}

	/**
	 * @param reason for the debug log, if the stage alone does not show it
	 * @throws Error if that stage must not follow the current one, which is a defect of the caller
	 */
	enter(stage: Stage, reason = ""): void {
		if (!transitions[this.#stage].includes(stage))
			throw new Error(`an exchange went from "${this.#stage}" to "${stage}"`);
		if (debug.enabled) debug("%s %s -> %s%s", this.#id, this.#stage, stage, reason && `: ${reason}`);
		this.#stage = stage;
	}
}
