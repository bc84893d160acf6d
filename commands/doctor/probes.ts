// For each runtime, a short program that fetches a URL in the usual way.

export interface Probe {
	/** Its name in the report. */
	readonly name: string;
	readonly program: string;
	/** The contents of files that it needs, by name. */
	readonly files?: Readonly<Record<string, (url: string) => string>>;
	/** How requests to loopback addresses can use the proxy, for a runtime that connects to these directly. */
	readonly onLoopback?: string;
	/** The program's arguments. `folder` holds its files. */
	args(url: string, folder: string): readonly string[];
}

/** Names clients that skip the proxy, always or for loopback addresses. Ends the message that no request arrived. */
export const LOOPBACK_HINT =
	"Go, Ruby and Chromium under Playwright connect to localhost directly, and PHP streams ignore the proxy: docs/languages.md says how to change that";

/** The exit status of a probe if its library is not installed. */
export const NOT_INSTALLED = 86;

const node = (name: string, script: (url: string) => string): Probe => ({
	name,
	program: "node",
	args: (url) => ["-e", script(JSON.stringify(url))],
});
const python = (name: string, module: string, use: (url: string) => string): Probe => ({
	name,
	program: "python3",
	args: (url) => [
		"-c",
		`import sys\ntry:\n import ${module}\nexcept ImportError:\n sys.exit(${NOT_INSTALLED})\n${use(JSON.stringify(url))}`,
	],
});

export const probes: readonly Probe[] = [
	{ name: "curl", program: "curl", args: (url) => ["-sS", "-o", "-", url] },
	{ name: "wget", program: "wget", args: (url) => ["-q", "-O", "-", "--tries=1", url] },
	{ name: "git", program: "git", args: (url) => ["ls-remote", url] },
	node("Node.js fetch", (url) => `fetch(${url}).then((r) => r.text())`),
	node("Node.js https", (url) => `require("https").get(${url}, (r) => r.resume())`),
	python("Python urllib", "urllib.request", (url) => `urllib.request.urlopen(${url}).read()`),
	python("Python requests", "requests", (url) => `requests.get(${url})`),
	python("Python httpx", "httpx", (url) => `httpx.get(${url})`),
	{
		name: "Ruby",
		program: "ruby",
		onLoopback: "pass the proxy to Net::HTTP.new",
		args: (url) => ["-ropen-uri", "-e", `URI.open(${JSON.stringify(url)}).read`],
	},
	{
		name: "Perl LWP",
		program: "perl",
		args: (url) => [
			"-e",
			`eval { require LWP::UserAgent } or exit ${NOT_INSTALLED}; my $u = LWP::UserAgent->new; $u->env_proxy; $u->get('${url}')`,
		],
	},
	{
		name: "PHP curl",
		program: "php",
		args: (url) => [
			"-r",
			`if (!function_exists("curl_init")) exit(${NOT_INSTALLED}); curl_exec(curl_init(${JSON.stringify(url)}));`,
		],
	},
	{ name: "PHP streams", program: "php", args: (url) => ["-r", `file_get_contents(${JSON.stringify(url)});`] },
	{
		name: "Go",
		program: "go",
		onLoopback: "set Proxy of http.Transport to http.ProxyURL, or give the server a name in /etc/hosts",
		files: {
			"main.go": (url) => `package main\n\nimport "net/http"\n\nfunc main() { http.Get(${JSON.stringify(url)}) }\n`,
		},
		args: (_url, folder) => ["run", `${folder}/main.go`],
	},
	{
		name: "Java",
		program: "java",
		files: {
			"Probe.java": (url) =>
				`class Probe { public static void main(String[] a) throws Exception { java.net.URI.create(${JSON.stringify(url)}).toURL().openStream().readAllBytes(); } }\n`,
		},
		args: (_url, folder) => [`${folder}/Probe.java`],
	},
	{ name: "Deno", program: "deno", args: (url) => ["eval", `await (await fetch(${JSON.stringify(url)})).text()`] },
	{ name: "Bun", program: "bun", args: (url) => ["-e", `await (await fetch(${JSON.stringify(url)})).text()`] },
];
