// Values of the mode option, their listening addresses, and errors.
import t from "tap";
import { defaults } from "../../../../src/options.ts";
import { options, parseModes } from "../../../../src/proxy/route/modes.ts";

const parse = (mode: readonly string[], more: object = {}) => parseModes({ ...defaults(options), ...more, mode });
const server = (scheme: string, host: string, port: number) => ({ scheme, host, port });

t.test("kinds, their servers and their addresses", async (t) => {
	for (const [text, expected] of [
		["regular", { kind: "regular", listen: { host: "127.0.0.1", port: 8080 } }],
		["Regular@1234", { kind: "regular", listen: { host: "127.0.0.1", port: 1234 } }],
		["socks5", { kind: "socks5", listen: { host: "127.0.0.1", port: 1080 } }],
		["socks5@0.0.0.0:0", { kind: "socks5", listen: { host: "0.0.0.0", port: 0 } }],
		[
			"reverse:https://example.com@[::1]:443",
			{ kind: "reverse", server: server("https", "example.com", 443), listen: { host: "::1", port: 443 } },
		],
		["reverse:example.com", { kind: "reverse", server: server("https", "example.com", 443) }],
		["reverse:http://10.0.0.1", { kind: "reverse", server: server("http", "10.0.0.1", 80) }],
		["reverse:HTTP://localhost:3000/", { kind: "reverse", server: server("http", "localhost", 3000) }],
		["upstream:proxy:3128", { kind: "upstream", server: server("http", "proxy", 3128) }],
		[
			"upstream:https://[2001:db8::1]:8443@1",
			{ kind: "upstream", server: server("https", "2001:db8::1", 8443), listen: { host: "127.0.0.1", port: 1 } },
		],
	] as const)
		t.match(parse([text]), [{ text, ...expected }], text);
});

t.test("listen_host and listen_port apply to modes without their own address", async (t) => {
	const modes = parse(["regular", "socks5@1080", "reverse:a@0.0.0.0:81"], { listen_host: "::", listen_port: 0 });
	t.strictSame(
		modes.map(({ listen }) => listen),
		[
			{ host: "::", port: 0 },
			{ host: "::", port: 1080 },
			{ host: "0.0.0.0", port: 81 },
		],
	);
	t.strictSame(parse(["regular", "socks5"], { listen_port: 0 }).length, 2, "free ports are never the same");
});

t.test("invalid modes", async (t) => {
	for (const [modes, message] of [
		[[], /expected a mode/],
		[["sideways"], /mode "sideways": expected regular, socks5, reverse:/],
		[["transparent"], /transparent needs system access that Node does not offer.*docs\/modes\.md/],
		[["local:curl"], /local needs system access/],
		[["regular:x"], /regular takes no argument after a colon/],
		[["regular@"], /expected PORT or HOST:PORT after the @, not ""/],
		[["regular@65536"], /not "65536"/],
		[["regular@host"], /not "host"/],
		[["upstream:"], /expected http\[s\]:\/\/HOST\[:PORT\] after the first colon, not ""/],
		[["upstream:ftp://x"], /not "ftp:\/\/x"/],
		[["reverse:http://a/b"], /not "http:\/\/a\/b"/],
		[["reverse:a:0"], /not "a:0"/],
		[["upstream:http://user:secret@proxy:3128"], /user and password go in upstream_auth/],
		[
			["regular", "socks5@8080"],
			/mode "socks5@8080": 127\.0\.0\.1:8080 is already the address of "regular"; .* socks5@PORT/,
		],
	] as const)
		t.throws(() => parse(modes), { code: "FT_BAD_OPTION", option: "mode", message }, JSON.stringify(modes));
});
