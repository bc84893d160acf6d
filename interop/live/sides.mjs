// The two sides of a comparison: flowtape and mitmdump with the same options, each with its own origin.
import { join } from "node:path";
import { HttpFlow, openTape, TcpFlow } from "../../dist/index.js";
import { assignments, startFlowtape, startMitmdump } from "../peers/proxies.mjs";
import { Origin } from "./origin.mjs";

/** Starts one side of a group. `place`: `{ python, folder, tls, … }`; `program` is `flowtape` or `mitmdump`. */
export async function startSide(program, group, place) {
	const origin = await Origin.start({
		...group.origin,
		tls: place.tls,
		...(group.origin?.authority && { authority: place.authority }),
	});
	const fill = (text) => filled(text, { port: origin.port, tls: origin.tls, ...place.files });
	const mode = fill(group.mode ?? "regular");
	const options = Object.fromEntries(
		Object.entries({ ssl_insecure: true, ...group.options, ...(program === "flowtape" && group.own) }).map(
			([name, value]) => [name, [value].flat().map(fill)],
		),
	);
	const record = join(place.folder, `${group.name.replace(/\W+/g, "-")}.${program === "flowtape" ? "tape" : "mitm"}`);
	const scripts = (group.script ?? [])
		.map((name) => join(place.scripts, `${name}.${program === "flowtape" ? "mjs" : "py"}`))
		.flatMap((path) => ["-s", path]);
	const recordings = group.replay === undefined ? [] : ["-S", fill(group.replay)];
	const args = [...assignments(options), ...scripts, ...recordings];
	const starting =
		program === "flowtape"
			? startFlowtape("record", record, ["-m", mode, ...args], { env: place.env })
			: startMitmdump(place.python, record, { mode, home: place.mitmHome, args });
	const proxy = await starting.catch((error) => {
		origin.stop();
		throw error;
	});
	return {
		program,
		origin,
		proxy,
		fill,
		/** Makes values comparable: replaces ports by names, and removes random values. */
		plain: (value) => plain(value, { [origin.port]: "ORIGIN", [origin.tls]: "TLS", [proxy.port]: "PROXY" }),
		async stop() {
			await proxy.stop();
			origin.stop();
		},
		recorded: () => readFlows(record),
	};
}

function filled(text, values) {
	return String(text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function plain(value, ports) {
	// flowtape's own responses have no Server field
	if (Array.isArray(value) && value[0]?.startsWith?.("Server: mitmproxy ")) return plain(value.slice(1), ports);
	if (typeof value === "number") return ports[value] ?? value;
	if (Array.isArray(value)) return value.map((one) => plain(one, ports));
	if (value !== null && typeof value === "object")
		return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one, ports)]));
	if (typeof value !== "string") return value;
	const named = value.replace(/(?<!\d)\d{4,5}(?!\d)/g, (digits) => ports[digits] ?? digits);
	return named.replace(/^Server: mitmproxy .*\r\n/m, "").replace(/(sec-websocket-(?:key|accept): )[\w+/=]+/gi, "$1…");
}

async function readFlows(path) {
	const flows = [];
	for await (const flow of await openTape(path, { onTrouble() {} })) flows.push(summary(flow));
	return flows.filter(({ request }) => !request?.path.endsWith("/still-there"));
}

/**
 * The values of a flow on which both recordings must agree. `at`, its start in seconds, and `clientPort`, the port of the
 * client's side of the connection, are left out of the comparison.
 */
function summary(flow) {
	const { clientConn, serverConn } = flow;
	const clientPort = clientConn.peername?.[1];
	const common = {
		clientPort,
		type: flow.type,
		failed: flow.error !== null,
		replay: flow.isReplay,
		address: serverConn.address?.slice(0, 2) ?? null,
		via: serverConn.via,
	};
	const tls = clientConn.tls ? { sni: clientConn.sni, alpn: clientConn.alpn || null } : null;
	if (flow instanceof TcpFlow) return { at: flow.timestampCreated, ...common, tls, messages: joined(flow.messages) };
	if (!(flow instanceof HttpFlow)) return { at: flow.timestampCreated, ...common };
	const { request, response, websocket } = flow;
	const { method, scheme, host, port, path, authority } = request;
	return {
		at: request.timestampStart,
		...common,
		tls,
		request: { method, scheme, host, port, path, authority, ...message(request) },
		response: response && { status: response.statusCode, reason: response.reason, ...message(response) },
		websocket: websocket && {
			messages: websocket.messages.map(({ opcode, fromClient, content, dropped }) => [
				opcode,
				fromClient,
				content.toString("latin1"),
				dropped,
			]),
			close: [websocket.closedByClient, websocket.closeCode, websocket.closeReason],
		},
	};
}

function message({ httpVersion, headers, rawContent, trailers }) {
	return {
		httpVersion,
		headers: lines(headers),
		body: rawContent?.toString("latin1") ?? null,
		trailers: trailers && lines(trailers),
	};
}

function lines({ fields }) {
	return Array.from({ length: fields.length / 2 }, (_, i) => `${fields[2 * i]}: ${fields[2 * i + 1]}`);
}

/** The bytes of each direction, joined, because their division into chunks is random. */
function joined(messages) {
	return [true, false].map((fromClient) =>
		Buffer.concat(messages.filter((one) => one.fromClient === fromClient).map(({ content }) => content)).toString(
			"latin1",
		),
	);
}
