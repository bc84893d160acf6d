// Options for authentication, for the route of requests, and for traffic that is passed through without interception.
import assert from "node:assert/strict";
import { answer } from "../origin.mjs";
import { ask, bytes, differs, row } from "./rows.mjs";

const get = (path = "/", fields = []) => ask("GET", path, fields);
const basic = (text) => `Basic ${Buffer.from(text).toString("base64")}`;
const proxy = (value) => [["Proxy-Authorization", value]];

const logins = [
	["nobody", null],
	["right", basic("user:secret")],
	["a wrong password", basic("user:wrong")],
	["a wrong user", basic("other:secret")],
	["the scheme in lower case", `basic ${Buffer.from("user:secret").toString("base64")}`],
	["another scheme", "Bearer abc"],
	["no base64", "Basic ????"],
	["no colon", basic("usersecret")],
	["nothing before the colon", basic(":secret")],
	["no password", basic("user:")],
];

const proxyauthRows = [
	...logins.map(([name, value]) => row(name, get("/", value === null ? [] : proxy(value)))),
	row("asked each time", [get("/", proxy(basic("user:secret"))), get("/")]),
	row("a body that is refused", ask("POST", "/", [], "body")),
	row("a tunnel for nobody", get(), [], { isTls: true }),
	row("a tunnel", [get(), get("/2")], [], { isTls: true, connectFields: proxy(basic("user:secret")) }),
	row("a tunnel with a wrong password", get(), [], { isTls: true, connectFields: proxy(basic("user:wrong")) }),
	row("Authorization is for the server", get("/", [["Authorization", basic("user:secret")]])),
];

/** The programs use different realms and pages. */
const refusals = [
	[/^\.client\.answers\.\d+\.(?:head|body|page)$|\.response\.(?:headers|body)/, "a refusal has words of its own"],
	[/\.request\.headers(?:\.\d+)?$/, "a refused password is not kept: what was meant for this proxy is on no tape"],
];

const ofTheConnection = [
	[/\.request\.(?:authority|headers\.\d+)$/, "credentials for an upstream proxy are of the connection, and in no flow"],
];

const cookie = (text) => answer("200 OK", [["Set-Cookie", text]]);

export const accessGroups = [
	{ name: "proxyauth any", options: { proxyauth: "any" }, aside: refusals, rows: proxyauthRows },
	{ name: "proxyauth user", options: { proxyauth: "user:secret" }, aside: refusals, rows: proxyauthRows },
	{ name: "proxyauth htpasswd", options: { proxyauth: "@{dir}/htpasswd" }, aside: refusals, rows: proxyauthRows },
	{
		name: "proxyauth of a reverse proxy",
		mode: "reverse:http://localhost:{port}",
		options: { proxyauth: "user:secret" },
		aside: refusals,
		rows: logins.map(([name, value]) => row(name, get("/", value === null ? [] : [["Authorization", value]]))),
	},
	{
		name: "proxyauth of socks5",
		mode: "socks5",
		options: { proxyauth: "user:secret" },
		rows: [
			row("nobody", get()),
			row("right", get(), [], { login: ["user", "secret"] }),
			row("wrong", get(), [], { login: ["user", "wrong"] }),
			row("by address", get(), [], { login: ["user", "secret"], host: "127.0.0.1" }),
			row("in TLS", get(), [], { login: ["user", "secret"], isTls: true }),
		],
	},
	{
		name: "stickycookie",
		options: { stickycookie: "~u sticky" },
		rows: [
			row("nothing yet", get("/sticky")),
			row("is set", get("/set"), cookie("a=1; Path=/")),
			row("is sent", get("/sticky")),
			row("where the filter matches", get("/other")),
			row("another host", get("/sticky"), [], { host: "127.0.0.1" }),
			row("another port", get("/sticky"), [], { isTls: true }),
			row("a second one", get("/set"), cookie("b=2; Path=/; HttpOnly")),
			row("both", get("/sticky")),
			row("is changed", get("/set"), cookie("a=3; Path=/")),
			row("is other", get("/sticky")),
			row("for a path", get("/set"), cookie("p=1; Path=/sticky/below")),
			row("not for this path", get("/sticky")),
			differs(
				"cookies of longer paths come first (RFC 6265 section 5.4)",
				({ origin }) => assert.match(origin[0].head, /^cookie: p=1; a=3; b=2\r$/m),
				row("for this path", get("/sticky/below/x")),
			),
			row("expires", get("/set"), cookie("a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT")),
			row("one is gone", get("/sticky")),
			row("is forbidden to last", get("/set"), cookie("b=; Path=/; Max-Age=0")),
			row("none is left", get("/sticky")),
			row("for another domain", get("/set"), cookie("d=1; Path=/; Domain=elsewhere.example")),
			row("is not taken", get("/sticky")),
			row("what is not due yet", get("/set"), cookie("l=1; Path=/; Max-Age=1000")),
			row("is sent for now", get("/sticky")),
		],
	},
	{
		name: "stickyauth",
		options: { stickyauth: "~u sticky" },
		rows: [
			row("nothing yet", get("/sticky")),
			row("is given", get("/in", [["Authorization", "Basic abc"]])),
			row("is sent", get("/sticky")),
			row("where the filter matches", get("/other")),
			row("another host", get("/sticky"), [], { host: "127.0.0.1" }),
			row("another one is given", get("/in", [["authorization", "Bearer x"]])),
			row("the newer is sent", get("/sticky")),
			row("not in place of its own", get("/sticky", [["Authorization", "Own"]])),
		],
	},
	{
		name: "keep_host_header",
		mode: "reverse:http://localhost:{port}",
		options: { keep_host_header: true },
		rows: [
			row("is left", get()),
			row("whatever it is", get("/", [["Host", "any.example:81"]])),
			row("even none", bytes("GET / HTTP/1.0\r\n\r\n")),
		],
	},
	{
		name: "without keep_host_header",
		mode: "reverse:http://localhost:{port}",
		rows: [
			row("is the target's", get("/", [["Host", "any.example:81"]])),
			row(
				"in its place",
				get("/", [
					["X-A", "1"],
					["host", "any"],
					["X-B", "2"],
				]),
			),
			row("where there is none", bytes("GET / HTTP/1.0\r\n\r\n")),
		],
	},
	{
		name: "upstream_auth",
		mode: "upstream:http://localhost:{port}",
		options: { upstream_auth: "user:secret" },
		aside: ofTheConnection,
		rows: [
			row("plain", get(), [], { isAboutTunnels: true }),
			row("a tunnel", get(), [], { isTls: true, isAboutTunnels: true }),
			row("in place of the client's", get("/", proxy("Basic abc"))),
		],
	},
	{
		name: "upstream_auth of a reverse proxy",
		mode: "reverse:http://localhost:{port}",
		options: { upstream_auth: "user:secret" },
		rows: [row("is added", get()), row("in place of the client's", get("/", [["Authorization", "Own"]]))],
	},
	{
		name: "without a Host field for the upstream proxy",
		mode: "upstream:http://localhost:{port}",
		options: { http_connect_send_host_header: false },
		rows: [row("a tunnel", get(), [], { isTls: true, isAboutTunnels: true })],
	},
	{
		name: "block_private",
		options: { block_private: true, block_global: true },
		rows: [row("this machine comes in", get())],
	},
	{
		name: "ignore_hosts",
		options: { ignore_hosts: ["^localhost:{tls}$"] },
		rows: [
			row("TLS passes", get(), [], { isTls: true }),
			row("by the name in TLS", get(), [], { isTls: true, host: "127.0.0.1", sni: "localhost" }),
			row("another one is intercepted", get(), [], { isTls: true, host: "127.0.0.1", sni: "other.example" }),
			row("plain requests are read", get()),
		],
	},
	{
		name: "ignore_hosts with show_ignored_hosts",
		options: { ignore_hosts: ["LOCALHOST"], show_ignored_hosts: true },
		rows: [
			row("plain in a tunnel", get(), [], { isTunnel: true }),
			row("another one", get(), [], { isTunnel: true, host: "127.0.0.1" }),
		],
	},
	{
		name: "allow_hosts",
		options: { allow_hosts: ["^localhost:"] },
		rows: [
			row("is intercepted", get(), [], { isTls: true }),
			row("passes", get(), [], { isTls: true, host: "127.0.0.1", sni: "other.example" }),
			row("plain", get()),
		],
	},
	{
		name: "tcp_hosts",
		options: { tcp_hosts: ["localhost"] },
		rows: [
			row("plain in a tunnel", get(), [], { isTunnel: true }),
			row("in TLS", get(), [], { isTls: true }),
			row("another one", get(), [], { isTunnel: true, host: "127.0.0.1" }),
		],
	},
	{
		name: "ignore_hosts of socks5",
		mode: "socks5",
		options: { ignore_hosts: ["localhost:{tls}"] },
		rows: [row("TLS passes", get(), [], { isTls: true }), row("plain requests are read", get())],
	},
];
