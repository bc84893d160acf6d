// Runs the scenarios of a group through both sides, and reports their differences.
import { converse } from "./client.mjs";

const PROGRAMS = ["flowtape", "mitmdump"];
const TIMEOUT_MS = 20_000;

/** Reduces error pages of the proxies to their status: only their texts differ. */
function withoutPages(seen) {
	for (const [i, answer] of (seen.answers ?? []).entries()) {
		if (answer.body?.startsWith("flowtape: ") || /^<html>\s*<head>\s*<title>\d+ /.test(answer.body)) {
			seen.answers[i] = { page: answer.head.slice(0, "HTTP/1.1 400".length) };
		}
	}
	if (/^HTTP\/1\.1 [45]/.test(seen.connect ?? "")) seen.connect = seen.connect.slice(0, "HTTP/1.1 400".length);
	return seen;
}

/** Runs one scenario through one side. */
async function play(side, group, row) {
	const { origin, proxy, fill } = side;
	const isTls = row.isTls ?? group.isTls ?? false;
	const reverse = /^reverse:(\w+)/.exec(group.mode ?? "");
	const host = row.host ?? group.host ?? "localhost";
	const filledAsk = (ask) => ({
		...ask,
		fields: ask.fields?.map(([name, value]) => [name, fill(value)]),
		...(ask.path && { path: fill(ask.path) }),
		...(ask.bytes && { bytes: ask.bytes.replaceAll("{port}", origin.port) }),
	});
	origin.begin((row.answers ?? []).map((answer) => (typeof answer === "string" ? fill(answer) : answer)));
	const to =
		reverse !== null ? `localhost:${proxy.port}` : `${host}:${row.nowhere ? 9 : isTls ? origin.tls : origin.port}`;
	const mode = (group.mode ?? "regular").replace(/:.*/, "");
	const way = {
		mode,
		port: proxy.port,
		host,
		to,
		isTls,
		isTunnel: row.isTunnel ?? group.isTunnel,
		alpn: group.alpn,
		tls: row.tls,
		sni: row.sni,
	};
	const { seen, localPort } = await converse(
		{ ...way, connectFields: row.connectFields, login: row.login },
		{ ...row, asks: row.asks.map(filledAsk) },
	);
	if (row.talk) await origin.closed(TIMEOUT_MS);
	// a proxy that reuses connections opens fewer tunnels
	const received = row.isAboutTunnels
		? origin.received
		: origin.received.filter(({ head }) => !head?.startsWith("CONNECT "));
	return { localPort, client: withoutPages(seen), origin: received };
}

/** Runs all rows on both sides at the same time. Returns, for each row, what each side saw and recorded. */
export async function playGroup(sides, group) {
	const played = await Promise.all(
		sides.map(async (side) => {
			const results = [];
			for (const row of group.rows) results.push(await play(side, group, row));
			await side.stop();
			const flows = await side.recorded();
			return results.map(({ localPort, client, origin }) => {
				// each row has a connection of its own; clocks are no help here, because they may be adjusted meanwhile
				const recorded = flows.filter(({ clientPort }) => clientPort === localPort).sort((a, b) => a.at - b.at);
				return side.plain({ client, origin, flows: recorded.map(({ at, clientPort, ...flow }) => flow) });
			});
		}),
	);
	return group.rows.map((row, i) => ({
		row,
		seen: Object.fromEntries(PROGRAMS.map((program, side) => [program, played[side][i]])),
	}));
}

/**
 * Compares what the two sides saw. A row with a deliberate difference (`differs`) has the reason, and an assertion on
 * flowtape's side. If the sides agree in spite of `differs`, the mark is outdated, which is an error. The `aside` of a
 * group lists paths that are not compared, with reasons.
 */
export function judge(group, { row, seen: { flowtape, mitmdump } }) {
	if (flowtape.client.hangs) throw new Error("the client got no response from flowtape");
	const found = differences(flowtape, mitmdump).filter(
		({ path }) => !group.aside?.some(([pattern]) => pattern.test(path)),
	);
	if (row.differs === undefined) {
		if (found.length > 0) throw new Error(found.map(({ path, text }) => `${path}${text}`).join("\n"));
		return;
	}
	if (found.length === 0) throw new Error(`the programs no longer differ: ${row.differs.why}`);
	row.differs.own(flowtape, mitmdump);
}

/** Lists the paths at which two values differ, with both values. */
function differences(own, theirs, path = "") {
	// mitmproxy records no address if it did not connect, and uses the name of the server as the certificate's subject,
	// not the requested name
	if ((/^\.flows\.\d+\.address$/.test(path) && theirs === null) || path === ".client.tls.subject.CN") return [];
	const isTree = (value) => value !== null && typeof value === "object";
	if (!isTree(own) || !isTree(theirs))
		return own === theirs ? [] : [{ path, text: `\n\tflowtape ${shown(own)}\n\tmitmdump ${shown(theirs)}` }];
	const names = [...new Set([...Object.keys(own), ...Object.keys(theirs)])];
	return names.flatMap((name) => differences(own[name], theirs[name], `${path}.${name}`));
}

function shown(value) {
	const text = JSON.stringify(value) ?? "nothing";
	return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
