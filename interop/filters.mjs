// Compares filters with mitmproxy's. mitmproxy and the built command evaluate a few hundred expressions on a dump of
// all kinds of flows, and must select the same flows. Ends with `N passed, N failed`.
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { discard } from "../fixtures/make/discard.mjs";
import { findMitmproxy } from "./peers/mitmproxy.mjs";
import { flowtape } from "./peers/proxies.mjs";
import { expect, reportTally } from "./peers/tally.mjs";

const here = new URL(".", import.meta.url).pathname;
const script = join(here, "filters.py");

const plain = "all http websocket tcp udp dns q s e marked replay replayq replays a"
	.split(" ")
	.map((code) => `~${code}`);
const texts = {
	u: [
		"api",
		"^https",
		"v[12]",
		String.raw`\.png$`,
		String.raw`\?`,
		"8080",
		"named-1",
		"münchen",
		"xn--",
		"caf%C3",
		"a|needle",
		"(?-i:API)",
		"example$",
	],
	d: ["example", "^api", "localhost", "shop", "2001", String.raw`^\d+(?:\.\d+){3}$`, "m.nchen", "named"],
	m: ["get", "^p", "^GET$", "(?-i:get)", "OPT.*S"],
	src: [String.raw`10\.0\.0\.1`, ":4000[1-4]", "^::1:5", "127"],
	dst: ["443$", "shop", ":80$", String.raw`^\w+:`],
	h: ["^x-", "x-number: 1", "cookie", "zwölf", "nginx/1.2[0-3]", "^empty", String.raw`^server: \w+`, "^[^:]+: one"],
	hq: ["^cookie: sid=\\d+", "x-dup", "nginx"],
	hs: ["set-cookie", "^content-type: text", "x-number"],
	t: ["json", "^text/", "form", "^$", "PLAIN"],
	tq: ["form", "json"],
	ts: ["json", "charset=utf-8$", "image"],
	b: [
		"needle",
		"hello",
		"café",
		"caf[\\xe9]",
		"^$",
		"two.line",
		"[\\x00-\\x08]",
		"Needle$",
		"from",
		"server",
		"spf1",
		"alias",
		"0x000a",
		"\\x1f\\x8b",
		"STRASSE",
		"straße",
	],
	bq: ["needle", "hello", "client", "^line"],
	bs: ["needle", "hello", "server", "8\\.8"],
	marker: ["star", "^.$", "^$", "☃"],
	comment: ["^look", "^lines$", "ÜML", "^$", "🍇", "two.lines", "e$"],
	meta: ["user: bob", "^n: 1$", "True, None", "b'.x00", "1e.16", "it's", "-0.0001", "^$"],
};
const codes = ["200", "404", "500", "0200", "20", "999"].map((code) => `~c ${code}`);

/** A pattern as people write it: in quotes if the grammar requires them, with escaped backslashes. */
function quoted(text) {
	return /[\s()~'"]|^$/.test(text) ? `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"` : text;
}

const terms = [
	...plain,
	...codes,
	...Object.entries(texts).flatMap(([code, patterns]) => patterns.map((text) => `~${code} ${quoted(text)}`)),
];

const written = [
	"api",
	"needle | png",
	"api v1",
	"api & v1",
	"!api",
	"!!api",
	"a|b",
	"a& b",
	"a &b",
	"~u 'a'b",
	"foo'bar'",
	"''",
	'""',
	"!",
	"& ~q",
	"a & ",
	"~q |~s",
	"~d !foo",
	"(api)",
	"(api)&(v1)",
	"((api))",
	"( ~q )",
	"(~c 200)",
	"~c 200 | ~c 404 ~http",
	"~c 20x",
	"~c 2 0",
	"~u '\\.js$'",
	"~u '\\\\.js'",
	"~u \\.js",
	"~all",
	" ~all ",
	"~q\t& ~http",
	"~u a & ~m get | ~c 404",
	"~u a | ~m get & ~c 404",
	"~u a ~m get | ~c 404",
	"!~u a | ~q",
	"!(~u a | ~q )",
	"~b 'a\"b'",
	"~",
	"~~",
	"~x",
	"~Q",
	"~u",
	"~c",
	"~c x",
	"~c '200'",
	"~c -1",
	"(",
	")",
	"(api",
	"api)",
	"foo~bar",
	'foo"bar',
	"~u (a)",
	"'open",
	"~b (",
	"~h [",
	"*",
	"~b a**",
	"~qq",
	"~dfoo",
	"~u '(?P<x>e)x'",
	"~u '(.)(?P=1)'",
	"~b '(?i)NEEDLE'",
	"~b '(?x) need le'",
	"~u '(?=.*api)(?=.*v1)'",
	"~b '(l)\\\\1'",
	"~b '(?<=e)l'",
	"~b '(h)?ello(?(1) world|x)'",
	"~b '\\\\Ahello'",
	"~b 'three\\\\Z'",
	"~b 'three$'",
	"~b '(?m)^line two'",
	"~b 'l++'",
	"~b '(?>l+)l'",
	"~h '(?s)host.*cookie'",
	"~u '\\\\bv1\\\\b'",
	"~b '\\\\w+d$'",
];

/** Every term alone, negated, and combined with another one; the same combinations in each run. */
function expressions() {
	const joined = terms.flatMap((term, n) => {
		const other = terms[(n * 37 + 11) % terms.length];
		const third = terms[(n * 17 + 5) % terms.length];
		return [
			term,
			`!${term}`,
			[
				`${term} & ${other}`,
				`${term} | !${other}`,
				`( ${term} | ${other} ) & !( ${third} )`,
				`${term} ${other} | ${third}`,
			][n % 4],
		];
	});
	return [...new Set([...written, ...joined])];
}

async function selected(expression, dump) {
	try {
		const { stdout } = await promisify(execFile)(process.execPath, [flowtape, "filter", expression, dump, "--json"], {
			maxBuffer: 64 * 1024 * 1024,
		});
		return idsOf(stdout);
	} catch (error) {
		// status 1: no match; status 2: the expression is rejected
		return error.code === 1 ? idsOf(error.stdout) : error.code === 2 ? null : `status ${error.code}: ${error.stderr}`;
	}
}

function idsOf(lines) {
	return lines
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line).id);
}

function difference(wanted, found) {
	if (!Array.isArray(wanted) || !Array.isArray(found))
		return `mitmproxy: ${wanted === null ? "rejected" : "accepted"}, flowtape: ${found ?? "rejected"}`;
	const only = (some, others) => some.filter((id) => !others.includes(id)).join(" ") || "-";
	return `only mitmproxy: ${only(wanted, found)}; only flowtape: ${only(found, wanted)}`;
}

/** Evaluates every expression with both programs, and compares the selected flows. */
async function compare(python, dump) {
	execFileSync(python, [script, "make", dump], { stdio: "inherit" });
	const all = expressions();
	const wanted = JSON.parse(
		execFileSync(python, [script, "match", dump], { input: JSON.stringify(all), maxBuffer: 64 * 1024 * 1024 }),
	);
	const waiting = all.entries();
	const work = async () => {
		for (const [n, expression] of waiting) {
			const found = await selected(expression, dump);
			expect(expression, JSON.stringify(found) === JSON.stringify(wanted[n]), difference(wanted[n], found));
		}
	};
	await Promise.all([work(), work(), work()]);
}

const folder = mkdtempSync(join(tmpdir(), "flowtape-filters-"));
try {
	const python = findMitmproxy();
	if (python !== null) await compare(python, join(folder, "varied.mitm"));
	reportTally();
} finally {
	await discard(folder);
}
