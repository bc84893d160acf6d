// A flow of a request that was not sent: for filters, and to look for its recording.
import { HttpFlow } from "./flow.ts";
import type { Request } from "./message.ts";

/** The flow has no response and no connections. */
export function requestFlow(request: Request): HttpFlow {
	const nobody = () => {
		throw new Error("a request that was not sent has no connection");
	};
	return new HttpFlow({ id: "", clientConn: nobody, serverConn: nobody, request });
}
