// Flows read expensive parts on first access, once.
import t from "tap";
import { clientConnection, serverConnection } from "../../../src/flow/connection.ts";
import { DnsFlow, HttpFlow, TcpFlow, UdpFlow } from "../../../src/flow/flow.ts";
import { Request } from "../../../src/flow/message.ts";

const request = new Request({ method: "GET", scheme: "http", host: "a", port: 80 });

t.test("connections, metadata and backup are read on first access", async (t) => {
	let made = 0;
	const flow = new HttpFlow({
		id: "1",
		clientConn: () => clientConnection({ id: `c${++made}` }),
		serverConn: () => serverConnection({ id: `s${++made}` }),
		metadata: () => ({ count: ++made }),
		backup: () => ({ count: ++made }),
		request,
	});
	t.equal(made, 0);
	t.equal(flow.clientConn.id, "c1");
	t.equal(flow.clientConn.proxyMode, "regular");
	t.equal(flow.serverConn.id, "s2");
	t.same(flow.metadata, { count: 3 });
	t.same(flow.backup, { count: 4 });
	flow.clientConn.sni = "x";
	t.equal(flow.clientConn.sni, "x");
	t.equal(flow.serverConn.id, "s2");
	t.equal(made, 4);
});

t.test("defaults, and setting lazy parts", async (t) => {
	const init = { id: "1", clientConn: clientConnection({ id: "c" }), serverConn: serverConnection({ id: "s" }) };
	const flow = new HttpFlow({ ...init, request });
	t.match(flow, {
		type: "http",
		error: null,
		marked: "",
		comment: "",
		intercepted: false,
		isReplay: null,
		response: null,
		websocket: null,
	});
	t.same(Object.keys(flow.metadata), []);
	t.equal(flow.backup, null);
	flow.clientConn = clientConnection({ id: "c2", tls: true });
	flow.serverConn = serverConnection({ id: "s2" });
	flow.metadata = { a: 1 };
	flow.backup = "b";
	t.equal(flow.clientConn.tls, true);
	t.equal(flow.serverConn.id, "s2");
	t.same(flow.metadata, { a: 1 });
	t.equal(flow.backup, "b");
	t.equal(new TcpFlow({ ...init, messages: [] }).type, "tcp");
	t.equal(new UdpFlow({ ...init, messages: [] }).type, "udp");
	const question = {
		id: 1,
		query: true,
		opCode: 0,
		authoritativeAnswer: false,
		truncation: false,
		recursionDesired: true,
		recursionAvailable: false,
		reserved: 0,
		responseCode: 0,
		questions: [],
		answers: [],
		authorities: [],
		additionals: [],
		timestamp: 1,
	};
	t.equal(new DnsFlow({ ...init, request: question }).response, null);
});

t.test("messages are read on first access", async (t) => {
	const init = { id: "1", clientConn: clientConnection({ id: "c" }), serverConn: serverConnection({ id: "s" }) };
	let made = 0;
	const message = { fromClient: true, content: Buffer.from("x"), timestamp: 1 };
	const flow = new TcpFlow({
		...init,
		messages: () => {
			made++;
			return [message];
		},
	});
	t.equal(made, 0);
	t.same(flow.messages, [message]);
	t.equal(flow.messages, flow.messages);
	t.equal(made, 1);
	flow.messages = [];
	t.same(flow.messages, []);
});

t.test("metadata has no inherited names", async (t) => {
	const flow = new HttpFlow({
		id: "1",
		clientConn: clientConnection({ id: "c" }),
		serverConn: serverConnection({ id: "s" }),
		request,
	});
	t.equal(flow.metadata.toString, undefined);
});
