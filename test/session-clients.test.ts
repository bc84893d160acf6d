// The documented spelling of a session, `http://NAME:x@HOST:PORT`, works in the clients that are installed here, with
// plain requests and in tunnels.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../fixtures/build-flow.ts";
import { flowtape } from "../fixtures/cli.ts";
import { readTape, writeTape } from "../fixtures/tape-files.ts";

/** A program, and a command that fails if it or a library of it is missing. */
interface Client {
	readonly command: readonly string[];
	readonly probe: readonly string[];
	/** Whether it takes the name from FLOWTAPE_SESSION, because it reads no user from the proxy's URL. */
	readonly byVariable?: boolean;
}

const python = (imports: string, code: string): Client => ({
	command: ["python3", "-c", `import os, ${imports}; url = os.environ["URL"]; ${code}`],
	probe: ["python3", "-c", `import ${imports}`],
});
const node = (code: string): Client => ({ command: [process.execPath, "-e", code], probe: ["true"] });

const clients: Record<string, Client> = {
	curl: { command: ["sh", "-c", 'curl -sS "$URL"'], probe: ["curl", "--version"] },
	"python urllib": python("urllib.request", "print(urllib.request.urlopen(url).read().decode())"),
	"python requests": python("requests", "print(requests.get(url).text)"),
	"python httpx": python("httpx", "print(httpx.get(url).text)"),
	"node fetch": node("fetch(process.env.URL).then((r) => r.text()).then(console.log)"),
	"node http": node(
		"const { URL: url } = process.env; require(url.split(':')[0]).get(url, (r) => r.setEncoding('utf8').on('data', (text) => console.log(text)))",
	),
	ruby: {
		command: ["ruby", "-rnet/http", "-e", "puts Net::HTTP.get(URI(ENV['URL']))"],
		probe: ["ruby", "-rnet/http", "-e", ""],
	},
	go: { command: ["go", "run", "ask.go"], probe: ["go", "version"] },
	java: { command: ["java", "Ask.java"], probe: ["java", "-version"], byVariable: true },
};

const sources = {
	"ask.go": `package main
import ("fmt"; "io"; "net/http"; "os")
func main() {
	answer, err := http.Get(os.Getenv("URL"))
	if err != nil { panic(err) }
	body, _ := io.ReadAll(answer.Body)
	fmt.Println(string(body))
}`,
	"Ask.java": `import java.net.*;
public class Ask {
	public static void main(String[] args) throws Exception {
		try (var body = new URL(System.getenv("URL")).openStream()) { System.out.println(new String(body.readAllBytes())); }
	}
}`,
};

/** A shell script that puts a user into the proxy variables of its command. */
const NAMED = `for name in http_proxy https_proxy HTTP_PROXY HTTPS_PROXY; do
	export $name="http://worker%203%2F%C3%A9:x@\${FLOWTAPE_PROXY#http://}"
done
exec "$@"`;

for (const [name, { command, probe, byVariable = false }] of Object.entries(clients)) {
	const isMissing = spawnSync(probe[0] ?? "", probe.slice(1)).status !== 0;
	t.test(`${name} names its session`, { skip: isMissing && `there is no ${name} here` }, async (t) => {
		const cwd = t.testdir(sources);
		mkdirSync(join(cwd, "cache"));
		for (const scheme of ["http", "https"] as const) {
			const port = scheme === "http" ? 80 : 443;
			const request = { scheme, host: "shop.example", port, path: "/", headers: [["Host", "shop.example"]] } as const;
			const recorded = (session: string | null, body: string) => httpFlow({ session, request, response: { body } });
			await writeTape(join(cwd, `${scheme}.tape`), [recorded(null, "nobody's"), recorded("worker 3/é", "its own")]);
			const words = byVariable ? command : ["sh", "-c", NAMED, "sh", ...command];
			const result = await flowtape(["replay-server", `${scheme}.tape`, "-o", `${scheme}.jsonl`, "--", ...words], {
				cwd,
				env: {
					URL: `${scheme}://shop.example/`,
					GOCACHE: join(cwd, "cache"),
					...(byVariable && { FLOWTAPE_SESSION: "worker 3/é" }),
				},
			});
			t.match(result, { status: 0, out: /^its own\n?$/ }, scheme);
			t.strictSame(
				(await readTape(join(cwd, `${scheme}.jsonl`))).flows.map(({ session }) => session),
				["worker 3/é"],
			);
		}
	});
}
