// Joins conversations with their handshakes, in every old form. source.test.ts reads complete dumps.
import t from "tap";
import { dumpOf, minimalRecord } from "../../../fixtures/dump-records.ts";
import { type Dictionary, Reader } from "../../../formats/mitm/tnetstring.ts";
import { Handshakes, handshakeId, isConversation } from "../../../formats/mitm/websocket.ts";
import type { MetaValue } from "../../../src/flow/metadata.ts";

/** The fields as the reader makes them, with the record. */
function decoded(fields: { [key: string]: MetaValue }): { flow: Dictionary; bytes: Buffer } {
	const bytes = dumpOf(fields);
	return { flow: new Reader(bytes).value(bytes.length) as Dictionary, bytes };
}

function conversation(fields: { [key: string]: MetaValue }): Dictionary {
	return decoded({ type: "websocket", version: 7, id: "talk", messages: [], ...fields }).flow;
}

const handshake = decoded(
	minimalRecord({ id: "shake", version: 7, metadata: { websocket: true }, server_conn: { timestamp_end: 9.5 } }),
);
const linked = { metadata: { websocket_handshake: "shake" } };

t.test("conversations and their handshakes", async (t) => {
	t.ok(isConversation(conversation({})));
	t.ok(isConversation(decoded({ type: Buffer.from("websocket") }).flow));
	t.notOk(isConversation(handshake.flow));
	t.equal(handshakeId(conversation(linked)), "shake");
	t.equal(handshakeId(conversation({ handshake_flow: { id: "inner" } })), "inner");
	t.equal(handshakeId(conversation({})), null);
});

t.test("a conversation is joined to its handshake each time it occurs", async (t) => {
	const handshakes = new Handshakes();
	handshakes.keep(handshake.flow, handshake.bytes);
	// as reading goes on
	handshake.flow.id = "changed";
	for (let n = 0; n < 2; n++) {
		const flow = handshakes.join(
			conversation({
				...linked,
				messages: [[1, true, "h\u00e9", 5, true]],
				close_sender: "server",
				close_code: 1000,
				close_reason: "bye",
			}),
		);
		t.match(flow, {
			id: "shake",
			type: "http",
			request: { port: 80 },
			websocket: { closed_by_client: false, close_code: 1000, close_reason: "bye", timestamp_end: 9.5 },
		});
		t.same((flow.websocket as Dictionary).messages, [[1, true, Buffer.from("h\u00e9"), 5, true, false]]);
	}
});

t.test("nested handshakes, messages without opcodes, and codes as text", async (t) => {
	const inner = minimalRecord({ id: "inner", version: [1, 0, 0] });
	const binary = Buffer.of(0xff, 0xfe);
	const flow = new Handshakes().join(
		conversation({
			handshake_flow: inner,
			messages: [
				[true, "text", 5],
				[false, Buffer.from("text"), 6],
				[false, binary, 7],
			],
			close_code: "(status code missing)",
			error: { msg: "x" },
		}),
	);
	t.match(flow, {
		id: "inner",
		version: [1, 0, 0],
		error: { msg: "x" },
		websocket: { close_code: null, closed_by_client: null },
	});
	t.match((flow.websocket as Dictionary).messages, [
		[1, true, Buffer.from("text"), 5],
		[1, false, Buffer.from("text"), 6],
		[2, false, binary, 7],
	]);
});

t.test("without a handshake, a placeholder from the connections", async (t) => {
	const flow = new Handshakes().join(
		conversation({
			...linked,
			client_conn: { timestamp_start: 3 },
			server_conn: { address: ["h", 443], tls_established: true },
		}),
	);
	t.match(flow, {
		id: "talk",
		version: 7,
		type: "http",
		request: { host: "h", port: 443, scheme: "https", timestamp_start: 3 },
		response: null,
	});
	t.match(new Handshakes().join(conversation({ messages: 5 })), {
		request: { host: "unknown", port: 80, scheme: "http" },
		websocket: { messages: [] },
	});
});

t.test("only the last thousand handshakes are kept", async (t) => {
	const handshakes = new Handshakes();
	const other = decoded(minimalRecord({ id: "plain" }));
	handshakes.keep(other.flow, other.bytes);
	for (let n = 0; n <= 1000; n++) {
		const { flow, bytes } = decoded(minimalRecord({ id: `shake ${n}`, version: 7, metadata: { websocket: true } }));
		handshakes.keep(flow, bytes);
	}
	const found = (id: string) => handshakes.join(conversation({ metadata: { websocket_handshake: id } })).id;
	t.equal(found("shake 0"), "talk");
	t.equal(found("shake 1"), "shake 1");
	t.equal(found("shake 1000"), "shake 1000");
	t.equal(found("plain"), "talk");
});
