// How each runtime is asked to fetch a URL: the shortest program of it that does, by its usual means.

export interface Probe {
	/** What it is called in the report. */
	readonly name: string;
	readonly program: string;
	/** Files that it needs, by name. */
	readonly files?: Readonly<Record<string, (url: string) => string>>;
	/** What stands behind the program; `folder`: where its files are. */
	args(url: string, folder: string): readonly string[];
}

/** The exit status by which a probe says that a library of it is not installed. */
export const NOT_INSTALLED = 86;

const node = (name: string, script: (url: string) => string): Probe => ({ name, program: "node", args: (url) => ["-e", script(JSON.stringify(url))] });
const python = (name: string, module: string, use: (url: string) => string): Probe => ({
	name,
	program: "python3",
	args: (url) => ["-c", `import sys\ntry:\n import ${module}\nexcept ImportError:\n sys.exit(${NOT_INSTALLED})\n${use(JSON.stringify(url))}`],
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
	{ name: "Ruby", program: "ruby", args: (url) => ["-ropen-uri", "-e", `URI.open(${JSON.stringify(url)}).read`] },
	{
		name: "Perl LWP",
		program: "perl",
		args: (url) => ["-e", `eval { require LWP::UserAgent } or exit ${NOT_INSTALLED}; my $u = LWP::UserAgent->new; $u->env_proxy; $u->get('${url}')`],
	},
	{ name: "PHP", program: "php", args: (url) => ["-r", `file_get_contents(${JSON.stringify(url)});`] },
	{
		name: "Go",
		program: "go",
		files: { "main.go": (url) => `package main\n\nimport "net/http"\n\nfunc main() { http.Get(${JSON.stringify(url)}) }\n` },
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
