// Recordings that answer requests while a proxy records. interop/replay.mjs compares which recording answers which
// request.
import { clientConnection, serverConnection } from "../../../dist/flow.js";
import { createTape, Headers, HttpFlow, Request, Response } from "../../../dist/index.js";
import { ask, row } from "./rows.mjs";

const recordedPaths = ["/once", "/again", "/left-over"];

/** Writes a dump with an answer for each of these paths. */
export async function writeRecording(path) {
	const sink = await createTape(path);
	for (const [i, to] of recordedPaths.entries()) {
		await sink.append(
			new HttpFlow({
				id: String(i),
				clientConn: clientConnection({ id: "client", timestampStart: 1 }),
				serverConn: serverConnection({ id: "server", address: ["site.test", 80], timestampStart: 1 }),
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
			row("a request that is mapped later is not matched by its new URL", get("/mapped")),
		],
	},
	{
		name: "server_replay without forwarding",
		replay: "{dir}/recorded.mitm",
		options: { ...anywhere, server_replay_extra: "404" },
		aside: [[/^\.client\.answers\.\d+\.(?:head|body)$|\.response\.(?:headers|body)/, "a miss has an explanation"]],
		rows: [
			row("answered", get("/once")),
			row("not a second time", get("/once")),
			row("unknown", get("/unknown")),
			row("kept alive", [get("/again"), get("/unknown")]),
		],
	},
];
