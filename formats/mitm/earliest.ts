// Version 0.10, from before flows had kinds, ids and server connections: all that was known stood in the request and the response.
import { derivedId } from "./derived-id.ts";
import type { Dictionary, Value } from "./tnetstring.ts";
import { dictionary, dictionaryOf, textOf } from "./values.ts";

/** Makes a flow of version 0.11 of one of version 0.10. */
export function migrateEarliest(flow: Dictionary): void {
	const request = dictionaryOf(flow.request);
	const response = dictionaryOf(flow.response);
	flow.id = derivedId(flow);
	flow.type = "http";
	if (request === null) return;
	const client = take(request, "client_conn");
	const isTls = textOf(request.scheme) === "https";
	const ip = take(request, "ip");
	const tlsAt = take(request, "ssl_setup_timestamp");
	flow.client_conn = dictionary({ address: dictionaryOf(client)?.address ?? null, error: dictionaryOf(client)?.error ?? null, ssl_established: isTls });
	flow.server_conn = dictionary({
		...{ address: [request.host ?? "", request.port ?? 0], peer_address: ip === null ? null : [ip, request.port ?? 0], ssl_established: isTls },
		...{ timestamp_tcp_setup: take(request, "tcp_setup_timestamp"), timestamp_ssl_setup: tlsAt, cert: response === null ? null : take(response, "cert") },
	});
}

function take(fields: Dictionary, field: string): Value {
	const value = fields[field] ?? null;
	delete fields[field];
	return value;
}
