// Connections to a SOCKS port, up to the tunnel.
import { createServer, type Socket } from "node:net";
import t, { type Test } from "tap";
import { Peer } from "../../../../fixtures/peer.ts";
import type { TunnelTarget } from "../../../../src/proxy/route/target.ts";
import { Socks5Connection, type Socks5Settings } from "../../../../src/proxy/tunnel/socks5.ts";

const NO_LOGIN = "\x05\x01\x00";
const LOGIN = "\x05\x01\x02";
const REQUEST = "\x05\x01\x00\x01\x7f\x00\x00\x01\x1f\x90";
const GRANTED = "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";

interface Served {
	client: Peer;
	connection: Socks5Connection;
	reported: { target: TunnelTarget | null; refusals: string[]; closed: number };
}

/** A port for one connection, whose tunnel echoes. */
async function serve(t: Test, settings: Partial<Socks5Settings> = {}): Promise<Served> {
	const reported: Served["reported"] = { target: null, refusals: [], closed: 0 };
	const onTunnel = (socket: Socket, target: TunnelTarget) => {
		reported.target = target;
		socket.on("data", (bytes) => socket.write(bytes)).on("end", () => socket.end());
		socket.resume();
	};
	let accept: (connection: Socks5Connection) => void = () => {};
	const accepted = new Promise<Socks5Connection>((resolve) => {
		accept = resolve;
	});
	const server = createServer({ allowHalfOpen: true }, (socket) => {
		const common = {
			login: null,
			timeoutMs: 0,
			onTunnel,
			onRefused: (reason: string) => reported.refusals.push(reason),
			onClose: () => void reported.closed++,
		};
		socket.on("error", () => {});
		accept(new Socks5Connection(socket, { ...common, ...settings }));
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const address = server.address();
	const client = await Peer.to(typeof address === "object" && address !== null ? address.port : 0);
	t.teardown(() => {
		client.close();
		server.close();
	});
	return { client, connection: await accepted, reported };
}

t.test("a tunnel, with messages one by one and all at once", async (t) => {
	for (const early of ["", "early"]) {
		const { client, reported } = await serve(t);
		if (early !== "") client.send(NO_LOGIN + REQUEST + early);
		else {
			for (const byte of NO_LOGIN) client.send(byte);
			t.equal((await client.take(2)).latin1Slice(), "\x05\x00");
			client.send(REQUEST);
		}
		if (early !== "") await client.take(2);
		t.equal((await client.take(10)).latin1Slice(), GRANTED);
		t.match(reported, { target: { host: "127.0.0.1", port: 8080 }, refusals: [], closed: 1 });
		t.equal((await client.take(early.length)).latin1Slice(), early);
		client.send("through");
		t.equal((await client.take(7)).latin1Slice(), "through");
		client.end();
		await client.ended();
		t.equal(reported.closed, 1, "the tunnel's end is not ours");
	}
});

t.test("logins", async (t) => {
	const asked: string[] = [];
	const login = async (user: string, password: string) => {
		asked.push(`${user}:${password}`);
		if (user === "broken") throw new Error("no directory");
		return password === "right";
	};
	const admitted = await serve(t, { login });
	admitted.client.send(`${LOGIN}\x01\x01u\x05right${REQUEST}early`);
	t.equal((await admitted.client.take(14)).latin1Slice(), `\x05\x02\x01\x00${GRANTED}`);
	t.equal((await admitted.client.take(5)).latin1Slice(), "early");
	for (const sent of ["\x01\x01u\x05wrong", "\x01\x06broken\x01x"]) {
		const { client, reported } = await serve(t, { login });
		client.send(LOGIN + sent + REQUEST);
		t.equal(await client.rest(), "\x05\x02\x01\x01");
		t.match(reported, { target: null, refusals: ["wrong user or password"] });
	}
	t.strictSame(asked, ["u:right", "u:wrong", "broken:x"]);
});

t.test("rejected clients get the SOCKS error code", async (t) => {
	const { client, reported } = await serve(t);
	client.send("GET / HTTP/1.1\r\n\r\n");
	t.equal(await client.rest(), "");
	client.send("more").end();
	t.match(reported.refusals, [/looks like HTTP/]);
	const bound = await serve(t);
	bound.client.send(NO_LOGIN + REQUEST.replace("\x05\x01", "\x05\x02"));
	t.match(await bound.client.rest(), "\x05\x00\x05\x07");
});

t.test("clients that disconnect, or send nothing until the timeout", async (t) => {
	const leaving = await serve(t);
	leaving.client.send("\x05").end();
	t.equal(await leaving.client.rest(), "");
	const idle = await serve(t, { timeoutMs: 20 });
	await idle.client.ended();
	const stopped = await serve(t);
	stopped.connection.drain();
	await stopped.client.ended();
	t.strictSame(
		[leaving, idle, stopped].map(({ reported }) => reported.target),
		[null, null, null],
	);
});
