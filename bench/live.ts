// The live proxy with more than plain requests: the cost of features, TLS to the client, and large bodies.
import http from "node:http";
import { join } from "node:path";
import { type BenchOptions, type Finding, underLoad } from "./finding.ts";
import { compareUnderLoad, wrk } from "./load.ts";
import { node, type Run, recorder, withPeers } from "./peers.ts";
import { hasProgram, median, type Running } from "./processes.ts";

const features: Readonly<Record<string, readonly string[]>> = {
	"a header set": ["--modify-headers", "/x-bench/1"],
	"bodies searched and replaced": ["--modify-body", "/xyz/abc"],
	"a URL mapped": ["--map-remote", "|//nowhere.test/|//127.0.0.1/"],
	"a URL blocked": ["--block-list", "/~u nowhere/404"],
	"no caching, no compression": ["--anticache", "--anticomp"],
	"cookies that stick": ["--stickycookie", "."],
};

/** Large bodies: the size in MiB, and the number of bodies, one after the other. */
const large = {
	whole: [
		{ size: 64, count: 16 },
		{ size: 1024, count: 1 },
	],
	short: [{ size: 64, count: 1 }],
};

export async function live(options: BenchOptions): Promise<Finding[]> {
	return withPeers(options, async (run) => {
		const bodies = await largeBodies(options, run);
		if (!hasProgram("wrk")) return bodies;
		const origin = await run((port) => node("server.mjs", port));
		return [...(await costs(options, origin, run)), await tls(options, origin, run), ...bodies];
	});
}

/** CPU time with one feature enabled, relative to the proxy without features. */
async function costs(options: BenchOptions, origin: Running, run: Run): Promise<Finding[]> {
	const { folder } = options;
	const script = `wrk.path="http://127.0.0.1:${origin.port}/1k.txt"\nwrk.headers["Host"]="127.0.0.1:${origin.port}"\n`;
	const peers: Record<string, Running> = { plain: await run((port) => recorder(folder, port)) };
	for (const [name, args] of Object.entries(features))
		peers[name] = await run((port) => recorder(folder, port, ...args));
	const figures = await compareUnderLoad(peers, wrk(folder, script), options);
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

/** TLS between client and proxy, clear text between proxy and origin. */
async function tls(options: BenchOptions, origin: Running, run: Run): Promise<Finding> {
	const { folder } = options;
	const ours = await run((port) => recorder(folder, port, "--mode", `reverse:http://127.0.0.1:${origin.port}`));
	const theirs = await run((port) => node("tls-proxy.mjs", port, origin.port, join(folder, "home", "flowtape-ca.pem")));
	const peers = { flowtape: ours, "node:https": theirs };
	const figures = await compareUnderLoad(peers, wrk(folder, 'wrk.path="/1k.txt"\n', "https"), options);
	return underLoad("record, client by TLS", "node:https", "1", figures);
}

/** Large bodies through the proxies, one at a time. */
async function largeBodies({ folder, rounds }: BenchOptions, run: Run): Promise<Finding[]> {
	const origin = await run((port) => node("large.mjs", port));
	const peers = {
		ours: await run((port) => recorder(folder, port)),
		theirs: await run((port) => node("forward-proxy.mjs", port)),
	};
	const findings: Finding[] = [];
	for (const { size, count } of rounds === 1 ? large.short : large.whole) {
		const rates = { ours: [] as number[], theirs: [] as number[] };
		for (let round = 0; round < rounds * count; round++)
			for (const peer of ["ours", "theirs"] as const)
				rates[peer].push(size / (await fetched(peers[peer].port, `http://127.0.0.1:${origin.port}/${size}`)));
		const [ours, theirs] = [median(rates.ours), median(rates.theirs)];
		findings.push({
			name: `record, a body of ${size} MiB: flowtape / node:http`,
			ratio: ours / theirs,
			wanted: "at least 1",
			figures: `${ours.toFixed(0)} MiB/s, ${theirs.toFixed(0)} MiB/s`,
		});
	}
	return findings;
}

/** Fetches a URL through a proxy; resolves to the time in seconds. */
async function fetched(port: number, url: string): Promise<number> {
	const begin = performance.now();
	await new Promise<void>((resolve, reject) => {
		const request = http.get(
			{ host: "127.0.0.1", port, path: url, headers: { host: new URL(url).host } },
			(response) => {
				response.on("end", resolve).on("error", reject).resume();
			},
		);
		request.on("error", reject);
	});
	return (performance.now() - begin) / 1000;
}
