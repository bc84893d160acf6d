// The tools of the comparison: each starts to record or to replay the requests of this process, and resolves to a
// function that stops it and stores what was recorded.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Tools by name. Each gets the mode, `record` or `replay`, and a folder for its files. */
export const tools = {
	none: async () => async () => {},
	async flowtape(mode, folder) {
		const { insertTape } = await import("flowtape/test");
		const options = { dir: folder, tape: "suite.tape", mode: mode === "record" ? "once" : "none", children: true };
		const tape = await insertTape({ file: join(folder, "suite.mjs"), name: "suite" }, options);
		return () => tape.eject();
	},
	async undici(mode, folder) {
		const { SnapshotAgent, setGlobalDispatcher } = await import("undici");
		const snapshotPath = join(folder, "snapshots.json");
		const agent = new SnapshotAgent({ mode: mode === "record" ? "record" : "playback", snapshotPath });
		setGlobalDispatcher(agent);
		return async () => {
			if (mode === "record") await agent.saveSnapshots();
			await agent.close();
		};
	},
	async nock(mode, folder) {
		const { default: nock } = await import("nock");
		nock.back.fixtures = folder;
		nock.back.setMode(mode === "record" ? "record" : "lockdown");
		const { nockDone } = await nock.back("nock.json");
		return async () => nockDone();
	},
	async polly(mode, folder) {
		const [{ Polly }, { default: Http }, { default: Fetch }, { default: persister }] = await Promise.all(
			["core", "adapter-node-http", "adapter-fetch", "persister-fs"].map((name) => import(`@pollyjs/${name}`)),
		);
		const polly = new Polly("suite", {
			mode,
			adapters: [Http, Fetch],
			persister,
			persisterOptions: { fs: { recordingsDir: folder } },
			recordIfMissing: false,
			logLevel: "silent",
		});
		return () => polly.stop();
	},
	// msw has no recordings: the responses that it lets pass are kept here, and become its handlers
	async msw(mode, folder) {
		const [{ http, HttpResponse }, { setupServer }] = await Promise.all([import("msw"), import("msw/node")]);
		const file = join(folder, "msw.json");
		const stored = mode === "record" ? {} : JSON.parse(readFileSync(file, "utf8"));
		const handlers = Object.entries(stored).map(([url, body]) => http.get(url, () => HttpResponse.text(body)));
		const server = setupServer(...handlers);
		const bodies = [];
		server.events.on("response:bypass", ({ request, response }) => {
			const body = response.clone().text();
			bodies.push(body.then((text) => (stored[request.url] = text)));
		});
		server.listen({ onUnhandledRequest: mode === "record" ? "bypass" : "error" });
		return async () => {
			await Promise.all(bodies);
			server.close();
			if (mode === "record") writeFileSync(file, JSON.stringify(stored));
		};
	},
};
