// Records of older dump versions, brought up to version 21 one step at a time.
import { FlowtapeError } from "../../src/errors.ts";
import type { RecordFields } from "./read-flow.ts";
import type { Dictionary, Value } from "./tnetstring.ts";

/** The version that is written, and read as it is. */
export const NEWEST = 21;

type Step = (flow: Dictionary) => void;

/** What leads from a version to the next. */
const steps: ReadonlyMap<number, Step> = new Map([
	[18, toVersion19],
	[19, eachConnection((connection) => delete connection.state)],
	[
		20,
		eachConnection((connection) => {
			if (connection.tls_version === "QUIC") connection.tls_version = "QUICv1";
		}),
	],
]);

export const OLDEST = Math.min(...steps.keys());

/**
 * The record as one of version 21.
 * @throws FlowtapeError FT_NEWER_FORMAT for a version that is not known yet, FT_CORRUPT_FLOW for one that never was
 */
export function migrate(record: RecordFields): RecordFields {
	let version = readVersion(record.fields.version);
	const flow: Dictionary = { ...record.fields, client_conn: record.clientConn(), server_conn: record.serverConn() };
	for (; version < NEWEST; version++) {
		const step = steps.get(version);
		if (step === undefined)
			throw new FlowtapeError("FT_CORRUPT_FLOW", `a flow of dump version ${version} was found, versions ${OLDEST} to ${NEWEST} can be read`);
		step(flow);
	}
	const { client_conn: client = null, server_conn: server = null, ...fields } = flow;
	return { ...record, fields, clientConn: () => client, serverConn: () => server };
}

function readVersion(version: Value | undefined): number {
	if (typeof version === "number" && version > NEWEST) {
		throw new FlowtapeError(
			"FT_NEWER_FORMAT",
			`a flow of dump version ${version} was found, versions up to ${NEWEST} can be read; a newer flowtape may know it`,
		);
	}
	if (typeof version !== "number" || version < 0)
		throw new FlowtapeError("FT_CORRUPT_FLOW", 'a flow without a dump version was found ("version" is missing or no number)');
	return version;
}

function eachConnection(change: (connection: Dictionary) => void): Step {
	return (flow) => {
		for (const name of ["client_conn", "server_conn"]) {
			const connection = flow[name];
			if (isDictionary(connection)) change(connection);
		}
	};
}

/** Connections got the names of today. */
function toVersion19(flow: Dictionary): void {
	const { client_conn: client, server_conn: server } = flow;
	if (isDictionary(client)) {
		rename(client, "address", "peername");
		client.timestamp_start ??= 0;
	}
	if (isDictionary(server)) {
		rename(server, "ip_address", "peername");
		rename(server, "source_address", "sockname");
		rename(server, "via2", "via");
		if (server.sni === true) server.sni = Array.isArray(server.address) ? (server.address[0] ?? null) : null;
	}
	eachConnection((connection) => rename(connection, "cipher_name", "cipher"))(flow);
}

function rename(fields: Dictionary, from: string, to: string): void {
	if (!(from in fields)) return;
	fields[to] = fields[from] ?? null;
	delete fields[from];
}

function isDictionary(value: Value | undefined): value is Dictionary {
	return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null;
}
