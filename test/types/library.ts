// Code that must compile, and lines that must not. `npm run types` compiles it; it never runs.
import {
	compileFilter,
	convert,
	createTape,
	defineFormat,
	defineHook,
	diff,
	type Explanation,
	explain,
	exportFlow,
	type Flow,
	type FlowChange,
	FlowtapeError,
	filter,
	openTape,
	type ReplayClientReport,
	type Proxy as RunningProxy,
	type RunReport,
	record,
	replayClient,
	replayServer,
	rewrite,
	run,
	type Session,
	type TapeStats,
	type WriteReport,
} from "../../index.ts";

export async function tapes(): Promise<void> {
	await using tape = await openTape(new URL("file:///a.tape"), {
		strict: true,
		onTrouble: (code) => code satisfies `FT_${string}`,
	});
	for await (const flow of tape.flows({ filter: compileFilter("~c 500"), bodies: false })) flow.id satisfies string;
	for await (const batch of tape.flows().batches()) batch satisfies Flow[];
	(await tape.get("id")) satisfies Flow | null;
	(await tape.stats()) satisfies TapeStats;
	(await tape.count("~c 500")) satisfies number;
	// @ts-expect-error no such part of a query
	tape.flows({ filtr: "~c 500" });
	await using writer = await createTape("b.har", { format: "har" });
	await writer.append(new Error("no flow") as never);
	// @ts-expect-error flows are appended, not text
	await writer.append("flow");
	// @ts-expect-error there is no such option
	await openTape("a.tape", { stricter: true });
}

export async function verbs(): Promise<void> {
	(await convert(["a.tape", "b.har"], "c.jsonl", { signal: AbortSignal.timeout(1000) })) satisfies WriteReport;
	await filter("a.tape", "~c 500", await createTape("b.tape"));
	await rewrite(
		"a.tape",
		{ setStatus: 404, encode: "br", modifyHeaders: ["/a/b"], refresh: "now", sort: true },
		"in-place",
	);
	// @ts-expect-error no coding has this name
	await rewrite("a.tape", { encode: "rar" }, "b.tape");
	// @ts-expect-error options are in camelCase
	await rewrite("a.tape", { set_status: 404 }, "b.tape");
	// @ts-expect-error options of live traffic do not apply to stored flows
	await rewrite("a.tape", { listenPort: 1 }, "b.tape");
	// @ts-expect-error a target is needed
	await convert("a.tape");
}

export async function proxies(): Promise<void> {
	await using proxy: RunningProxy = await record({
		to: "a.tape",
		port: 0,
		mode: ["regular", "socks5"],
		bodySizeLimit: "1m",
		http2: false,
	});
	proxy.on("miss", ({ url, policy }) => `${url} ${policy}`) satisfies () => void;
	proxy.on("flow", (flow) => flow.type);
	// @ts-expect-error there is no such event
	proxy.on("flows", () => {});
	[proxy.ca.pem, proxy.ca.pin, proxy.url.port] satisfies string[];
	for await (const event of proxy.events(AbortSignal.timeout(1000)))
		if (event.kind === "egress") event.value.destination satisfies string;
	proxy.env(process.env) satisfies Record<string, string>;
	await using session: Session = await proxy.openSession("a test");
	session.env(process.env).HTTPS_PROXY satisfies string | undefined;
	(await session.close()).unused satisfies number;
	await proxy.openSession();
	// @ts-expect-error a name is text
	await proxy.openSession(1);
	(await proxy.close()) satisfies RunReport;
	await replayServer({
		from: ["a.tape"],
		extra: 404,
		order: "cycle",
		match: (request, recorded) => request.path === recorded.path,
	});
	await replayServer({ from: "a.tape", extra: "forward", network: true });
	// @ts-expect-error a tape is needed
	await replayServer({ extra: 404 });
	// @ts-expect-error there is no such status among the choices
	await replayServer({ from: "a.tape", extra: 403 });
	// @ts-expect-error names have no prefix here
	await replayServer({ from: "a.tape", serverReplayExtra: 404 });
	// @ts-expect-error deprecated options are left out
	await replayServer({ from: "a.tape", nopop: true });
	// @ts-expect-error the port has one name
	await record({ listenPort: 1 });
}

export async function comparisons(): Promise<void> {
	for await (const change of diff("a.tape", ["b.har", "c.tape"], { ignore: "json:/id", filter: "~m GET" })) {
		change satisfies FlowChange;
		if (change.kind === "changed") change.differences[0]?.part satisfies string | undefined;
		// @ts-expect-error a new flow has no earlier one
		if (change.kind === "new") change.before;
	}
	// @ts-expect-error two recordings are compared
	await diff("a.tape").next();
	// @ts-expect-error there is no such option
	await diff("a.tape", "b.tape", { ignored: [] }).next();
	(await explain("a.tape", new URL("http://a.test/"), { ignoreParams: ["t"], order: "cycle" })) satisfies Explanation;
	await explain([], { method: "POST", url: "http://a.test/", headers: { accept: "*/*" }, body: new Uint8Array(1) });
	// @ts-expect-error a request has a URL
	await explain("a.tape", { method: "GET" });
	// @ts-expect-error the answer to a miss is not a matching option
	await explain("a.tape", "http://a.test/", { extra: 404 });
}

export async function clients(): Promise<void> {
	await using client = replayClient({
		from: "a.tape",
		to: "b.tape",
		server: "http://localhost:3000",
		concurrency: -1,
		speed: 2,
		answers: ["c.tape"],
	});
	client.on("egress", ({ destination }) => destination.length);
	for await (const one of client) {
		if (one.kind === "sent") one.differences.length satisfies number;
		// @ts-expect-error only a flow that was sent has a new one
		else one.flow;
	}
	(await client.close()) satisfies ReplayClientReport;
	// @ts-expect-error a source is needed
	replayClient({ to: "b.tape" });
	// @ts-expect-error a factor is a number here
	replayClient({ from: "a.tape", speed: "2x" });
	// @ts-expect-error names have no prefix here
	replayClient({ from: "a.tape", clientReplayConcurrency: 1 });
}

export async function commands(): Promise<void> {
	const { status, failures } = await run(["npm", "test"], {
		tape: "a.tape",
		env: process.env,
		recordMode: "new-episodes",
		failOn: ["egress"],
		stdio: "ignore",
	});
	status satisfies number;
	failures[0]?.kind satisfies "miss" | "unused" | "egress" | undefined;
	// @ts-expect-error the environment must be passed
	await run(["npm", "test"], { tape: "a.tape" });
	// @ts-expect-error a command is a list, because no shell splits it
	await run("npm test", { tape: "a.tape", env: {} });
	// @ts-expect-error there is no such mode
	await run(["npm", "test"], { tape: "a.tape", env: {}, recordMode: "twice" });
}

export const hook = defineHook({
	name: "mine",
	request: (flow, decision) => decision.abort(flow.request.path, "mine"),
});
export const format = defineFormat({ name: "mine", extensions: [".mine"], read: () => [] });
// @ts-expect-error a hook has a name
export const nameless = defineHook({ request() {} });

export function errors(error: unknown): string {
	if (FlowtapeError.is(error, "FT_BAD_FILTER")) return `column ${error.column}`;
	// @ts-expect-error there is no such code
	if (FlowtapeError.is(error, "FT_BAD")) return "";
	return exportFlow(error as never, "curl");
}
