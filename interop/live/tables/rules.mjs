// Options with rules: blocking, mapping and changing requests and responses, and leaving out parts of requests or
// recordings.
import assert from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import { answer } from "../origin.mjs";
import { ask, bytes, differs, MAPPED_FILES, row } from "./rows.mjs";

const get = (path, fields) => ask("GET", path, fields);
const chunked = (...parts) =>
	`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("")}0\r\n\r\n`;
const gzip = (text) => gzipSync(text).toString("latin1");
const ungzipped = "x".repeat(40);

const cached = [
	["If-None-Match", '"a"'],
	["if-modified-since", "Tue, 14 Nov 2023 22:13:20 GMT"],
	["If-Match", '"b"'],
];

export const ruleGroups = [
	{
		name: "anticache and anticomp",
		options: { anticache: true, anticomp: true },
		rows: [
			row("conditional headers are removed", get("/a", cached)),
			row("all of the same name", get("/a", [...cached, ["IF-NONE-MATCH", '"c"']])),
			row("Accept-Encoding is set", get("/a", [["X", "1"]])),
			row(
				"Accept-Encoding is replaced",
				get("/a", [
					["accept-encoding", "gzip"],
					["X", "1"],
					["Accept-Encoding", "br"],
				]),
			),
			row("with a body", ask("POST", "/a", [["Accept-Encoding", "*"]], "body")),
			row("in a tunnel", get("/a", cached), [], { isTls: true }),
		],
	},
	{
		name: "block_list",
		options: {
			block_list: [
				"/~u blocked/404",
				"/~u gone & ~m POST/410",
				":~hq x-block:418",
				"|!~u . |403",
				"/~u hangs/444",
				"/~u none/204",
				"/~u twice/403",
				"/~u twice/503",
				"/~u once/403",
				"/~u once & ~q/503",
			],
		},
		rows: [
			row("blocked", get("/blocked")),
			row("case does not matter", get("/BLOCKED")),
			row("passes", get("/")),
			row("by method, not this one", get("/gone")),
			row("by method, with a body", ask("POST", "/gone", [], "body")),
			row("by field", get("/h", [["x-block", "1"]])),
			row("444 hangs up", get("/hangs")),
			row("444 in a tunnel", get("/hangs"), [], { isTls: true }),
			differs(
				"204 has no length (RFC 9110 section 8.6)",
				({ client }) => assert.equal(client.answers[0].head, "HTTP/1.1 204 No Content\r\n\r\n"),
				row("204", get("/none")),
			),
			row("the last of two rules counts", get("/twice")),
			row("two rules, the second for requests without a response", get("/once")),
			row("HEAD", ask("HEAD", "/blocked")),
			row("the connection is kept", [get("/blocked"), get("/"), get("/blocked")]),
			row("in a tunnel", [get("/blocked"), get("/")], [], { isTls: true }),
		],
	},
	{
		name: "map_local",
		options: {
			map_local: [
				"|/site|{dir}/site",
				"|~m GET|/file|{dir}/site/one.txt",
				"|/group/(.+)|{dir}/site",
				"|/CASE|{dir}/site/one.txt",
				"|/second|{dir}/site/sub",
				"|/second|{dir}/site",
			],
		},
		rows: [
			row("a folder's page", get("/site")),
			row("a folder's page, with a slash", get("/site/")),
			...MAPPED_FILES.map((name) => row(`${name}`, get(`/site/${name}`))),
			row("a query is left out", get("/site/one.txt?a=1")),
			row("with a blank", get("/site/with%20blank.txt")),
			row("a non-ASCII name", get("/site/caf%C3%A9.txt")),
			row("characters that file names may not have", get("/site/a:b.txt")),
			row("a missing file", get("/site/missing.txt")),
			row("a page below", get("/site/sub")),
			row("additional slashes", get("/site//sub///inner.txt")),
			row("a file, with any rest of the path", get("/file/and/more")),
			row("another method", ask("POST", "/file", [], "body")),
			row("POST", ask("POST", "/site/one.txt", [], "body")),
			row("HEAD", ask("HEAD", "/site/one.txt")),
			row("a range", get("/site/one.txt", [["Range", "bytes=0-1"]])),
			row("a group", get("/group/one.txt")),
			row("a group that matches the query", get("/group/one.txt?a=1")),
			row("rules are case-sensitive", get("/case")),
			row("a later rule matches", get("/second/one.txt")),
			row("no boundary is needed", get("/sitesub/inner.txt")),
			row("in a tunnel", get("/site/one.txt"), [], { isTls: true }),
		],
	},
	{
		name: "map_remote",
		options: {
			map_remote: [
				"|/from/|/to/",
				"|/(\\w+)-(\\w+)$|/\\2-\\1",
				"|~m POST|/posted|/moved",
				"|http://localhost:{port}/ip|http://127.0.0.1:{port}/ip",
				"|http://localhost:{port}/secure|https://localhost:{tls}/secure",
				"|https://localhost:{tls}/plain|http://localhost:{port}/plain",
				"|/chain1|/chain2",
				"|/chain2|/chain3",
				"|/CASE|/case2",
				"|x|y",
			],
		},
		rows: [
			row("a path", get("/from/a")),
			row("a query stays", get("/from/a?b=c&from=/from/")),
			row("every occurrence", get("/from/from/from/")),
			row("groups", get("/left-right")),
			row("another method", get("/posted")),
			row("the method", ask("POST", "/posted", [], "body")),
			row("the host", get("/ip")),
			row(
				"the host, and the Host header",
				get("/ip", [
					["X-A", "1"],
					["host", "localhost:{port}"],
				]),
			),
			row("from http to https", get("/secure?a")),
			row("from https to http", get("/plain"), [], { isTls: true }),
			row("in a tunnel", get("/from/a"), [], { isTls: true }),
			row("one after the other", get("/chain1")),
			row("rules are case-sensitive", get("/case")),
			row("letters anywhere", get("/axbx?x=x")),
			row("Host of another name", get("/from/a", [["Host", "other.example"]])),
			differs(
				"a fragment is not sent",
				({ origin }) => assert.match(origin[0].head, /^GET \/ HTTP/),
				row("nothing to change", get("/#")),
			),
		],
	},
	{
		name: "modify_body",
		options: {
			modify_body: [
				"/~s & ~u body/hello/goodbye",
				"/~q & ~u req/secret/***",
				"/~s & ~u regex/[0-9]+/N",
				"/~s & ~u chain/one/two",
				"/~s & ~u chain/two/three",
				"/~s & ~u file/hello/@{dir}/body.txt",
				"/~s & ~u all/.+/x",
				"/~s & ~u star/x*/-",
				"/~s & ~u bin/\\xff\\x00/\\x01\\n",
				"/~s & ~u gone/hello/",
				"/~s & ~u lit/(h)ello/\\\\1",
				"/~s & ~u twice/HELLO/x",
				"/~s & ~t json & ~u type/hello/x",
			],
		},
		rows: [
			row("a response", get("/body")),
			row("in chunks", get("/body"), chunked("say hel", "lo and hello")),
			differs(
				"compressed bytes differ between programs",
				({ client: { answers } }) =>
					assert.equal(gunzipSync(Buffer.from(answers[0].body, "latin1")).toString(), "goodbye you"),
				row("compressed", get("/body"), answer("200 OK", [["Content-Encoding", "gzip"]], gzip("hello you"))),
			),
			row("a request", ask("POST", "/req", [], "a secret of secrets")),
			row(
				"a request in chunks",
				bytes(
					"POST {to}/req HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nsec\r\n3\r\nret\r\n0\r\n\r\n",
					"POST",
				),
			),
			row("a regular expression", get("/regex"), answer("200 OK", [], "1 and 22 and 333")),
			row("one after the other", get("/chain"), answer("200 OK", [], "one two")),
			row("from a file", get("/file")),
			row("a pattern of dots only", get("/all"), answer("200 OK", [], "a\nb\r\nc")),
			row("empty matches", get("/star"), answer("200 OK", [], "axxb")),
			row("bytes", get("/bin"), answer("200 OK", [], "a\xff\x00b")),
			row("removed text", get("/gone")),
			differs(
				"a replacement is a literal",
				({ client }) => assert.equal(client.answers[0].body, "\\1"),
				row("by a literal that looks like a group", get("/lit")),
			),
			row("patterns are case-sensitive: no change", get("/other")),
			row("by type", get("/type"), answer("200 OK", [["Content-Type", "application/json"]], "hello")),
			differs(
				"a message that a rule does not match stays unchanged",
				({ client }) => assert.equal(client.answers[0].head, "HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n"),
				row("HEAD", ask("HEAD", "/body"), "HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n"),
			),
			row("in a tunnel", ask("POST", "/req/body", [], "secret"), [], { isTls: true }),
			row(
				"a body that is not compressed, in spite of Content-Encoding",
				get("/other"),
				answer("200 OK", [["Content-Encoding", "gzip"]], ungzipped),
			),
		],
	},
	{
		name: "modify_headers",
		options: {
			modify_headers: [
				"/X-Both/1",
				"/~q/X-Req/q",
				"/~s/X-Res/s",
				"/X-Gone/",
				"/~u file/X-File/@{dir}/body.txt",
				"/~s & ~u cookies/Set-Cookie/a=1",
				"/~s & ~u cookies/Set-Cookie/b=2",
				"/~q & ~u hosted/Host/other.example",
				"/~u case/x-CASE/new",
				"/~q & !~hq User-Agent:/User-Agent/flowtape",
				"/~q & ~hq X-Old/X-Old/replaced",
				"/~s & ~c 404/X-Missing/yes",
				"/~u colon/X-Colon/a:b c=d",
				":~u sep:X-Sep:a/b/c",
			],
		},
		rows: [
			row("in both directions", get("/")),
			row(
				"a removed header",
				get("/", [
					["x-gone", "1"],
					["X-A", "2"],
					["X-GONE", "3"],
				]),
				answer("200 OK", [["x-Gone", "1"]]),
			),
			row("from a file", get("/file")),
			row(
				"two of the same name",
				get("/cookies"),
				answer("200 OK", [
					["Set-Cookie", "old=1"],
					["set-cookie", "old=2"],
				]),
			),
			row("Host", get("/hosted")),
			row(
				"the rule's spelling",
				get("/case", [
					["X-Case", "old"],
					["Y", "1"],
				]),
			),
			row("only if it is missing", get("/", [["User-Agent", "curl"]])),
			row("a filter for the replaced header", get("/", [["X-Old", "1"]])),
			row("by status", get("/404"), answer("404 Not Found")),
			row("values with special characters", get("/colon/sep")),
			row("with a body", ask("POST", "/", [], "body")),
			row("in a tunnel", get("/", [["X-Gone", "1"]]), [], { isTls: true }),
		],
	},
	{
		name: "save_stream_filter",
		options: { save_stream_filter: "~u keep & !~c 500 | ~b treasure" },
		rows: [
			row("kept", get("/keep")),
			row("not kept", get("/leave")),
			row("by status", get("/keep"), answer("500 No")),
			row("by the response's body", get("/x"), answer("200 OK", [], "a treasure")),
			row("by the request's body", ask("POST", "/x", [], "treasure island")),
			row("in a tunnel", [get("/keep"), get("/leave")], [], { isTls: true }),
		],
	},
	{
		name: "rules together",
		options: {
			anticache: true,
			block_list: ["/~u blocked/404"],
			map_local: ["|/local|{dir}/site"],
			map_remote: ["|/virtual/|/local/", "|/free|/blocked"],
			modify_body: ["/~s/hello/goodbye"],
			modify_headers: ["/~s/X-Res/s", "/~q/X-Req/q"],
		},
		rows: [
			row("mapped to another URL, then answered from a file", get("/virtual/one.txt")),
			row("a file, changed", get("/local/hello.txt")),
			row("a blocked request has the changed fields", get("/blocked")),
			row("mapped to a blocked URL, which is too late for block_list", get("/free", cached)),
			row("a response of the server", get("/", cached)),
		],
	},
];
