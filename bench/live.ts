// The live proxy beyond plain requests: what features cost, TLS towards the client, and large bodies.
import http from "node:http";
import { join } from "node:path";
import type { BenchOptions, Finding } from "./finding.ts";
import { underLoad } from "./finding.ts";
import { compareUnderLoad } from "./load.ts";
import { flowtape, freePort, hasProgram, median, type Running, start } from "./processes.ts";

const features: Readonly<Record<string, readonly string[]>> = {
	"a header set": ["--modify-headers", "/x-bench/1"],
	"bodies searched and replaced": ["--modify-body", "/xyz/abc"],
	"a URL mapped": ["--map-remote", "|//nowhere.test/|//127.0.0.1/"],
	"a URL blocked": ["--block-list", "/~u nowhere/404"],
	"no caching, no compression": ["--anticache", "--anticomp"],
	"cookies that stick": ["--stickycookie", "."],
};

/** MiB of a large body. */
const LARGE = { whole: 1024, short: 64 };

export async function live(options: BenchOptions): Promise<Finding[]> {
	const running: Running[] = [];
	const run = async (command: (port: number) => readonly string[]): Promise<Running> => {
		const port = await freePort();
		const process = await start(command(port), port, { FLOWTAPE_HOME: join(options.folder, "home") });
		running.push(process);
		return process;
	};
	try {
		const large = await largeBodies(options, run);
		if (!hasProgram("wrk")) return large;
		const origin = await run((port) => node("server.mjs", port));
		return [...(await costs(options, origin, run)), await tls(options, origin, run), ...large];
	} finally {
		for (const process of running.reverse()) await process.stop();
	}
}

type Run = (command: (port: number) => readonly string[]) => Promise<Running>;

function node(yardstick: string, ...args: readonly (string | number)[]): string[] {
	return [process.execPath, `bench/yardsticks/${yardstick}`, ...args.map(String)];
}

function proxy(folder: string, port: number, ...args: readonly string[]): string[] {
	return [...flowtape, "record", join(folder, `${port}.tape`), "-q", "-p", String(port), ...args];
}

/** Each feature switched on alone, against the proxy without any. */
async function costs({ folder, rounds, seconds }: BenchOptions, origin: Running, run: Run): Promise<Finding[]> {
	const script = `wrk.path="http://127.0.0.1:${origin.port}/1k.txt"\nwrk.headers["Host"]="127.0.0.1:${origin.port}"\n`;
	const peers: Record<string, Running> = { plain: await run((port) => proxy(folder, port)) };
	for (const [name, args] of Object.entries(features)) peers[name] = await run((port) => proxy(folder, port, ...args));
	const figures = compareUnderLoad(peers, { script, folder, rounds, seconds });
	const plain = figures.plain?.cpuMicros ?? Number.NaN;
	return Object.keys(features).map((name) => {
		const { cpuMicros = Number.NaN, rate = 0 } = figures[name] ?? {};
		return {
			name: `CPU with ${name} / without`,
			ratio: cpuMicros / plain,
			wanted: "at most 1.3",
			figures: `${rate.toFixed(0)}/s, ${cpuMicros.toFixed(0)} µs, ${plain.toFixed(0)} µs`,
		};
	});
}

/** The client speaks TLS, the origin does not. */
async function tls({ folder, rounds, seconds }: BenchOptions, origin: Running, run: Run): Promise<Finding> {
	const ours = await run((port) => proxy(folder, port, "--mode", `reverse:http://127.0.0.1:${origin.port}`));
	const theirs = await run((port) => node("tls-proxy.mjs", port, origin.port, join(folder, "home", "flowtape-ca.pem")));
	const peers = { flowtape: ours, "node:https": theirs };
	const figures = compareUnderLoad(peers, { script: 'wrk.path="/1k.txt"\n', folder, rounds, seconds, scheme: "https" });
	return underLoad("record, client by TLS", "node:https", "1", figures);
}

/** One large body at a time through the proxies. */
async function largeBodies({ folder, rounds }: BenchOptions, run: Run): Promise<Finding[]> {
	const size = rounds === 1 ? LARGE.short : LARGE.whole;
	const origin = await run((port) => node("large.mjs", port));
	const peers = { ours: await run((port) => proxy(folder, port)), theirs: await run((port) => node("forward-proxy.mjs", port)) };
	const rates = { ours: [] as number[], theirs: [] as number[] };
	for (let round = 0; round < rounds; round++)
		for (const peer of ["ours", "theirs"] as const) rates[peer].push(size / (await fetched(peers[peer].port, `http://127.0.0.1:${origin.port}/${size}`)));
	const [ours, theirs] = [median(rates.ours), median(rates.theirs)];
	return [
		{
			name: `record, a body of ${size} MiB: flowtape / node:http`,
			ratio: ours / theirs,
			wanted: "at least 1",
			figures: `${ours.toFixed(0)} MiB/s, ${theirs.toFixed(0)} MiB/s`,
		},
	];
}

/** Seconds to fetch a URL through a proxy. */
async function fetched(port: number, url: string): Promise<number> {
	const begin = performance.now();
	await new Promise<void>((resolve, reject) => {
		const request = http.get({ host: "127.0.0.1", port, path: url, headers: { host: new URL(url).host } }, (response) => {
			response.on("end", resolve).on("error", reject).resume();
		});
		request.on("error", reject);
	});
	return (performance.now() - begin) / 1000;
}
