// Resets of connections: in cleartext, in TLS, and in TLS within TLS.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import t, { type Test } from "tap";
import { makeAuthorities } from "../../../../fixtures/authorities.ts";
import { Peer } from "../../../../fixtures/peer.ts";
import { breakOff, recordTransport, reset } from "../../../../src/proxy/connection/break-off.ts";

const { originPem, server } = await makeAuthorities(t);
const secureContext = server({ names: ["localhost"] });

/** The two ends of a connection with this many layers of TLS. */
async function connected(t: Test, layers: number): Promise<{ client: Peer; socket: Socket }> {
	const listener = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, "127.0.0.1");
	t.teardown(() => listener.close());
	await once(listener, "listening");
	const accepted = once(listener, "connection") as Promise<[Socket]>;
	let client = await Peer.to((listener.address() as AddressInfo).port);
	let [socket] = await accepted;
	socket.on("error", () => {});
	for (let layer = 0; layer < layers; layer++) {
		const secured = new TLSSocket(socket, { isServer: true, secureContext });
		secured.on("error", () => {});
		recordTransport(secured, socket);
		[client] = await Promise.all([client.secure({ servername: "localhost", ca: originPem }), once(secured, "secure")]);
		socket = secured;
	}
	t.teardown(() => client.close());
	return { client, socket };
}

for (const layers of [0, 1, 2]) {
	t.test(`layers of TLS: ${layers}`, async (t) => {
		for (let round = 0; round < 5; round++) {
			const { client, socket } = await connected(t, layers);
			const much = "x".repeat(300_000);
			socket.write(much);
			breakOff(socket);
			t.equal((await client.take(much.length)).length, much.length, "all that was written comes");
			t.equal(await client.ended(), "reset");
		}
		const { client, socket } = await connected(t, layers);
		await client.send("hello").stalled();
		reset(socket);
		reset(socket);
		t.equal(await client.ended(), "reset");
	});
}

t.test("a client that has disconnected", async (t) => {
	const { client, socket } = await connected(t, 0);
	client.reset();
	await new Promise((resolve) => socket.once("close", resolve));
	breakOff(socket);
	reset(socket);
	t.equal(socket.destroyed, true);
});
