// Drops duplicate flows: those with the same request and the same response as an earlier one of the same session.
import { createHash } from "node:crypto";
import { bodyChunks, bodySize } from "../flow/body.ts";
import { endOf } from "../flow/ending.ts";
import type { Flow, HttpFlow } from "../flow/flow.ts";
import type { Headers } from "../flow/headers.ts";
import type { Step } from "../flow/pipe.ts";

/**
 * A step that drops an HTTP flow if it equals an earlier one. Flows of other types pass.
 * @param keyOf requests with the same key are equal
 */
export function dedupe(keyOf: (flow: HttpFlow) => string, onDrop: () => void = () => {}): Step {
	const seen = new Set<string>();
	return (flow: Flow) => {
		if (flow.type !== "http") return flow;
		const key = `${keyOf(flow)} ${outcomeOf(flow)} ${flow.session ?? ""}`;
		if (seen.has(key)) {
			onDrop();
			return null;
		}
		seen.add(key);
		return flow;
	};
}

/** Response headers with times, which differ even between equal responses. */
const TIMES = new Set(["date", "age", "expires"]);

/**
 * Identifies the outcome of a flow: how it ended, the response except the headers in `TIMES`, the WebSocket messages,
 * and the error.
 */
function outcomeOf(flow: HttpFlow): string {
	const { response, error, websocket } = flow;
	const messages = websocket?.messages ?? [];
	const answer = response && [
		response.statusCode,
		fieldsOf(response.headers),
		response.trailers && fieldsOf(response.trailers),
		bodySize(response.body),
	];
	const talk = websocket && [
		websocket.closeCode,
		messages.map(({ fromClient, content }) => [fromClient, content.length]),
	];
	const digest = createHash("sha1").update(JSON.stringify([endOf(flow), answer, talk, error?.message ?? null]));
	for (const { content } of messages) digest.update(content);
	for (const chunk of bodyChunks(response?.body ?? null)) digest.update(chunk);
	return digest.digest("base64");
}

function fieldsOf(headers: Headers): [name: string, value: string][] {
	const fields = [...headers].map(([name, value]): [string, string] => [name.toLowerCase(), value]);
	return fields.filter(([name]) => !TIMES.has(name));
}
