// Leaves out flows that say nothing new: the same request with the same answer as one before.
import { createHash } from "node:crypto";
import { bodyChunks } from "../flow/body.ts";
import type { Flow, HttpFlow } from "../flow/flow.ts";
import type { Step } from "../flow/pipe.ts";

/** A step that keeps the first of equal HTTP flows, and all others. @param keyOf what makes two requests the same */
export function dedupe(keyOf: (flow: HttpFlow) => string, onDrop: () => void = () => {}): Step {
	const seen = new Set<string>();
	return (flow: Flow) => {
		if (flow.type !== "http") return flow;
		const key = `${keyOf(flow)} ${answerOf(flow)}`;
		if (seen.has(key)) {
			onDrop();
			return null;
		}
		seen.add(key);
		return flow;
	};
}

/** Status and body of the response, or the failure: headers such as Date differ from one answer to the next. */
function answerOf({ response, error, websocket }: HttpFlow): string {
	const digest = createHash("sha1");
	digest.update(error?.message ?? "");
	for (const message of websocket?.messages ?? []) digest.update(message.fromClient ? ">" : "<").update(message.content);
	if (response !== null) for (const chunk of bodyChunks(response.body)) digest.update(chunk);
	return `${response?.statusCode ?? "-"} ${digest.digest("base64")}`;
}
