// The stages of an exchange, and which may follow which. ARCHITECTURE.md has the table as a diagram, and NODE_DEBUG=flowtape prints each step.
import { debuglog } from "node:util";

/** Where an exchange stands: the phase whose hooks run, or what it waits for. */
export type Stage = "requestheaders" | "request body" | "request" | "wait" | "server" | "responseheaders" | "response body" | "response" | "answer" | "over";

/** What may follow each stage. Any but the last can fail, and is over then. */
export const following: Readonly<Record<Stage, readonly Stage[]>> = {
	requestheaders: ["request body", "wait", "responseheaders", "over"],
	// passes as it comes, or is whole
	"request body": ["server", "request", "over"],
	request: ["server", "wait", "responseheaders", "over"],
	// the delay of an answer that a hook gave
	wait: ["responseheaders", "over"],
	server: ["responseheaders", "over"],
	responseheaders: ["response body", "over"],
	// passes as it comes, or is whole
	"response body": ["answer", "response", "over"],
	response: ["answer", "over"],
	answer: ["over"],
	over: [],
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
	 * @param reason for the debug log, where the stage alone does not say it
	 * @throws Error where that stage does not follow: a defect of the caller
	 */
	enter(stage: Stage, reason = ""): void {
		if (!following[this.#stage].includes(stage)) throw new Error(`an exchange went from "${this.#stage}" to "${stage}"`);
		if (debug.enabled) debug("%s %s -> %s%s", this.#id, this.#stage, stage, reason && `: ${reason}`);
		this.#stage = stage;
	}
}
