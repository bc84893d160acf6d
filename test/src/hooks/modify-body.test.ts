// Matches of regular expressions in bodies are replaced, with any content coding.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { large } from "../../../fixtures/large.ts";
import { hookLog, runLive, runStored } from "../../../fixtures/run-hooks.ts";
import { createModifyBody } from "../../../src/hooks/modify-body.ts";

const create = (...modify_body: string[]) => createModifyBody({ modify_body }, {});
const bodies = (parts: { request?: string | null; response?: string | null }) =>
	httpFlow({
		request: { method: "POST", headers: [], body: parts.request ?? null },
		response: { headers: [], body: parts.response ?? null },
	});

t.test("requests and responses, live and stored", async (t) => {
	for (const [rules, before, after] of [
		[["/foo/bar"], "a foo, a Foo, foofoo", "a bar, a Foo, barbar"],
		[["/(?i)foo/bar"], "Foo", "bar"],
		[["/foo/bar", "/bar/baz"], "foo", "baz"],
		[["/o+/\\1&\\x41\\n"], "foo", "f\\1&A\n"],
		[["/(\\w)(\\d)/<$1\\\\>"], "a1", "<$1\\>"],
		[['/("password":")[^"]*/\\1X'], '{"user":"u","password":"abc"}', '{"user":"u","password":"X"}'],
		[["/(a)(?P<n>b)/\\g<n>\\g<1>\\2\\g<0>\\n\\t\\x41$1\\\\1\\q"], "ab", "babab\n\tA$1\\1\\q"],
		[["/(a)/\\10"], "a", "a0"],
		[["/(a)|b/[\\1]"], "ab", "[a][]"],
		[["/\\bfoo\\b/bar"], "foo food", "bar food"],
		[["/a.b/x"], "a\nb", "x"],
		[["/x*/-"], "b", "-b-"],
		[["/~u nowhere/foo/bar"], "foo", "foo"],
		[["/~bq foo | ~bs foo/o/0"], "foo", "f00"],
		[["/é/e"], "café", "cafe"],
		[["/foo/"], "foo", ""],
	] as const) {
		for (const run of [runLive, runStored]) {
			const flow = bodies({ request: before, response: before });
			await run(await create(...rules), flow);
			t.same(
				[flow.request.rawContent?.toString(), flow.response?.rawContent?.toString()],
				[after, after],
				`${run.name} ${rules.join(" ")}`,
			);
		}
	}
});

t.test("~q and ~s select the request or the response", async (t) => {
	const flow = bodies({ request: "foo", response: "foo" });
	await runLive(await create("/~q/foo/asked", "/~s/foo/answered"), flow);
	t.same([flow.request.text, flow.response?.text], ["asked", "answered"]);
});

t.test("content codings are decoded and applied again, and the length is updated", async (t) => {
	const packed = gzipSync("say foo");
	const flow = httpFlow({
		response: {
			headers: [
				["Content-Encoding", "gzip"],
				["Content-Length", String(packed.length)],
			],
			body: packed,
		},
	});
	await runLive(await create("/foo/something longer than before"), flow);
	const { response } = flow;
	t.equal(gunzipSync(response?.rawContent ?? Buffer.alloc(0)).toString(), "say something longer than before");
	t.same(response?.headers.getAll("content-length"), [String(response?.bodySize)]);
	const chunked = httpFlow({ response: { headers: [["Transfer-Encoding", "chunked"]], body: "foo" } });
	await runLive(await create("/foo/bar"), chunked);
	t.notOk(chunked.response?.headers.has("content-length"));
});

t.test("a body without a match and its headers are unchanged", async (t) => {
	const { changed, onChange } = hookLog();
	const flow = httpFlow({ request: { headers: [] }, response: { headers: [["Content-Length", "0005"]] } });
	await runLive(await createModifyBody({ modify_body: ["/foo/bar"] }, { onChange }), flow);
	t.same([flow.request.headers.fields, flow.response?.headers.fields], [[], ["Content-Length", "0005"]]);
	t.same(changed, []);
	await runLive(await createModifyBody({ modify_body: ["/hello/bye"] }, { onChange }), flow);
	t.same(changed, ["/hello/bye"]);
	t.same(flow.response?.headers.fields, ["Content-Length", "3"]);
});

t.test("missing and undecodable bodies are unchanged", async (t) => {
	const { lines, log } = hookLog();
	const hook = await createModifyBody({ modify_body: ["/./x"] }, { log });
	const flow = httpFlow({
		request: { body: null },
		response: { headers: [["Content-Encoding", "gzip"]], body: "no gzip" },
	});
	await runLive(hook, flow);
	t.equal(flow.request.rawContent, null);
	t.equal(flow.response?.rawContent?.toString(), "no gzip");
	t.match(lines, [/^warning: a body of http:\/\/example.com\/ is left as it is: /]);
	t.same(
		await runStored(hook, httpFlow({ request: { body: null }, response: null })).then((kept) => kept?.type),
		"http",
	);
});

t.test("@ reads the replacement from a file at each use", async (t) => {
	const file = join(t.testdir({ value: "\\n\n" }), "value");
	const hook = await create(`|foo|@${file}`);
	const flow = bodies({ response: "foo" });
	await runLive(hook, flow);
	t.equal(flow.response?.text, "\\n\n");
	writeFileSync(file, "new");
	const again = bodies({ response: "foo" });
	await runLive(hook, again);
	t.equal(again.response?.text, "new");
});

t.test("invalid rules, and no rules", async (t) => {
	t.equal(await create(), null);
	await t.rejects(create("/a"), { code: "FT_BAD_OPTION" });
	await t.rejects(create("/[/b"), { code: "FT_BAD_PATTERN" });
	await t.rejects(create("/a/\\xz"), { code: "FT_BAD_OPTION" });
	await t.rejects(create("/~zz/a/b"), { code: "FT_BAD_FILTER" });
	t.match(await create("/a/b"), { needs: { request: true, response: true } });
});

t.test("a group that does not exist", async (t) => {
	for (const value of ["\\2", "\\g<x>", "\\g<2>"])
		await t.rejects(create(`/(a)/${value}`), { code: "FT_BAD_PATTERN", message: /no such group/ }, value);
});

t.test("a replacement is encoded in the charset of the body", async (t) => {
	const log = hookLog();
	const replaced = async (type: string, body: Buffer, value: string) => {
		const flow = httpFlow({ response: { headers: [["Content-Type", type]], body } });
		await runLive(await createModifyBody({ modify_body: [`/~s/x/${value}`] }, log), flow);
		return flow.response?.rawContent;
	};
	const gbk = Buffer.from([0xc4, 0xe3, 0x78]);
	t.same(await replaced("text/html; charset=gbk", gbk, "好"), Buffer.from([0xc4, 0xe3, 0xba, 0xc3]));
	t.same(
		await replaced("text/plain; charset=ISO-8859-1", Buffer.from("\xe9x", "latin1"), "é\\xc3\\xa9"),
		Buffer.from("\xe9\xe9\xc3\xa9", "latin1"),
	);
	t.same(await replaced("application/json", Buffer.from("x"), "é"), Buffer.from("é"));
	t.same(log.lines, []);
	t.same(await replaced("text/plain; charset=latin1", Buffer.from("x"), "好"), Buffer.from("x"));
	t.match(log.lines, [/left as it is: its charset latin1 cannot encode /]);
});

t.test("UTF-16 is searched and changed as text, whether a byte order mark or Content-Type declares it", async (t) => {
	const { lines, log } = hookLog();
	const replaced = async (type: string, body: Buffer, value: string) => {
		const flow = httpFlow({ response: { headers: [["Content-Type", type]], body } });
		await runLive(await createModifyBody({ modify_body: [`/~s/(l+)o/${value}`] }, { log }), flow);
		return flow.response?.rawContent;
	};
	const le = (text: string) => Buffer.from(text, "utf16le");
	const be = (text: string) => le(text).swap16();
	for (const [value, made] of [
		["p", "hep!"],
		["p me", "hep me!"],
		["好🍇", "he好🍇!"],
		["<\\g<0>\\1é>", "he<llollé>!"],
	] as const) {
		for (const type of ["text/plain", "text/csv; charset=utf-8", "application/json", "application/octet-stream"]) {
			t.same(await replaced(type, le("\ufeffhello!"), value), le(`\ufeff${made}`), type);
			t.same(await replaced(type, be("\ufeffhello!"), value), be(`\ufeff${made}`), type);
		}
		for (const type of ["text/plain; charset=utf-16", 'text/plain; charset="UTF-16LE"', "text/plain;Charset=utf-16le"])
			t.same(await replaced(type, le("hello!"), value), le(made), type);
		t.same(await replaced("text/plain; charset=utf-16be", be("hello!"), value), be(made));
	}
	t.same(lines, []);
	t.same(
		await replaced("text/xml", Buffer.from('<?xml version="1.0" encoding="utf-16"?><a>hello</a>'), "é"),
		Buffer.from('<?xml version="1.0" encoding="utf-16"?><a>heé</a>'),
	);
	t.same(await replaced("text/plain", le("\ufeffhello!"), "\\xff"), le("\ufeffhello!"));
	t.same(await replaced("text/plain; charset=utf-16", Buffer.from("hello"), "x"), Buffer.from("hello"));
	t.match(lines, [/is not valid UTF-8/, /its charset is declared as utf-16, but its bytes are not valid/]);
});

t.test(
	"in a large live body, all matches are replaced with any coding, while other exchanges continue",
	large,
	async (t) => {
		const line = "a foo, two foos and no end of foo\n";
		const hook = await create("/~s/(f)(oo)/\\2\\1", "/\\n/;");
		for (const [count, coding] of [
			[100, "identity"],
			[100_000, "identity"],
			[100_000, "gzip"],
		] as const) {
			const code = coding === "gzip" ? gzipSync : (bytes: Buffer) => bytes;
			const flow = httpFlow({
				response: { headers: [["Content-Encoding", coding]], body: code(Buffer.from(line.repeat(count))) },
			});
			let turns = 0;
			let isOver = false;
			const others = (async () => {
				for (; !isOver; turns++) await new Promise(setImmediate);
			})();
			await runLive(hook, flow);
			isOver = true;
			await others;
			t.ok(
				flow.response?.content?.equals(Buffer.from("a oof, two oofs and no end of oof;".repeat(count))),
				`${count} ${coding}`,
			);
			t.equal(turns > 2, count > 1000, "small ones at once");
		}
	},
);

t.test("a body that is too large to search live, or becomes too large", large, async (t) => {
	const { lines, log } = hookLog();
	const hook = await createModifyBody({ modify_body: ["/a/b"] }, { log });
	const large = Buffer.alloc(48 * 1024 * 1024 + 1, "a");
	for (const [headers, body] of [
		[[], large],
		[[["Content-Encoding", "gzip"]], gzipSync(large, { level: 1 })],
	] as const) {
		const flow = httpFlow({ response: { headers, body } });
		await runLive(hook, flow);
		t.equal(flow.response?.rawContent, body);
	}
	const coded = httpFlow({ response: { headers: [["Content-Encoding", "gzip"]], body: gzipSync("a".repeat(1000)) } });
	const grow = await create(`/a/${"b".repeat(100_000)}`);
	await t.rejects(
		runStored(grow, coded),
		{ code: "FT_PATTERN_STOPPED", message: /larger than 64 MiB/ },
		"a coded one that is stored",
	);
	t.match(lines, [
		/left as it is: it has 50331649 bytes, too many to search/,
		/left as it is: .*inflates beyond 50331648 bytes/,
	]);
	const growing = httpFlow({ response: { body: "a".repeat(1000) } });
	await t.rejects(runLive(await create(`/a/${"b".repeat(100_000)}`), growing), {
		code: "FT_PATTERN_STOPPED",
		message: /larger than 64 MiB/,
	});
});
