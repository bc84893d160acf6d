// Finding secrets in bodies, compared with source code scanners: they search for each anchor alone, and then run its
// pattern over the whole text. Also false findings in scripts of packages, which have no secrets.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { RandomTokens } from "../fixtures/random-tokens.ts";
import { issuers } from "../src/redact/issuers.ts";
import { findInText } from "../src/redact/text.ts";
import type { BenchOptions, Finding } from "./finding.ts";
import { median } from "./processes.ts";

/** Bytes of a body. */
const BODY = 65_536;
const SCRIPTS = "node_modules";

export async function detect({ rounds, flows }: BenchOptions): Promise<Finding[]> {
	const json = apiBodies(Math.max(8, Math.round(flows / 200)));
	const scripts = scriptBodies(flows * 500);
	const rates = [
		{ name: "API JSON", bodies: json, find: (body: Buffer) => findInText(body) },
		{ name: "API JSON with names in text", bodies: json, find: (body: Buffer) => findInText(body, { free: true }) },
		{ name: "scripts with names in text", bodies: scripts, find: (body: Buffer) => findInText(body, { free: true }) },
	].map(({ name, bodies, find }) => {
		const ours = rate(rounds, bodies, find);
		const theirs = rate(rounds, bodies.slice(0, 1 + bodies.length / 8), searchEach);
		return {
			name: `detect, ${name}: flowtape / each anchor and pattern`,
			ratio: ours / theirs,
			wanted: "at least 5",
			figures: `${ours.toFixed(0)}, ${theirs.toFixed(0)} MB/s (wanted: 120)`,
		};
	});
	const found = scripts.reduce((count, body) => count + findInText(body, { free: true }).length, 0);
	const megabytes = sizeOf(scripts) / 1e6;
	return [
		...rates,
		{
			name: "detect: findings a MB of scripts without secrets",
			ratio: found / megabytes,
			wanted: "at most 1",
			figures: `${found} in ${megabytes.toFixed(0)} MB of ${SCRIPTS}`,
		},
	];
}

/** Megabytes searched for each second of CPU time; the median of the rounds. */
function rate(rounds: number, bodies: readonly Buffer[], find: (body: Buffer) => unknown): number {
	const round = () => {
		const start = process.cpuUsage();
		for (const body of bodies) find(body);
		const { user, system } = process.cpuUsage(start);
		return sizeOf(bodies) / Math.max(user + system, 1);
	};
	round();
	return median(Array.from({ length: rounds }, round));
}

const patterns = issuers.map(({ anchors, pattern }) => ({
	anchors,
	pattern: new RegExp(pattern.source, pattern.ignoreCase ? "gi" : "g"),
}));

function searchEach(body: Buffer): number {
	const text = body.latin1Slice();
	let count = 0;
	for (const { anchors, pattern } of patterns)
		if (anchors.some((anchor) => body.includes(anchor, 0, "latin1"))) count += [...text.matchAll(pattern)].length;
	return count;
}

/** Bodies of JSON as APIs answer: ids, digests, dates, URLs and words. None has a secret. */
function apiBodies(count: number): Buffer[] {
	const random = new RandomTokens(11);
	const words = Array.from({ length: 3000 }, () => random.text("lower", 2 + random.integer(9)));
	const text = (length: number) => Array.from({ length }, () => random.pick(words)).join(" ");
	const item = () => ({
		id: random.uuid(),
		created_at: new Date(1.6e12 + random.integer(1e11)).toISOString(),
		commit: random.text("hex", 40),
		integrity: `sha256-${random.text("base64", 43)}=`,
		name: text(2),
		url: `https://api.example.com/v1/${random.pick(words)}/${random.integer(1e6)}?page=${random.integer(50)}`,
		count: random.integer(1e6),
		token_type: "item",
		description: text(12),
		active: random.number() < 0.5,
	});
	return Array.from({ length: count }, () => {
		const items: string[] = [];
		for (let size = 0; size < BODY; size += items.at(-1)?.length ?? 0) items.push(JSON.stringify(item()));
		return Buffer.from(`[${items.join(",")}]`);
	});
}

/** The scripts of installed packages, up to a number of bytes. */
function scriptBodies(limit: number): Buffer[] {
	const bodies: Buffer[] = [];
	let size = 0;
	for (const name of (readdirSync(SCRIPTS, { recursive: true }) as string[]).sort()) {
		if (size >= limit || !/\.[cm]?js$/.test(name)) continue;
		const body = readFileSync(join(SCRIPTS, name));
		size += body.length;
		bodies.push(body);
	}
	return bodies;
}

function sizeOf(bodies: readonly Buffer[]): number {
	return bodies.reduce((size, body) => size + body.length, 0);
}
