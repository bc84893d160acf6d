// Runs the scenarios of a group through both sides, and says where they differ.
import { converse } from "./client.mjs";

const PROGRAMS = ["flowtape", "mitmdump"];
/** Clocks tell milliseconds, not fractions. */
const SLACK_MS = 3;
const PATIENCE_MS = 20_000;

/** What is the same on both sides but for words: pages that the proxy itself answers with. */
function withoutPages(seen) {
	for (const [i, answer] of (seen.answers ?? []).entries()) {
		if (answer.body?.startsWith("flowtape: ") || /^<html>\s*<head>\s*<title>\d+ /.test(answer.body)) {
			seen.answers[i] = { page: answer.head.slice(0, "HTTP/1.1 400".length) };
		}
	}
	if (/^HTTP\/1\.1 [45]/.test(seen.connect ?? "")) seen.connect = seen.connect.slice(0, "HTTP/1.1 400".length);
	return seen;
}

/** One scenario through one side. */
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
	const at = Date.now();
	const to = reverse !== null ? `localhost:${proxy.port}` : `${host}:${row.nowhere ? 9 : isTls ? origin.tls : origin.port}`;
	const mode = (group.mode ?? "regular").replace(/:.*/, "");
	const way = { mode, port: proxy.port, host, to, isTls, isTunnel: row.isTunnel ?? group.isTunnel, alpn: group.alpn, tls: row.tls, sni: row.sni };
	const client = await converse({ ...way, connectFields: row.connectFields, login: row.login }, { ...row, asks: row.asks.map(filledAsk) });
	if (row.talk) await origin.closed(PATIENCE_MS);
	// whose connections are kept for others asks for fewer tunnels
	const received = row.isAboutTunnels ? origin.received : origin.received.filter(({ head }) => !head?.startsWith("CONNECT "));
	return { at, client: withoutPages(client), origin: received };
}

/** Plays all rows on both sides at once; per row what each side saw and recorded. */
export async function playGroup(sides, group) {
	const played = await Promise.all(
		sides.map(async (side) => {
			const results = [];
			for (const row of group.rows) {
				results.push(await play(side, group, row));
				await new Promise((resolve) => setTimeout(resolve, 2 * SLACK_MS));
			}
			await side.stop();
			const flows = await side.recorded();
			return results.map((result, i) => {
				const until = results[i + 1]?.at ?? Number.POSITIVE_INFINITY;
				const recorded = flows.filter(({ at }) => at >= result.at - SLACK_MS && at < until - SLACK_MS);
				return side.plain({ client: result.client, origin: result.origin, flows: recorded.sort((a, b) => a.at - b.at).map(({ at, ...flow }) => flow) });
			});
		}),
	);
	return group.rows.map((row, i) => ({ row, seen: Object.fromEntries(PROGRAMS.map((program, side) => [program, played[side][i]])) }));
}

/**
 * Holds what both saw against each other. A row that `differs` on purpose says why, and what flowtape's side has to be like; where the two agree after all
 * the mark is stale. What a group leaves `aside` is a place and a reason.
 */
export function judge(group, { row, seen: { flowtape, mitmdump } }) {
	if (flowtape.client.hangs) throw new Error("the client waited in vain for flowtape");
	const found = differences(flowtape, mitmdump).filter(({ path }) => !group.aside?.some(([pattern]) => pattern.test(path)));
	if (row.differs === undefined) {
		if (found.length > 0) throw new Error(found.map(({ path, text }) => `${path}${text}`).join("\n"));
		return;
	}
	if (found.length === 0) throw new Error(`they do not differ any more: ${row.differs.why}`);
	row.differs.own(flowtape, mitmdump);
}

/** Each place where two values differ, with what is there. */
function differences(own, theirs, path = "") {
	// mitmproxy has no address where it did not have to connect, and names a certificate after the server's instead of what was asked for
	if ((/^\.flows\.\d+\.address$/.test(path) && theirs === null) || path === ".client.tls.subject.CN") return [];
	const isTree = (value) => value !== null && typeof value === "object";
	if (!isTree(own) || !isTree(theirs)) return own === theirs ? [] : [{ path, text: `\n\tflowtape ${shown(own)}\n\tmitmdump ${shown(theirs)}` }];
	const names = [...new Set([...Object.keys(own), ...Object.keys(theirs)])];
	return names.flatMap((name) => differences(own[name], theirs[name], `${path}.${name}`));
}

function shown(value) {
	const text = JSON.stringify(value) ?? "nothing";
	return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
