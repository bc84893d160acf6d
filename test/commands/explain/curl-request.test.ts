// Requests of curl commands, compared with those that curl sends.
import { execFile, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import t from "tap";
import { curlRequest } from "../../../commands/explain/curl-request.ts";

const folder = t.testdir({ "body.txt": "from\na file" });
const file = join(folder, "body.txt");

const commands: string[][] = [
	["/p?a=1"],
	["/", "-X", "DELETE"],
	["-XPUT", "/", "-d", "a=1", "-d", "b=2"],
	["/", "--data-binary", `@${file}`, "-H", "Content-Type: text/plain"],
	["/", "--data", `@${file}`],
	["/", "--data-urlencode", "q=a b&c", "--data-urlencode", "plain text"],
	["/?x=1", "-G", "-d", "a=1", "--data-urlencode", "b=a c"],
	["/", "--json", '{"a":', "--json", "1}"],
	["-I", "/"],
	["-T", file, "/up"],
	["/", "-u", "name:secret", "-A", "agent/1", "-e", "http://ref.test/", "-b", "a=1; b=2"],
	["/", "-r", "0-3", "-#", "-D", "/dev/null"],
	["/", "--oauth2-bearer", "token"],
	["-sSL", "-o", "/dev/null", "--url", "/u", "-H", "X-Empty;", "-HX-A:1"],
];

t.test(
	"the same request as curl sends",
	{ skip: spawnSync("curl", ["--version"]).status !== 0 && "curl is not installed" },
	async (t) => {
		let seen: object = {};
		const server = createServer((request, response) => {
			const chunks: Buffer[] = [];
			request.on("data", (chunk: Buffer) => chunks.push(chunk));
			request.on("end", () => {
				const { authorization, cookie, referer, range, "content-type": type, "x-a": a } = request.headers;
				seen = {
					method: request.method,
					path: request.url,
					body: Buffer.concat(chunks).toString(),
					authorization,
					cookie,
					referer,
					range,
					type,
					a,
				};
				response.end();
			});
		});
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		t.teardown(() => server.close());
		const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
		for (const command of commands) {
			const words = command.map((word) =>
				/^\/(?!dev|tmp)/.test(word) && !word.startsWith(folder) ? `${origin}${word}` : word,
			);
			await promisify(execFile)("curl", ["-q", "-s", "--noproxy", "*", ...words]);
			const { method, path, headers, text } = curlRequest(words);
			const get = (name: string) => headers.get(name) ?? undefined;
			t.same(
				{
					method,
					path,
					body: text,
					authorization: get("authorization"),
					cookie: get("cookie"),
					referer: get("referer"),
					range: get("range"),
					type: get("content-type"),
					a: get("x-a"),
				},
				seen,
				command.join(" "),
			);
		}
	},
);

t.test("a request with a form is a POST", (t) => {
	const { method, headers, text } = curlRequest(["http://a.test/", "-F", "a=1"]);
	t.same([method, headers.get("content-type")], ["POST", "multipart/form-data; boundary=flowtape"]);
	t.match(text, /^--flowtape\r\n.*name="a"\r\n\r\n1\r\n--flowtape--\r\n$/);
	t.end();
});

t.test("the scheme is http by default, and a Host header stays", (t) => {
	t.match(curlRequest(["a.test:81/x", "-H", "Host: b.test"]), {
		scheme: "http",
		host: "a.test",
		port: 81,
		path: "/x",
		prettyHost: "b.test",
	});
	t.match(curlRequest(["https://a.test", "--compressed"]), { scheme: "https", port: 443, path: "/" });
	t.end();
});

t.test("unknown arguments are an error that names them", (t) => {
	t.throws(() => curlRequest(["-X", "GET"]), { code: "FT_USAGE", message: /no URL/ });
	t.throws(() => curlRequest(["http://a.test", "--unknown", "x"]), { message: /--unknown/ });
	t.throws(() => curlRequest(["http://a.test", "-Y", "1"]), { message: /-Y/ });
	t.throws(() => curlRequest(["http://a.test", "-H"]), { message: /expected a value for -H/ });
	t.throws(() => curlRequest(["http://a.test", "-d", "@/no/such/file"]), { code: "FT_NOT_FOUND" });
	t.end();
});
