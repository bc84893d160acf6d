// Migrates records of version 0.10, which has no flow types, ids or server connections, only requests and responses.
import { derivedId } from "./derived-id.ts";
import type { Dictionary, Value } from "./tnetstring.ts";
import { dictionary, dictionaryOf, textOf } from "./values.ts";

/** Converts a flow of version 0.10 to version 0.11, in place. */
export function migrateEarliest(flow: Dictionary): void {
	const request = dictionaryOf(flow.request);
	const response = dictionaryOf(flow.response);
	flow.id = derivedId(flow);
	flow.type = "http";
	if (request === null) return;
	const client = remove(request, "client_conn");
	const isTls = textOf(request.scheme) === "https";
	const ip = remove(request, "ip");
	const tlsAt = remove(request, "ssl_setup_timestamp");
	flow.client_conn = dictionary({
		address: dictionaryOf(client)?.address ?? null,
		error: dictionaryOf(client)?.error ?? null,
		ssl_established: isTls,
	});
	flow.server_conn = dictionary({
		address: [request.host ?? "", request.port ?? 0],
		peer_address: ip === null ? null : [ip, request.port ?? 0],
		ssl_established: isTls,
		timestamp_tcp_setup: remove(request, "tcp_setup_timestamp"),
		timestamp_ssl_setup: tlsAt,
		cert: response === null ? null : remove(response, "cert"),
	});
}

function remove(fields: Dictionary, field: string): Value {
	const value = fields[field] ?? null;
	delete fields[field];
	return value;
}
