// Leaves that share one TLS context, in real handshakes.
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { connect, type SecureContext, TLSSocket } from "node:tls";
import t, { type Test } from "tap";
import { openAuthority } from "../../../src/ca/authority.ts";
import type { Leaf } from "../../../src/ca/leaf-contexts.ts";
import { certificateChain } from "../../../src/proxy/connection/connection-info.ts";

const authority = await openAuthority(t.testdir());
const leafOf = (name: string) => authority.leafFor({ sni: name, host: name });

/**
 * Connections to a server that shows one leaf after the other, none of which has begun its handshake before all are
 * there.
 */
async function connections(t: Test, leaves: readonly Leaf[]): Promise<TLSSocket[]> {
	const waiting = leaves.values();
	const server = createServer({ pauseOnConnect: true }, (socket) => {
		const leaf = waiting.next().value as Leaf;
		const secured = new TLSSocket(socket, { isServer: true, secureContext: leaf.contextNow() });
		t.teardown(() => socket.destroy());
		secured.on("error", () => {});
		all.push(secured);
		if (all.length === leaves.length) for (const one of all) one.resume();
	});
	const all: TLSSocket[] = [];
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	t.teardown(() => server.close());
	const { port } = server.address() as AddressInfo;
	return Promise.all(
		leaves.map(async () => {
			const client = connect({
				port,
				host: "127.0.0.1",
				ca: authority.certificatePem,
				checkServerIdentity: () => undefined,
			});
			t.teardown(() => client.destroy());
			await once(client, "secureConnect");
			return client;
		}),
	);
}

t.test("leaves share a context; each connection shows its own leaf, followed by the authority", async (t) => {
	const names = ["a.example", "b.example", "a.example", "c.example"];
	const clients = await connections(t, names.map(leafOf));
	const seen = clients.map((client) => certificateChain(client).map(({ subject }) => subject));
	t.strictSame(seen.map(([leaf]) => leaf).sort(), names.map((name) => `CN=${name}`).sort());
	for (const [, ...behind] of seen) t.strictSame(behind, [authority.certificate.subject]);
	t.equal(leafOf("a.example").contextNow(), leafOf("c.example").contextNow());
});

t.test("a leaf that is swapped often gets its own context, one that is shown repeatedly does not", async (t) => {
	const [often, other] = [leafOf("often.example"), leafOf("other.example")];
	const shared = other.contextNow();
	const contexts: SecureContext[] = [];
	for (let turn = 0; turn < 3; turn++) {
		contexts.push(often.contextNow(), often.contextNow());
		leafOf(`turn${turn}.example`).contextNow();
	}
	t.strictSame(
		contexts.map((context) => context === shared),
		Array(6).fill(true),
	);
	const own = often.contextNow();
	t.not(own, shared);
	t.equal(own, often.context);
	const [client] = await connections(t, [often]);
	t.strictSame(
		certificateChain(client as TLSSocket).map(({ subject }) => subject),
		["CN=often.example", authority.certificate.subject],
	);
});

t.test("extra certificates are sent with their leaf only", async (t) => {
	const extraChain = [leafOf("upstream.example").pem];
	const chained = authority.leafFor({ sni: "d.example", host: "d.example", extraChain });
	t.equal(chained.contextNow(), chained.context);
	t.not(chained.context, leafOf("e.example").contextNow());
});
