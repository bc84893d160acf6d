// Recordings that answer requests while a proxy records. interop/replay.mjs compares which recording answers which
// request.
import { createTape, Headers, HttpFlow, Request, Response } from "../../../dist/index.js";
import { ask, row } from "./rows.mjs";

const recordedPaths = ["/once", "/again", "/left-over"];

/** Writes a dump with an answer for each of these paths. */
export async function writeRecording(path) {
	const sink = await createTape(path);
	const end = {
		id: "end",
		peername: null,
		sockname: null,
		transportProtocol: "tcp",
		error: null,
		tls: false,
		certificateList: [],
		alpn: null,
		alpnOffers: [],
	};
	const connection = {
		...end,
		cipher: null,
		cipherList: [],
		tlsVersion: null,
		sni: null,
		timestampStart: 1,
		timestampEnd: null,
		timestampTlsSetup: null,
	};
	for (const [i, to] of recordedPaths.entries()) {
		await sink.append(
			new HttpFlow({
				id: String(i),
				clientConn: { ...connection, mitmcert: null, proxyMode: "regular" },
				serverConn: { ...connection, address: ["site.test", 80], timestampTcpSetup: null, via: null },
				request: new Request({
					method: "GET",
					scheme: "http",
					host: "site.test",
					port: 80,
					path: to,
					headers: Headers.of(["Host", "site.test"]),
					timestampStart: 1,
				}),
				response: new Response({
					statusCode: 200,
					reason: "Recorded",
					headers: Headers.of(["X-A", "1"], ["Content-Length", "8"]),
					body: Buffer.from("recorded"),
					timestampStart: 1,
					timestampEnd: 1,
				}),
			}),
		);
	}
	await sink.commit();
}

const get = (path) => ask("GET", path);
const anywhere = { server_replay_ignore_host: true, server_replay_ignore_port: true };

export const replayGroups = [
	{
		name: "server_replay beside recording",
		replay: "{dir}/recorded.mitm",
		options: {
			...anywhere,
			server_replay_reuse: true,
			modify_headers: ["/~s/X-Res/1"],
			modify_body: ["/~s/recorded/changed"],
			map_remote: ["|/mapped|/once"],
		},
		rows: [
			row("answered", get("/once")),
			row("answered again", [get("/again"), get("/again")]),
			row("forwarded", get("/unknown")),
			row("another method", ask("POST", "/once", [], "body")),
			row("in a tunnel", get("/once"), [], { isTls: true }),
			row("what is mapped later is not looked for", get("/mapped")),
		],
	},
	{
		name: "server_replay and no more",
		replay: "{dir}/recorded.mitm",
		options: { ...anywhere, server_replay_extra: "404" },
		aside: [[/^\.client\.answers\.\d+\.(?:head|body)$|\.response\.(?:headers|body)/, "a miss says why it is one"]],
		rows: [
			row("answered", get("/once")),
			row("not a second time", get("/once")),
			row("unknown", get("/unknown")),
			row("kept alive", [get("/again"), get("/unknown")]),
		],
	},
];
