// Runs every exported command in the installed shells, against a server that stores the bytes that it receives.
import { execFile, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import t, { type Test } from "tap";
import { httpRequest } from "../../fixtures/build-flow.ts";
import { type RawServer, startRawServer } from "../../fixtures/raw-server.ts";
import { curlCommand } from "../../src/export/curl.ts";
import { fetchCall } from "../../src/export/fetch.ts";
import { httpieCommand } from "../../src/export/httpie.ts";
import type { Request } from "../../src/flow/message.ts";

t.setTimeout(300_000);

const isThere = (program: string): boolean =>
	spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;
const shells = ["bash", "dash", "zsh", "busybox"].filter(isThere);

const run = promisify(execFile);

/** Runs a script as users do, in a folder for each shell. */
async function runScript(t: Test, shell: string, script: string): Promise<void> {
	const file = join(t.testdir(), "command.sh");
	writeFileSync(file, script, "latin1");
	const [program, ...args] = shell === "busybox" ? ["busybox", "sh", file] : [shell, file];
	const env = { ...process.env, NO_PROXY: "*", HOME: t.testdirName, LC_ALL: "C.UTF-8" };
	const { stderr } = await run(program as string, args, {
		env,
		cwd: t.testdirName,
		maxBuffer: 64 * 1024 * 1024,
		encoding: "latin1",
	});
	t.notMatch(stderr, /not found|invalid|illegal|syntax|error/i, `${shell} says nothing`);
}

interface Sent {
	line: string;
	fields: (readonly [name: string, value: string])[];
	body: string;
}

function read(bytes: string): Sent {
	const end = bytes.indexOf("\r\n\r\n");
	const [line = "", ...lines] = bytes.slice(0, end).split("\r\n");
	const fields = lines.map(
		(field) => [field.slice(0, field.indexOf(":")), field.slice(field.indexOf(":") + 1).replace(/^ /, "")] as const,
	);
	const rest = bytes.slice(end + 4);
	const isChunked = fields.some(([name]) => name.toLowerCase() === "transfer-encoding");
	return { line, fields, body: isChunked ? dechunked(rest) : rest };
}

function dechunked(text: string): string {
	let [body, at] = ["", 0];
	for (;;) {
		const end = text.indexOf("\r\n", at);
		const size = Number.parseInt(text.slice(at, end), 16);
		if (size === 0) return body;
		body += text.slice(end + 2, end + 2 + size);
		at = end + 4 + size;
	}
}

/** The request that the server must receive, without hop-by-hop headers. */
function wanted({ headers, rawContent, method, path }: Request): Sent {
	const fields: [string, string][] = [];
	for (let i = 0; i < headers.fields.length; i += 2) {
		const [name, value] = [headers.fields[i] as string, headers.fields[i + 1] as string];
		if (
			/^(?:host|content-length|transfer-encoding|connection|keep-alive|te|upgrade|proxy-connection|x-hop)$/i.test(name)
		)
			continue;
		fields.push([name, value]);
	}
	return { line: `${method} ${path.replace(/#.*$/s, "")} HTTP/1.1`, fields, body: rawContent?.latin1Slice() ?? "" };
}

const hostOf = ({ fields }: Sent) => fields.filter(([name]) => name.toLowerCase() === "host").map(([, value]) => value);
const withoutFraming = (sent: Sent) =>
	sent.fields.filter(([name]) => !/^(?:host|content-length|transfer-encoding)$/i.test(name));

/** Latin-1: bytes. */
const BODIES: readonly (string | Buffer)[] = [
	'--XX\r\nContent-Disposition: form-data; name="f"\r\n\r\nv\r\n--XX--\r\n',
	"-n foo\r\n",
	"--\0\x01",
	"-%s%n\0",
	"-1",
	"-v x\r\n",
	"-",
	"--",
	"-e a\\nb",
	"=x",
	"=ls",
	"==",
	"@/etc/passwd",
	"<in",
	"&",
	"a=b&c=d",
	"",
	"\0",
	"\0\0x",
	"text\n",
	"text\n\n\n",
	"\n",
	"\r\n",
	" ",
	"100% \\n \\\\ %s %%",
	"'",
	"it's",
	"'''",
	"!",
	"!! !x",
	"$HOME `id` $(id)",
	"\\",
	"\\\n",
	"*",
	"~",
	"#",
	"{a,b}",
	"\t",
	"é ü 漢 🎉",
	"\u009b31m\u202eabc",
	"\x1b]0;title\x07",
	"EOF\n",
	"\u2028",
	Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
	Buffer.from([0xff, 0xfe]),
	Buffer.from("-\xff", "latin1"),
	`-----BEGIN CERTIFICATE-----\n${"MIIB".repeat(17_000)}\n`,
	"x".repeat(70_000),
	"-é".repeat(40_000),
	Buffer.alloc(3_000_000, "\0\x01%'-=\n\\\xff", "latin1"),
];

const VALUES = [
	"",
	" ",
	"a;b",
	";",
	"@/etc/passwd",
	"=x",
	'it\'s "so"',
	"$HOME `id` !x",
	"\\",
	"-x",
	"100% \\n",
	"é",
	"{a,b}",
	"a\tb",
	"~",
	"*",
	"x;",
	"#",
	"a: b",
	"a:=b",
	"a==b",
];
const NAMES = [
	"X-A",
	"x-b",
	"-o",
	"--output",
	"-H",
	"X-A",
	"!",
	"#x",
	"$a",
	"x'y",
	"x`id`",
	"a|b",
	"~",
	"*",
	"x%s",
	"User-Agent",
	"Accept",
	"Content-Type",
	"Accept-Encoding",
	"Cookie",
];
const PATHS = [
	"/",
	"/a?b=c",
	"/a[1-3]{x,y}",
	"/a?x[]=1&y={z}",
	"/a/../b",
	"/a/./b",
	"/%2e%2E/x",
	"/a?",
	"/?",
	"/a//b",
	"//a",
	"/a?x=1#frag",
	"/app.js#v2",
	"/a%23b",
	"/~a",
	"/%7Ea",
	"/it's",
	"/a?q=it's|<>\"^`\\",
	"/a;b=c",
	"/a?b?c",
	"/a\\b",
	"/@a",
	"/:a",
	"/a?=",
	"/$HOME/`id`",
	"/!x",
	"/a?../b",
	"/.",
	"/..",
	"/-x",
	"/a?u=http://b/c",
];

const request = (port: number, parts: Parameters<typeof httpRequest>[0]): Request => {
	const headers = (parts?.headers ?? []) as readonly (readonly [string, string])[];
	return httpRequest({ host: "127.0.0.1", port, ...parts, headers: [["Host", `127.0.0.1:${port}`], ...headers] });
};

function requests(port: number): Request[] {
	const post = (body: string | Buffer, ...headers: [string, string][]) =>
		request(port, { method: "POST", headers, body });
	return [
		...BODIES.map((body) => post(body, ["Content-Type", "multipart/form-data; boundary=XX"], ["Content-Length", "1"])),
		...BODIES.slice(0, 12).map((body) => post(body)),
		...VALUES.map((value) =>
			request(port, {
				headers: [
					["X-A", value],
					["X-Last", "1"],
				],
			}),
		),
		...NAMES.map((name) =>
			request(port, {
				headers: [
					[name, "1"],
					["X-A", "2"],
					[name, "3"],
				],
			}),
		),
		...PATHS.map((path) => request(port, { path })),
		...[
			"get",
			"PUT",
			"PATCH",
			"DELETE",
			"OPTIONS",
			"M-SEARCH",
			"-GET",
			"--output",
			"X!",
			"it's",
			"`id`",
			"$HOME",
			"*",
		].map((method) => request(port, { method })),
		...["-d", "--data"].map((method) => request(port, { method, body: "x" })),
		post("chunked", ["Transfer-Encoding", "chunked"]),
		request(port, { method: "POST", headers: [["Transfer-Encoding", "chunked"]] }),
		request(port, {
			headers: [
				["Connection", "keep-alive, X-Hop"],
				["X-Hop", "1"],
				["Keep-Alive", "timeout=5"],
				["Proxy-Connection", "keep-alive"],
				["TE", "trailers"],
				["Upgrade", "h2c"],
				["X-End", "2"],
			],
		}),
		request(port, { httpVersion: "HTTP/2.0" }),
	];
}

/** Runs all commands in one script. */
async function sent(t: Test, shell: string, commands: readonly string[]): Promise<Sent[]> {
	const server = serverOf.get(t) as RawServer;
	const from = server.requests.length;
	await runScript(t, shell, commands.join(""));
	return server.requests.slice(from).map(read);
}

const serverOf = new WeakMap<Test, RawServer>();

async function serve(t: Test): Promise<RawServer> {
	const server = await startRawServer();
	t.teardown(() => server.close());
	serverOf.set(t, server);
	return server;
}

const isNamed = (name: string, { fields }: Sent): boolean =>
	fields.some(([field]) => field.toLowerCase() === name.toLowerCase());

t.test(
	"curl sends the recorded request, from every shell",
	{ skip: isThere("curl") ? false : "curl is not installed" },
	async (t) => {
		const { port } = await serve(t);
		const all = [...requests(port), ...fc.sample(anyRequest(port), 150)];
		for (const shell of shells) {
			const commands = all.map((each) => curlCommand(each));
			const arrived = await sent(t, shell, commands);
			t.equal(arrived.length, all.length, `${shell}: as many as were exported`);
			for (const [i, each] of all.entries()) {
				const [is, should] = [arrived[i] as Sent, wanted(each)];
				const what = `${shell}: ${commands[i]?.slice(0, 300)}`;
				if (is.line !== should.line || is.body !== should.body)
					t.same({ ...is, fields: [] }, { ...should, fields: [] }, what);
				t.same(hostOf(is), [`127.0.0.1:${port}`], what);
				t.same(
					withoutFraming(is),
					should.fields.map(([name, value]) => [name, /^[\t ]*$/.test(value) ? "" : value]),
					what,
				);
			}
		}
	},
);

t.test(
	"HTTPie sends the recorded request",
	{ skip: isThere("http") ? false : "HTTPie is not installed" },
	async (t) => {
		const { port } = await serve(t);
		// each takes most of a second
		const sayable = [
			...["--XX\r\n", "-1", "=x", "@/etc/passwd", "\0\xff%\\'\n", "!", "x".repeat(200_000)].map((body) =>
				request(port, { method: "POST", body: Buffer.from(body, "latin1") }),
			),
			...["-o", "--output", "X'Y", "`id`"].map((name) =>
				request(port, {
					headers: [
						[name, "1"],
						["X-A", "2"],
						[name, "3"],
					],
				}),
			),
			...["", "@/etc/passwd", "=x", "a:=b", "\\x", " $HOME "].map((value) =>
				request(port, { headers: [["X-A", value]] }),
			),
			...["/a?x=1#frag", "/a/../b", "/%7Ea", "/a?x[]=1&y={z}", "/$HOME/`id`", "/it's", "/a%2Fb", "/a%2fb", "/p?"].map(
				(path) => request(port, { path }),
			),
			request(port, { method: "POST", headers: [["Transfer-Encoding", "chunked"]], body: "chunked" }),
		];
		for (const [i, shell] of shells.entries()) {
			const all = sayable.filter((_, n) => n % shells.length === i);
			const notesOf = all.map((): string[] => []);
			const commands = all.map((each, n) => httpieCommand(each, (note) => notesOf[n]?.push(note)));
			const arrived = await sent(t, shell, commands);
			t.equal(arrived.length, all.length, `${shell}: as many as were exported`);
			for (const [n, each] of all.entries()) {
				const notes = notesOf[n] ?? [];
				const [is, should] = [arrived[n] as Sent, wanted(each)];
				const what = `${shell}: ${commands[n]?.slice(0, 300)}`;
				if (is.body !== should.body) t.same({ ...is, fields: [] }, { ...should, fields: [] }, what);
				const isKept = !notes.some((note) => /path|query/.test(note));
				if (isKept) t.equal(is.line, should.line, what);
				else t.equal(decodeURI(is.line).replace("%2F", "%2f").replace("/p ", "/p? "), decodeURI(should.line), what);
				t.same(hostOf(is), [`127.0.0.1:${port}`], what);
				t.same(
					sorted(withoutFraming(is).filter(([name]) => !ofUrllib3.test(name) || isNamed(name, should))),
					sorted(should.fields.map(([name, value]) => [name, value.trim()])),
					what,
				);
			}
		}
	},
);

/** Headers that HTTPie's library always sends. */
const ofUrllib3 = /^(?:user-agent|accept-encoding)$/i;

const sorted = (fields: readonly (readonly [string, string])[]) =>
	fields.map(([name, value]) => `${name.toLowerCase()}: ${value}`).sort();

t.test("fetch sends the recorded request", async (t) => {
	const server = await serve(t);
	const all = requests(server.port).filter(
		({ method, body, path }) =>
			!/^(?:get|\*)$/.test(method) &&
			!(method === "GET" && (body as Buffer).length > 0) &&
			!/\/\.|%2e|\\|\?$|^\/\//i.test(path),
	);
	for (const each of all) {
		const code = fetchCall(each);
		await (new AsyncFunction(code)() as Promise<unknown>).catch((error: unknown) =>
			t.fail(`${code.slice(0, 300)}: ${error} ${(error as Error).cause}`),
		);
		const is = read(server.requests.at(-1) as string);
		const should = wanted(each);
		if (is.body !== should.body) t.equal(is.body, should.body, code.slice(0, 300));
		t.equal(decodeURI(is.line.replaceAll("%27", "'")), decodeURI(should.line), code);
		for (const [name] of should.fields) t.ok(isNamed(name, is), `${name} of ${code.slice(0, 300)}`);
	}
});

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (code: string) => () => Promise<void>;

/** A request with characters that are special to shells, curl and HTTP. */
function anyRequest(port: number): fc.Arbitrary<Request> {
	const char = fc.oneof(
		fc.constantFrom(..."'\"\\!$`%-=@<>&|;~*?[]{}()#^ \t\n\r\0aé"),
		fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)),
	);
	const text = fc.array(char, { maxLength: 12 }).map((chars) => Buffer.from(chars.join(""), "latin1"));
	const token = fc.string({ unit: fc.constantFrom(..."abXY-!#$%&'*+.^_`|~09"), minLength: 1, maxLength: 8 });
	const value = text.map((bytes) =>
		bytes
			.latin1Slice()
			.replace(/[^ -~\t]/g, "x")
			.trim(),
	);
	const path = text.map((bytes) => `/${bytes.latin1Slice().replace(/[^!-~]/g, "x")}`);
	return fc
		.record({
			method: token,
			path,
			body: text,
			headers: fc.array(
				fc.tuple(
					token.map((name) => `x${name}`),
					value,
				),
				{ maxLength: 4 },
			),
		})
		.map(({ headers, ...parts }) => request(port, { ...parts, headers }));
}
