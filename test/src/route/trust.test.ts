// The authority is trusted on routed connections alone, in the same agent and the same context.
import { once } from "node:events";
import tls from "node:tls";
import t from "tap";
import { makeAuthorities } from "../../../fixtures/authorities.ts";
import { startRouteEngine } from "../../../fixtures/route-engine.ts";
import { installRoute } from "../../../src/route/route.ts";

/** "trusted", or the code of the error. */
async function outcomeOf(options: tls.ConnectionOptions): Promise<string> {
	const socket = tls.connect(options);
	return new Promise((resolve) => {
		socket
			.on("secureConnect", () => resolve("trusted"))
			.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
			.on("close", () => resolve("closed"));
	}).finally(() => socket.destroy()) as Promise<string>;
}

t.test("trust", async (t) => {
	const authorities = await makeAuthorities(t);
	const engine = await startRouteEngine(t.testdirName);
	const names = ["api.example.com"];
	// not routed, with certificates of another authority
	const serve = async (secureContext: tls.SecureContext): Promise<tls.Server> => {
		const server = tls.createServer({ SNICallback: (_name, done) => done(null, secureContext) }).listen(0, "127.0.0.1");
		await once(server, "listening");
		server.on("tlsClientError", () => {});
		return server;
	};
	const server = await serve(authorities.server({ names }));
	const port = (server.address() as { port: number }).port;
	const own = tls.createSecureContext({ ca: authorities.originPem });
	const route = installRoute({ ...engine.options, routes: () => true });
	const there = { host: "api.example.com", port: 443, servername: "api.example.com" };
	const here = { ...there, host: "127.0.0.1", port };
	t.equal(await outcomeOf(there), "trusted");
	t.equal(await outcomeOf({ ...there, secureContext: own }), "trusted");
	const first = tls.connect(there);
	const [session] = await once(first, "session");
	first.destroy();
	t.equal(await outcomeOf({ ...there, session }), "trusted", "a session that is resumed");
	t.equal(await outcomeOf({ ...here, secureContext: own }), "trusted", "own authorities stay");
	t.equal(await outcomeOf({ ...there, servername: "", checkServerIdentity: () => new Error("no") }), "no");
	t.match(await outcomeOf(here), /SELF_SIGNED|UNABLE/, "a server of this process needs the client's trust");
	route.remove();
	// a server with the authority of the engine, and no route
	const { openAuthority } = await import("../../../src/ca/authority.ts");
	const authority = await openAuthority(`${t.testdirName}/authority`);
	t.equal(authority.certificatePem, engine.options.authority);
	const theirs = await serve(authority.leafFor({ sni: "api.example.com", host: "" }).contextNow());
	const elsewhere = { ...here, port: (theirs.address() as { port: number }).port };
	t.match(await outcomeOf(elsewhere), /SELF_SIGNED|UNABLE/, "the authority is not trusted without a route");
	t.match(
		await outcomeOf({ ...elsewhere, secureContext: own }),
		/SELF_SIGNED|UNABLE/,
		"nor in a context that was used in one",
	);
	server.close();
	theirs.close();
	await engine.close();
});
