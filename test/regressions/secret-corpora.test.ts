// How many secrets are found, and how often something harmless is taken for one: measured on generated corpora.
// docs/redaction.md has the figures; the comments of the test print them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { heldOutSamples } from "../../fixtures/held-out-vendors.ts";
import { issuerSamples } from "../../fixtures/issuer-samples.ts";
import { KEY, rulesOf } from "../../fixtures/redaction.ts";
import { placeNames, plantedFlows } from "../../fixtures/secret-corpus.ts";
import { harText, secretlint } from "../../fixtures/secretlint.ts";
import { toByteString } from "../../src/flow/bytes.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { Placeholders } from "../../src/redact/placeholders.ts";
import { type Finding, Scanner } from "../../src/redact/scanner.ts";
import { findInText } from "../../src/redact/text.ts";

const placeholders = new Placeholders(KEY);

function findingsIn(flow: Flow): Finding[] {
	const scanner = new Scanner({ rules: rulesOf(), placeholders });
	scanner.add(flow);
	return scanner.findings;
}

/** Whether a finding in a text is a token, holds it, or is most of it. */
function isFound(token: string, text: string): boolean {
	const bytes = Buffer.from(text);
	return findInText(bytes, { free: true }).some(({ from, to }) => {
		const value = bytes.toString("utf8", from, to);
		return value.includes(token) || (token.includes(value) && value.length >= 0.6 * token.length);
	});
}

function isFlagged(text: string): boolean {
	return findInText(Buffer.from(text), { free: true }).length > 0;
}

t.test("flows: every planted secret is found, and no other flow is flagged", async (t) => {
	const all = plantedFlows(2026);
	const planted = all.filter(({ secret }) => secret !== null);
	t.same([all.length, planted.length, placeNames.length], [2800, 800, 20]);
	const missed = planted.filter(({ flow, secret }) => {
		const wanted = placeholders.fingerprint(toByteString(secret ?? ""));
		return !findingsIn(flow).some(({ fingerprint }) => fingerprint === wanted);
	});
	const flagged = all
		.filter(({ secret }) => secret === null)
		.flatMap(({ flow, place }) => findingsIn(flow).map(({ rule, places }) => `${place}: ${rule} ${places[0]?.where}`));
	t.comment(`flows: found ${800 - missed.length} of 800 secrets; ${flagged.length} findings in 2000 flows without`);
	t.same(
		missed.map(({ place, secret }) => `${place}: ${secret}`),
		[],
	);
	t.same(flagged, []);
});

t.test("tokens of known issuers, in text", async (t) => {
	const all = Object.values(issuerSamples)
		.flat()
		.map((sample) => (typeof sample === "string" ? ["", sample] : sample));
	const found = all.filter(([before = "", token = "", after = ""]) =>
		isFound(token, `see ${before}${token}${after} there`),
	);
	t.comment(
		`known issuers: found ${found.length} of ${all.length} tokens of ${Object.keys(issuerSamples).length} formats`,
	);
	t.ok(found.length >= 0.95 * all.length, `${found.length} of ${all.length}`);
});

t.test("tokens of vendors for which no rule was made at first", async (t) => {
	const all = heldOutSamples(7, 10);
	const [used, alone] = [
		all.filter(({ token, used: [before, after] }) => isFound(token, before + token + after)),
		all.filter(({ token }) => isFound(token, `see ${token} there`)),
	];
	t.comment(
		`held-out vendors: found ${used.length} of ${all.length} tokens as they are used, ${alone.length} alone in text`,
	);
	t.ok(used.length >= 0.95 * all.length, `${used.length} of ${all.length}`);
});

t.test("scripts without secrets", async (t) => {
	let [size, found] = [0, 0];
	for (const name of (readdirSync("node_modules", { recursive: true }) as string[]).sort()) {
		if (!/\.[cm]?js$/.test(name)) continue;
		const bytes = readFileSync(join("node_modules", name));
		size += bytes.length;
		found += findInText(bytes, { free: true }).length;
	}
	t.comment(`scripts: ${found} findings in ${(size / 1e6).toFixed(0)} MB of node_modules`);
	t.ok(size > 5e6);
	t.ok(found <= size / 1e6, `${found} findings in ${size} bytes`);
});

t.test("what only secretlint finds", async (t) => {
	const flows = plantedFlows(2026).filter(({ secret }) => secret !== null);
	const tokens = Object.entries(issuerSamples).flatMap(([rule, samples]) =>
		samples.map((sample) => ({ rule, text: typeof sample === "string" ? sample : sample.join("") })),
	);
	const found = await secretlint([...flows.map(({ flow }) => harText(flow)), ...tokens.map(({ text }) => text)]);
	if (found === null) return t.comment("its packages are not installed");
	const isTheirs = (i: number) => found[i] === true;
	const only = [
		...flows.filter(({ flow }, i) => isTheirs(i) && findingsIn(flow).length === 0).map(({ place }) => place),
		...tokens.filter(({ text }, i) => isTheirs(flows.length + i) && !isFlagged(text)).map(({ rule }) => rule),
	];
	const [inFlows, inTokens] = [found.slice(0, flows.length), found.slice(flows.length)].map(
		(list) => list.filter(Boolean).length,
	);
	t.comment(
		`secretlint: ${inFlows} of ${flows.length} flows, ${inTokens} of ${tokens.length} tokens; found only by it: ${only.length}`,
	);
	t.ok((inTokens ?? 0) > 0, "it works");
	t.same(only, []);
});
