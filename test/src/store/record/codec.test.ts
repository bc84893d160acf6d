// Rows: the columns of a flow, and the parts that are read on access.
import { randomBytes } from "node:crypto";
import t from "tap";
import { dnsFlow, httpFlow, STARTED, tcpFlow, udpFlow, websocketFlow } from "../../../../fixtures/build-flow.ts";
import { comparable, variedFlows } from "../../../../fixtures/varied-flows.ts";
import { FlowtapeError } from "../../../../src/errors.ts";
import type { Body } from "../../../../src/flow/body.ts";
import { type ClientConnection, clientConnection, type ServerConnection } from "../../../../src/flow/connection.ts";
import type { Flow, Lazy } from "../../../../src/flow/flow.ts";
import {
	decodeFlow,
	encodeFlow,
	encodeMessages,
	type PartReader,
	type PartWriter,
} from "../../../../src/store/record/codec.ts";
import type { FlowColumns, MessageRow, NumberedMessage, StoredBody } from "../../../../src/store/record/flow-row.ts";
import { pack } from "../../../../src/store/record/msgpack.ts";
import { sealMessage } from "../../../../src/store/record/row-sum.ts";

/** A store in memory that records each read. */
class Parts implements PartReader, PartWriter {
	readonly asked: string[] = [];
	readonly damage: string[] = [];
	readonly #bodies: Body[] = [];
	readonly #clients: ClientConnection[] = [];
	readonly #servers: ServerConnection[] = [];
	messages: MessageRow[] = [];
	broken: FlowtapeError | Error | null = null;

	writeBody(body: Body): StoredBody {
		return this.#bodies.push(body);
	}
	writeClient(client: ClientConnection | Lazy<ClientConnection>): number {
		return this.#clients.push(typeof client === "function" ? client() : client);
	}
	writeServer(server: ServerConnection | Lazy<ServerConnection>): number {
		return this.#servers.push(typeof server === "function" ? server() : server);
	}
	readBody(stored: StoredBody): Body {
		return typeof stored === "number" ? (this.#bodies[stored - 1] ?? null) : null;
	}
	readClient(): ClientConnection {
		return this.#read("client", this.#clients[0]);
	}
	readServer(): ServerConnection {
		return this.#read("server", this.#servers[0]);
	}
	rowRefOf(): object {
		return this;
	}
	readMessages(): NumberedMessage[] {
		return this.#read("messages", this.messages)?.map((message, n) => ({ ...message, n }));
	}
	readSmallMessages(_seq: number, limit: number) {
		return this.readMessages().map((row) => ({ ...row, bytes: row.bytes.length > limit ? null : row.bytes }));
	}
	readMessage(_seq: number, n: number): NumberedMessage | undefined {
		return this.readMessages()[n];
	}
	reportDamage(seq: number, what: string): void {
		this.damage.push(`${seq}: ${what}`);
	}
	#read<T>(what: string, value: T | undefined): T {
		this.asked.push(what);
		if (this.broken !== null) throw this.broken;
		return value as T;
	}
}

function stored(flow: Flow, parts = new Parts()): { row: ReturnType<typeof encodeFlow>; parts: Parts } {
	const row = encodeFlow(flow, "key", parts);
	parts.messages = encodeMessages(flow);
	return { row, parts };
}

t.test("every kind of flow is restored", async (t) => {
	for (const flow of variedFlows()) {
		const { row, parts } = stored(flow);
		t.same(comparable(decodeFlow(1, row, parts)), comparable(flow), flow.type);
	}
});

t.test("columns", async (t) => {
	const { row } = stored(
		httpFlow({
			request: { host: "10.0.0.1", headers: [["Host", "example.com:81"]] },
			response: { statusCode: 404 },
			marked: "m",
		}),
	);
	t.match(row, {
		kind: "http",
		started: STARTED + 0.1,
		method: "GET",
		scheme: "http",
		host: "10.0.0.1",
		pretty_host: "example.com",
		port: 80,
		path: "/",
	});
	t.match(row, {
		status: 404,
		content_type: "text/plain",
		request_key: "key",
		is_replay: null,
		marked: "m",
		has_error: 0,
		has_websocket: 0,
		rest: null,
	});
	t.match(row, { request_size: 0, response_size: 5, coded: 0 });
	const coded = [["Content-Encoding", "br"]] as const;
	t.equal(stored(httpFlow({ request: { headers: coded } })).row.coded, 1);
	t.equal(stored(httpFlow({ request: { headers: coded }, response: { headers: coded } })).row.coded, 3);
	t.match(stored(httpFlow({ response: null, error: { message: "x", timestamp: 1 } })).row, {
		status: null,
		response_size: null,
		response_body: 2,
		has_error: 1,
	});
	t.match(stored(websocketFlow()).row, { has_websocket: 1, status: 101 });
	t.match(stored(udpFlow()).row, {
		kind: "udp",
		started: STARTED,
		method: null,
		host: null,
		status: null,
		request_size: null,
	});
	t.match(stored(dnsFlow({ clientConn: { timestampStart: null } })).row, { kind: "dns", started: STARTED + 0.05 });
});

t.test("parts are read on first access, once", async (t) => {
	for (const flow of [tcpFlow(), websocketFlow()]) {
		const { row, parts } = stored(flow);
		const back = decodeFlow(1, row, parts);
		t.same(parts.asked, []);
		const messages = () =>
			back.type === "tcp" ? back.messages : back.type === "http" ? back.websocket?.messages : undefined;
		t.equal(messages()?.length, 2);
		t.equal(messages(), messages());
		t.equal(back.clientConn, back.clientConn);
		t.same(parts.asked, ["messages", "client"]);
		if (back.type === "http" && back.websocket !== null) {
			back.websocket.messages = [];
			t.equal(messages()?.length, 0);
		}
	}
});

t.test("damage found on access is reported, and the part is left out", async (t) => {
	const { row, parts } = stored(httpFlow());
	parts.broken = new FlowtapeError("FT_CORRUPT_FLOW", "broken");
	const flow = decodeFlow(7, { ...row, rest: Buffer.of(0xc1) }, parts);
	t.match(flow.clientConn, clientConnection({ id: "" }));
	t.equal(flow.serverConn.address, null);
	t.same(flow.metadata, {});
	t.same(parts.damage, ["7: its metadata", "7: its client connection", "7: its server connection"]);
	parts.broken = new Error("the disk is gone");
	t.throws(
		() => decodeFlow(7, row, parts).clientConn,
		/the disk is gone/,
		"what is no damage is no matter of the flow",
	);
	t.same(
		decodeFlow(7, { ...row, rest: pack([5, null, null]) }, parts).metadata,
		{},
		"metadata that is not a dictionary",
	);
});

t.test("damaged heads", async (t) => {
	const { row, parts } = stored(httpFlow());
	const head = (values: unknown, kind = "http"): FlowColumns => ({ ...row, kind, head: pack(values) });
	for (const facts of [
		head(5),
		head([]),
		head(["x", "", false, null]),
		head([1, 2, false, null]),
		head([1, "", 0, null]),
		head([1, "", false, ["text"]]),
		head([1, "", false, null, null, null, null]),
		head([1, "", false, null, [], null, null]),
		head([1, "", false, null], "dns"),
		head([1, "", false, null], "smtp"),
		{ ...row, head: Buffer.alloc(0) },
	])
		t.throws(() => decodeFlow(1, facts, parts), { code: "FT_CORRUPT_FLOW" });
	t.equal(decodeFlow(1, head([1, "", false, ["why", 2]], "tcp"), parts).error?.message, "why");
	t.equal(decodeFlow(1, { ...row, is_replay: "nonsense" }, parts).isReplay, null);
	t.same(decodeFlow(1, head([1, "", false, null, 0, "new"], "udp"), parts).extra, { head: ["new"] });
});

t.test("a large message is compressed if that makes it smaller, and is restored", async (t) => {
	const small = Buffer.alloc(64 * 1024, "s");
	const large = Buffer.alloc(300_000, "large ");
	const random = randomBytes(100_000);
	const parts = new Parts();
	const contents = [small, large, random];
	const messages = contents.map((content) => ({
		opcode: 2,
		fromClient: true,
		content,
		timestamp: STARTED,
		dropped: true,
		injected: false,
	}));
	const websocket = { messages, closedByClient: null, closeCode: null, closeReason: null, timestampEnd: null };
	const flows = [
		httpFlow({ websocket }),
		tcpFlow({ messages: contents.map((content) => ({ fromClient: true, content, timestamp: STARTED })) }),
	];
	for (const flow of flows) {
		parts.messages = encodeMessages(flow);
		t.strictSame(
			parts.messages.map(({ bytes, flags }) => [bytes.length < 10_000, flags & 4]),
			[
				[false, 0],
				[true, 4],
				[false, 0],
			],
		);
		const row = encodeFlow(flow, null, parts);
		const read = () => {
			const back = decodeFlow(1, row, parts);
			return (back.type === "http" ? (back.websocket?.messages ?? []) : back.type === "dns" ? [] : back.messages).map(
				({ content }) => content,
			);
		};
		t.strictSame(read(), contents);
		(parts.messages[1] as MessageRow).bytes = Buffer.from("not compressed");
		t.strictSame(read(), [small, random]);
		t.equal(parts.damage.length, 1);
		parts.damage.length = 0;
	}
});

t.test("a missing message is reported", async (t) => {
	const parts = new Parts();
	const flow = tcpFlow({
		messages: ["one", "two", "three"].map((text) => ({ fromClient: true, content: Buffer.from(text), timestamp: 1 })),
	});
	const row = encodeFlow(flow, null, parts);
	const rows = encodeMessages(flow).map((message, n) => ({ ...message, n }));
	parts.readMessages = () => rows.filter(({ n }) => n !== 1);
	const back = decodeFlow(1, row, parts);
	t.same(back.type === "tcp" && back.messages.map(({ content }) => content.toString()), ["one", "three"]);
	t.same(parts.damage, ["1: the list of its messages"]);
});

t.test("a message whose checksum does not match is reported and left out; older rows have no checksum", async (t) => {
	const parts = new Parts();
	const contents = ["one", "two", "three"].map((text) => Buffer.from(text));
	const flow = tcpFlow({
		messages: contents.map((content) => ({ fromClient: true, content, timestamp: Number.NaN })),
	});
	parts.messages = encodeMessages(flow).map((message, n) => sealMessage(1, n, message));
	t.same(new Set(parts.messages.map(({ at }) => at)), new Set([0]), "NaN is not stored");
	const row = encodeFlow(flow, null, parts);
	const read = () => {
		const back = decodeFlow(1, row, parts);
		return back.type === "tcp" ? back.messages.map(({ content }) => content.toString()) : [];
	};
	t.same(read(), ["one", "two", "three"]);
	(parts.messages[1] as MessageRow).bytes = Buffer.from("twi");
	t.same(read(), ["one", "three"]);
	t.equal(parts.damage.length, 1);
	(parts.messages[1] as MessageRow).flags = 0;
	t.same(read(), ["one", "twi", "three"]);
});

t.test("a start of NaN is stored as 0", async (t) => {
	const flow = httpFlow();
	flow.request.timestampStart = Number.NaN;
	t.equal(encodeFlow(flow, null, new Parts()).started, 0);
});
