// Options for authentication, for the route of requests, and for traffic that is passed through without interception.
import assert from "node:assert/strict";
import { answer } from "../origin.mjs";
import { ask, bytes, differs, row } from "./rows.mjs";

const get = (path = "/", fields = []) => ask("GET", path, fields);
const basic = (text) => `Basic ${Buffer.from(text).toString("base64")}`;
const proxy = (value) => [["Proxy-Authorization", value]];

const logins = [
	["no credentials", null],
	["right", basic("user:secret")],
	["a wrong password", basic("user:wrong")],
	["a wrong user", basic("other:secret")],
	["the scheme in lower case", `basic ${Buffer.from("user:secret").toString("base64")}`],
	["another scheme", "Bearer abc"],
	["no base64", "Basic ????"],
	["no colon", basic("usersecret")],
	["no user name", basic(":secret")],
	["no password", basic("user:")],
];

const proxyauthRows = [
	...logins.map(([name, value]) => row(name, get("/", value === null ? [] : proxy(value)))),
	row("credentials are needed for each request", [get("/", proxy(basic("user:secret"))), get("/")]),
	row("a rejected request with a body", ask("POST", "/", [], "body")),
	row("a tunnel without credentials", get(), [], { isTls: true }),
	row("a tunnel", [get(), get("/2")], [], { isTls: true, connectFields: proxy(basic("user:secret")) }),
	row("a tunnel with a wrong password", get(), [], { isTls: true, connectFields: proxy(basic("user:wrong")) }),
	row("Authorization is for the server", get("/", [["Authorization", basic("user:secret")]])),
];

/** The programs use different realms and pages. */
const refusals = [
	[/^\.client\.answers\.\d+\.(?:head|body|page)$|\.response\.(?:headers|body)/, "the texts of rejections differ"],
	[/\.request\.headers(?:\.\d+)?$/, "credentials for this proxy are not recorded"],
];

const ofTheConnection = [
	[
		/\.request\.(?:authority|headers\.\d+)$/,
		"credentials for an upstream proxy belong to the connection, and are in no flow",
	],
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
			row("no credentials", get()),
			row("the right password", get(), [], { login: ["user", "secret"] }),
			row("a wrong password", get(), [], { login: ["user", "wrong"] }),
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
			row("not sent if the filter does not match", get("/other")),
			row("another host", get("/sticky"), [], { host: "127.0.0.1" }),
			row("another port", get("/sticky"), [], { isTls: true }),
			row("a second one", get("/set"), cookie("b=2; Path=/; HttpOnly")),
			row("both", get("/sticky")),
			row("is changed", get("/set"), cookie("a=3; Path=/")),
			row("the changed one is sent", get("/sticky")),
			row("for a path", get("/set"), cookie("p=1; Path=/sticky/below")),
			row("not for this path", get("/sticky")),
			differs(
				"cookies of longer paths come first (RFC 6265 section 5.4)",
				({ origin }) => assert.match(origin[0].head, /^cookie: p=1; a=3; b=2\r$/m),
				row("for this path", get("/sticky/below/x")),
			),
			row("expires", get("/set"), cookie("a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT")),
			row("the expired one is not sent", get("/sticky")),
			row("Max-Age=0", get("/set"), cookie("b=; Path=/; Max-Age=0")),
			row("no cookie is left", get("/sticky")),
			row("for another domain", get("/set"), cookie("d=1; Path=/; Domain=elsewhere.example")),
			row("the cookie of another domain is not stored", get("/sticky")),
			row("a cookie with Max-Age", get("/set"), cookie("l=1; Path=/; Max-Age=1000")),
			row("it is sent before it expires", get("/sticky")),
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
			row("it does not replace the client's own", get("/sticky", [["Authorization", "Own"]])),
		],
	},
	{
		name: "keep_host_header",
		mode: "reverse:http://localhost:{port}",
		options: { keep_host_header: true },
		rows: [
			row("the Host header stays", get()),
			row("any Host header stays", get("/", [["Host", "any.example:81"]])),
			row("a missing Host header stays missing", bytes("GET / HTTP/1.0\r\n\r\n")),
		],
	},
	{
		name: "without keep_host_header",
		mode: "reverse:http://localhost:{port}",
		rows: [
			row("the Host header is that of the target", get("/", [["Host", "any.example:81"]])),
			row(
				"the Host header keeps its position",
				get("/", [
					["X-A", "1"],
					["host", "any"],
					["X-B", "2"],
				]),
			),
			row("a missing Host header is added", bytes("GET / HTTP/1.0\r\n\r\n")),
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
		rows: [row("loopback clients are allowed", get())],
	},
	{
		name: "ignore_hosts",
		options: { ignore_hosts: ["^localhost:{tls}$"] },
		rows: [
			row("TLS passes", get(), [], { isTls: true }),
			row("by the name in TLS", get(), [], { isTls: true, host: "127.0.0.1", sni: "localhost" }),
			row("another one is intercepted", get(), [], { isTls: true, host: "127.0.0.1", sni: "other.example" }),
			row("plain requests are intercepted", get()),
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
		rows: [row("TLS passes", get(), [], { isTls: true }), row("plain requests are intercepted", get())],
	},
];
