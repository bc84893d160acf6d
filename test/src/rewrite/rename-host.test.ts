// Renames hosts in all parts of a flow.
import { gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import { httpFlow, httpRequest, httpResponse, websocketFlow } from "../../../fixtures/build-flow.ts";
import { large } from "../../../fixtures/large.ts";
import type { BodySource } from "../../../src/flow/body.ts";
import { HostRenaming } from "../../../src/rewrite/rename-host.ts";

const fail = (error: Error) => {
	throw error;
};
const renaming = new HostRenaming(["api.example.com=staging.test"]);

/** The text of a body after renaming. */
function renamed(body: string, with_ = renaming, type = "text/plain"): string | undefined {
	const response = httpResponse({ headers: [["Content-Type", type]], body });
	with_.apply([response], null, fail);
	return response.rawContent?.toString();
}

t.test("only whole names, in any context", async (t) => {
	for (const text of [
		"https://#/x",
		"http://#:8443/x",
		"//#",
		"#",
		'"#"',
		"user@#",
		"see #.",
		"see #, or",
		"(#)",
		"domain=.#;",
		"https:\\/\\/#\\/x",
		"https%3A%2F%2F#%2Fx",
		"https%253A%252F%252F#%252Fx",
		"https:\\u002F\\u002F#\\u002Fx",
		"url=#&b",
		"#\n#",
	])
		t.equal(renamed(text.replaceAll("#", "api.example.com")), text.replaceAll("#", "staging.test"), text);
	for (const text of [
		"xapi.example.com",
		"xapi.example.com.evil",
		"api.example.com.evil",
		"my.api.example.com",
		"my-api.example.com",
		"api.example.community",
		"api.example.com-old",
		"*.api.example.com",
		"api.example.com%2eevil",
		"apixexample.com",
		"éapi.example.com",
		"_api.example.com",
	])
		t.equal(renamed(text), text);
	t.equal(renamed("API.Example.COM"), "staging.test", "in any case");
});

t.test("URL, Host, authority, headers and cookie domains; ports stay", async (t) => {
	const flow = httpFlow({
		request: {
			scheme: "https",
			host: "API.example.com",
			port: 8443,
			path: "/login?to=https%3A%2F%2Fapi.example.com%2Fhome&x=xapi.example.com",
			authority: "api.example.com:8443",
			headers: [
				["Host", "api.example.com:8443"],
				["Origin", "https://api.example.com:8443"],
				["Referer", "https://api.example.com/a"],
				["Cookie", "at=api.example.com"],
				["Authorization", "Basic api.example.com"],
			],
		},
		response: {
			statusCode: 302,
			headers: [
				["Location", "https://api.example.com:8443/next"],
				["Set-Cookie", "a=api.example.com; Domain=.api.example.com; Path=/"],
				["Set-Cookie", "b=1; path=/; domain=api.example.com"],
				["Set-Cookie", "c=1; Domain=example.com"],
				["Content-Security-Policy", "default-src https://api.example.com https://*.api.example.com"],
			],
			body: "",
		},
	});
	t.same(renaming.apply([flow.request, flow.response], null, fail), ["rename-host api.example.com=staging.test"]);
	t.match(flow.request, {
		host: "staging.test",
		port: 8443,
		authority: "staging.test:8443",
		path: "/login?to=https%3A%2F%2Fstaging.test%2Fhome&x=xapi.example.com",
		url: "https://staging.test:8443/login?to=https%3A%2F%2Fstaging.test%2Fhome&x=xapi.example.com",
	});
	t.same(
		[...flow.request.headers].map(([, value]) => value),
		[
			"staging.test:8443",
			"https://staging.test:8443",
			"https://staging.test/a",
			"at=api.example.com",
			"Basic api.example.com",
		],
	);
	t.same(
		[...(flow.response?.headers ?? [])].map(([, value]) => value),
		[
			"https://staging.test:8443/next",
			"a=api.example.com; Domain=.staging.test; Path=/",
			"b=1; path=/; domain=staging.test",
			"c=1; Domain=example.com",
			"default-src https://staging.test https://*.api.example.com",
		],
	);
	t.same(renaming.apply([flow.request, flow.response], null, fail), [], "once is enough");
});

t.test("absolute names, which end with a dot", async (t) => {
	const flow = httpFlow({
		request: {
			host: "api.example.com.",
			authority: "API.example.com.:8443",
			headers: [
				["Host", "api.example.com.:8443"],
				["Referer", "http://api.example.com./a"],
			],
		},
		response: { headers: [["Set-Cookie", "a=1; Domain=api.example.com."]] },
	});
	t.same(renaming.apply([flow.request, flow.response], null, fail), ["rename-host api.example.com=staging.test"]);
	t.match(flow.request, { host: "staging.test.", authority: "staging.test.:8443" });
	t.same(
		[...flow.request.headers, ...(flow.response?.headers ?? [])].map(([, value]) => value),
		["staging.test.:8443", "http://staging.test./a", "a=1; Domain=staging.test."],
	);
	const other = httpFlow({ request: { host: "api.example.com.evil.", headers: [] } });
	t.same(renaming.apply([other.request], null, fail), []);
});

t.test("text bodies, also coded ones, with correct lengths; other bodies are not read", async (t) => {
	const body = gzipSync('{"next":"https:\\/\\/api.example.com\\/2"}');
	const response = httpResponse({
		headers: [
			["Content-Type", "application/json"],
			["Content-Encoding", "gzip"],
			["Content-Length", String(body.length)],
		],
		body,
	});
	renaming.apply([response], null, fail);
	t.equal(gunzipSync(response.rawContent ?? "").toString(), '{"next":"https:\\/\\/staging.test\\/2"}');
	t.equal(response.headers.get("content-length"), String(response.bodySize));
	const image = httpResponse({ headers: [["Content-Type", "image/png"]] });
	image.body = {
		size: 1,
		read(): Buffer {
			throw new Error("read");
		},
		chunks: () => [],
	};
	t.same(renaming.apply([image], null, fail), []);
	const unknown = (content: Buffer) => httpRequest({ headers: [], body: content });
	t.equal(renaming.apply([unknown(Buffer.from("//api.example.com"))], null, fail).length, 1);
	t.equal(renaming.apply([unknown(Buffer.from("\0//api.example.com"))], null, fail).length, 0);
	t.equal(renaming.apply([unknown(Buffer.from("\xff//api.example.com", "latin1"))], null, fail).length, 0);
	t.equal(renamed("caf\u00e9 https://api.example.com \u8a2a"), "caf\u00e9 https://staging.test \u8a2a");
	const errors: string[] = [];
	const broken = httpResponse({
		headers: [
			["Content-Encoding", "gzip"],
			["Content-Type", "text/css"],
		],
		body: "x",
	});
	renaming.apply([broken, null], null, (error) => errors.push(error.code));
	t.same(errors, ["FT_BAD_BODY"]);
});

t.test("large bodies give the same results as small ones", async (t) => {
	const rules = new HostRenaming([
		"api.example.com=staging.test",
		"a.test=a-much-longer-name.test",
		"localhost=b.test",
	]);
	const words = [
		"api.example.com",
		"https%25253A%25252F%25252Fapi.example.com%25252Fx",
		"//localhost:80/",
		"run localhost",
		"*.api.example.com",
		".a.test",
		"xa.test",
		"a.test.evil",
		"a.test%2eevil",
		"a.test/a.test",
		"\u00e9",
		"x".repeat(50),
	];
	let seed = 7;
	const next = () => {
		seed = (seed * 48271) % 2147483647;
		return words[seed % words.length] as string;
	};
	const lines = Array.from({ length: 40_000 }, next);
	const expected = new Map(words.map((word) => [word, renamed(word, rules)]));
	const whole = renamed(lines.join("\n"), rules);
	t.ok(whole === lines.map((word) => expected.get(word)).join("\n"));
	t.equal(renamed("x".repeat(200_000), rules), "x".repeat(200_000));
	const late = `${"x ".repeat(200_000)}a.test`;
	t.ok(renamed(late, rules) === late.replace("a.test", "a-much-longer-name.test"));
	const joined = "a.test/".repeat(40_000);
	t.ok(renamed(joined, rules) === joined.replaceAll("a.test", "a-much-longer-name.test"));
});

t.test("bodies that are or would become too large stay as they are", async (t) => {
	const errors: string[] = [];
	const note = ({ message }: Error) => errors.push(message);
	const body = {
		size: 600 * 1024 * 1024,
		read(): Buffer {
			throw new Error("read");
		},
		chunks: () => [],
	};
	const large = httpResponse({ headers: [["Content-Type", "text/plain"]], body });
	renaming.apply([large], null, note);
	t.equal(large.body, body);
	const short = new HostRenaming(["a.test=a-much-longer-name.test"]);
	const text = "a.test ".repeat(100);
	const coded = (decodedLimit: number) =>
		httpResponse({
			headers: [
				["Content-Type", "text/plain"],
				["Content-Encoding", "gzip"],
			],
			body: gzipSync(text),
			decodedLimit,
		});
	const [tight, wide] = [coded(1000), coded(5000)];
	short.apply([tight, wide], null, note);
	t.equal(tight.content?.toString(), text);
	t.equal(wide.content?.toString(), text.replaceAll("a.test", "a-much-longer-name.test"));
	t.same(errors, [
		"it has 629145600 bytes, too many to search",
		"with the new names it would have more than 1000 bytes",
	]);
});

/** A body that is only read in pieces, each with odd borders. */
function inPieces(bytes: Buffer): BodySource {
	const read = (): Buffer => {
		throw new Error("read as a whole");
	};
	const chunks = function* (): Generator<Buffer> {
		for (let at = 0; at < bytes.length; at += 99_991) yield bytes.subarray(at, at + 99_991);
	};
	return { size: bytes.length, read, chunks };
}

t.test("large bodies are read and written in pieces", large, async (t) => {
	const long = new HostRenaming(["a.test=a-much-longer-name.test"]);
	const text = `${"x".repeat(300_000)} http://a.test/ xa.test `.repeat(30);
	const response = (text: string | Buffer, ...type: [name: string, value: string][]) =>
		httpResponse({ headers: type, body: inPieces(Buffer.from(text)) });
	const changed = response(text, ["Content-Type", "text/plain"], ["Content-Length", "1"]);
	const expected = Buffer.from(text.replaceAll("/a.test", "/a-much-longer-name.test"));
	t.same(long.apply([changed], null, fail), ["rename-host a.test=a-much-longer-name.test"]);
	t.notOk(Buffer.isBuffer(changed.body));
	t.ok(changed.rawContent?.equals(expected));
	t.equal(changed.headers.get("content-length"), String(expected.length));
	const untyped = response(text);
	long.apply([untyped], null, fail);
	t.ok(untyped.rawContent?.equals(expected));
	for (const same of [
		response(text.replaceAll("/a.test", "/b.test"), ["Content-Type", "text/plain"]),
		response(Buffer.concat([Buffer.from(text), Buffer.of(0)])),
		response(Buffer.concat([Buffer.from(text), Buffer.of(0xff)])),
	]) {
		const { body } = same;
		long.apply([same], null, fail);
		t.equal(same.body, body);
	}
});

t.test("text messages of WebSockets, but not binary ones", async (t) => {
	const content = Buffer.from("//api.example.com");
	const flow = websocketFlow({ messages: [{ content }, { opcode: 2, content }] });
	renaming.apply([], flow.websocket, fail);
	t.same(
		flow.websocket?.messages.map((message) => message.content.toString()),
		["//staging.test", "//api.example.com"],
	);
});

t.test("several rules do not apply one after another; names without a dot are renamed only in URLs", async (t) => {
	const swap = new HostRenaming(["a.test=b.test", "b.test=a.test", "localhost=web.test"]);
	t.equal(renamed("a.test b.test", swap), "b.test a.test");
	t.equal(
		renamed("run localhost at http://localhost:80/ and localhost:90", swap),
		"run localhost at http://web.test:80/ and localhost:90",
	);
	const request = httpRequest({ host: "localhost", headers: [["Host", "localhost:3000"]] });
	t.same(swap.apply([request], null, fail), ["rename-host localhost=web.test"]);
	t.match(request, { host: "web.test", hostHeader: "web.test:3000" });
	t.equal(renamed("1.2.3.4 11.2.3.4 1.2.3.45", new HostRenaming(["1.2.3.4=x.test"])), "x.test 11.2.3.4 1.2.3.45");
});

t.test("invalid rules", async (t) => {
	for (const rule of [
		"a.test",
		"a.test=",
		"=b.test",
		"a.test:80=b.test",
		"https://a.test=b.test",
		"a=b=c",
		"a..b=c",
		"a b=c",
	])
		t.throws(() => new HostRenaming([rule]), { code: "FT_BAD_OPTION", option: "rename_host" }, rule);
});
