// Replays the server's side of a recorded WebSocket.
import t from "tap";
import { httpRequest, STARTED, websocketFlow } from "../../../../fixtures/build-flow.ts";
import { Headers } from "../../../../src/flow/headers.ts";
import { answerHandshake, serverPart } from "../../../../src/replay/answer/websocket-script.ts";

const part = (
	messages: Parameters<typeof websocketFlow>[0] extends infer P | undefined
		? NonNullable<P extends { messages?: infer M } ? M : never>
		: never,
	closedByClient = true,
	factor = 0,
) => {
	const data = websocketFlow({ messages }).websocket;
	return serverPart({ ...(data as NonNullable<typeof data>), closedByClient }, (seconds) => seconds * factor);
};
const say = (content: string, fromClient: boolean, at: number, more = {}) => ({
	content: Buffer.from(content),
	fromClient,
	timestamp: STARTED + at,
	...more,
});

t.test("each message is sent after the client's messages that preceded it", (t) => {
	const { cues, close } = part([
		say("welcome", false, 1),
		say("a", true, 2),
		say("b", true, 3),
		say("1", false, 4),
		say("2", false, 5, { opcode: 2 }),
		say("gone", false, 6, { dropped: true }),
	]);
	t.same(
		cues.map(({ afterClient, content, opcode, waitMs }) => [afterClient, content.toString(), opcode, waitMs]),
		[
			[0, "welcome", 1, 0],
			[2, "1", 1, 0],
			[2, "2", 2, 0],
		],
	);
	t.equal(close, null, "the client closes");
	t.end();
});

t.test("recorded times, and a server that closes", (t) => {
	const { cues, close } = part([say("a", true, 1), say("1", false, 3), say("2", false, 4)], false, 2);
	t.same(
		cues.map(({ waitMs }) => waitMs),
		[4000, 2000],
	);
	t.match(close, { afterClient: 1, code: 1000, reason: "bye", waitMs: 10_000 });
	t.end();
});

t.test("the handshake matches the request (RFC 6455 section 1.3)", (t) => {
	const headers = Headers.of(
		["Upgrade", "websocket"],
		["Sec-WebSocket-Accept", "old"],
		["Sec-WebSocket-Extensions", "permessage-deflate"],
	);
	answerHandshake(headers, httpRequest({ headers: [["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="]] }));
	t.same(headers.fields, ["Upgrade", "websocket", "Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]);
	t.end();
});
