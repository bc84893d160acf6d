// Gives every request without one a trace id (W3C Trace Context), so that a server's log can be matched with the tape.
import { randomBytes } from "node:crypto";

export function request(flow) {
	const { headers } = flow.request;
	if (!headers.has("traceparent"))
		headers.set("traceparent", `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`);
}
