// Migrates records of versions before 14. Each step applies the changes after one version. New fields with a default
// need no step, because readers fill in missing fields.
import { derivedId } from "./derived-id.ts";
import { migrateEarliest } from "./earliest.ts";
import type { Dictionary, Value } from "./tnetstring.ts";
import { dictionaryOf, numberOf } from "./values.ts";
import { READ_AS_IS, VERSIONS } from "./versions.ts";

type Step = (flow: Dictionary) => void;

/** The step from each version to the next. */
const steps: Readonly<Partial<Record<(typeof VERSIONS)[number], Step>>> = {
	"0.10": migrateEarliest,
	"0.13": eachMessage((message) => {
		if (Array.isArray(message.httpversion))
			message.http_version = `HTTP/${message.httpversion.map(numberOf).join(".")}`;
		rename(message, "code", "status_code");
		// a number in place of a body that was not stored
		if (typeof message.content === "number") message.content = null;
	}),
	"0.15": eachMessage((message) => {
		rename(message, "body", "content");
		rename(message, "msg", "reason");
	}),
	"0.17": eachServer((server) => rename(server, "peer_address", "ip_address")),
	// mitmproxy documents this change for 1.0, but its releases 2.0.x still wrote the old form
	"2.0": eachConnection((connection) => {
		for (const end of ["address", "source_address", "ip_address"])
			if (end in connection) connection[end] = unwrapped(connection[end]);
	}),
	"4": (flow) => {
		nameConnection(flow, "client_conn", "address");
		nameConnection(flow, "server_conn", "source_address");
	},
	"5": eachConnection((connection) => {
		rename(connection, "ssl_established", "tls_established");
		rename(connection, "timestamp_ssl_setup", "timestamp_tls_setup");
	}),
	"8": (flow) => {
		const [request, response] = [dictionaryOf(flow.request), dictionaryOf(flow.response)];
		flow.is_replay = request?.is_replay === true ? "request" : response?.is_replay === true ? "response" : null;
		// CONNECT requests had none
		if (request !== null) for (const part of ["scheme", "path"]) request[part] ??= "";
		for (const field of [
			"first_line_format",
			"is_replay",
			"form_in",
			"form_out",
			"httpversion",
			"stickyauth",
			"stickycookie",
		]) {
			delete request?.[field];
			delete response?.[field];
		}
	},
	"9": (flow) => {
		eachConnection((connection) => {
			connection.tls = connection.tls_established ?? false;
			connection.alpn_offers = listOf(connection.alpn_proto_negotiated);
			connection.cipher_list = listOf(connection.cipher_name);
		})(flow);
		const [client, server] = [dictionaryOf(flow.client_conn), dictionaryOf(flow.server_conn)];
		if (client !== null) client.certificate_list = listOf(client.clientcert);
		if (server !== null) Object.assign(server, { certificate_list: listOf(server.cert), cipher_name: null });
	},
	"10": eachConnection((connection) => rename(connection, "alpn_proto_negotiated", "alpn")),
	"12": (flow) => {
		if (typeof flow.marked !== "string") flow.marked = flow.marked === true ? ":default:" : "";
	},
	"13": (flow) => {
		const [request, response] = [dictionaryOf(flow.request), dictionaryOf(flow.response)];
		if (response === null || (response.timestamp_start ?? null) !== null) return;
		const sent = numberOf(request?.timestamp_end) ?? numberOf(request?.timestamp_start) ?? 0;
		response.timestamp_start = sent;
		response.timestamp_end = sent + 1;
	},
};

/** Migrates a record in place, from the version at an index of `VERSIONS` to version 14. */
export function migrate(flow: Dictionary, from: number): Dictionary {
	for (const version of VERSIONS.slice(from, READ_AS_IS)) steps[version]?.(flow);
	return flow;
}

function eachMessage(change: Step): Step {
	return (flow) => {
		for (const message of [dictionaryOf(flow.request), dictionaryOf(flow.response)])
			if (message !== null) change(message);
	};
}

function eachServer(change: Step): Step {
	return (flow) => {
		const server = dictionaryOf(flow.server_conn);
		if (server !== null) change(server);
	};
}

function eachConnection(change: Step): Step {
	return (flow) => {
		for (const connection of [dictionaryOf(flow.client_conn), dictionaryOf(flow.server_conn)])
			if (connection !== null) change(connection);
	};
}

/** Unwraps an address in a dictionary; an empty dictionary means none. */
function unwrapped(address: Value | undefined): Value {
	const wrapped = dictionaryOf(address);
	return wrapped === null ? (address ?? null) : (wrapped.address ?? null);
}

/** Derives the id of a connection, which had none, from its start time and address. */
function nameConnection(flow: Dictionary, name: "client_conn" | "server_conn", end: string): void {
	const connection = dictionaryOf(flow[name]);
	if (connection === null || connection.id !== undefined) return;
	const known = connection[end] ?? flow.id ?? null;
	connection.id = derivedId(name, connection.timestamp_start ?? null, known);
}

function listOf(value: Value | undefined): Value[] {
	return value === null || value === undefined ? [] : [value];
}

function rename(fields: Dictionary, from: string, to: string): void {
	if (!(from in fields)) return;
	fields[to] = fields[from] ?? null;
	delete fields[from];
}
