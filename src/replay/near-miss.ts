// Why no recording answers a request: the recorded requests nearest to it, and for each what differs and what would make it match.
import type { HttpFlow } from "../flow/flow.ts";
import type { ReplayIndex } from "./replay-index.ts";
import type { KeyOptions } from "./request-key.ts";

/** A few lines for people. */
export async function explainMiss(flow: HttpFlow, _index: ReplayIndex, _values: KeyOptions): Promise<string> {
	return `No recording answers ${flow.request.method} ${flow.request.prettyUrl}\n`;
}
