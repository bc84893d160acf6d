// Observes the clients of a proxy.
import t from "tap";
import { ClientObserver } from "../../../commands/doctor/client-observer.ts";
import { httpFlow, tcpFlow } from "../../../fixtures/build-flow.ts";

t.test("clients, their destinations, and hosts for which a client did not trust the authority", async (t) => {
	const witness = new ClientObserver();
	const ask = (host: string, agent?: string) =>
		witness.onEvent({
			kind: "flow",
			flow: httpFlow({ request: { host, headers: agent === undefined ? [] : [["User-Agent", agent]] } }),
		});
	for (const host of ["a.example", "b.example", "c.example"]) witness.onEvent({ kind: "tunnel", host, port: 443 });
	ask("a.example", "curl/8");
	ask("a.example", "curl/8");
	ask("plain.example");
	witness.onEvent({ kind: "client_error", message: "no", client: "1", untrusted: "b.example" });
	witness.onEvent({ kind: "client_error", message: "malformed", client: "1" });
	witness.onEvent({ kind: "flow", flow: tcpFlow() });
	t.strictSame(
		[...witness.agents],
		[
			["curl/8", 2],
			["(without a name)", 1],
		],
	);
	t.strictSame([...witness.hosts], ["a.example", "plain.example"]);
	t.strictSame([...witness.untrusted], ["b.example"]);
	t.strictSame([...witness.silent], ["c.example"]);
});
