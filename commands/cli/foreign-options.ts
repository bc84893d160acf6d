// The options and commands of other tools, and what each means for flowtape.

/** The meaning of the words that were read. */
export class ParsedLine {
	command: string | null = null;
	/** Arguments of the command, in order. */
	readonly args: string[] = [];
	/** Stored flows to read. */
	readonly inputs: string[] = [];
	/** Tapes that answer, and tapes whose requests are sent. */
	readonly serverTapes: string[] = [];
	readonly clientTapes: string[] = [];
	readonly filters: string[] = [];
	/** Options: a flag, and its value if it has one. */
	options: (readonly string[])[] = [];
	readonly notes: string[] = [];
	output: string | null = null;
	/** mitmproxy's flow_detail. */
	detail: number | null = null;
	/** The word that turns the proxy off; null: there is none. */
	noServer: string | null = null;
	/** Foreign words, in order. */
	readonly foreignWords: string[] = [];

	add(...option: string[]): void {
		this.options.push(option);
	}

	/** Adds a note about a word without a counterpart. */
	leaveOut(word: string, reason: string): void {
		this.notes.push(`${word} is left out: ${reason}`);
	}
}

type Effect = (line: ParsedLine, value: string) => void;

interface ForeignOption {
	readonly takesValue: boolean;
	readonly effect: Effect;
}

const flag = (effect: Effect): ForeignOption => ({ takesValue: false, effect });
const value = (effect: Effect): ForeignOption => ({ takesValue: true, effect });
/** A foreign option that corresponds to an option of flowtape with the same value. */
const renamedTo = (name: string): ForeignOption => value((line, text) => line.add(name, text));
/** A rule of mitmproxy, or a header field of curl: `Name: value` sets it in requests, `Name:` removes it. */
const header = value((line, text) => {
	const [, name, content = ""] = /^([\w!#$%&'*+.^`~-]+):\s*(.*)$/.exec(text) ?? [];
	const separator = ["/", "|", "#", "%"].find((each) => !`${name}${content}`.includes(each)) ?? "/";
	line.add("--modify-headers", name === undefined ? text : ["", "~q", name, content].join(separator));
});
const replacedBy = (...flags: string[]): ForeignOption => flag((line) => line.add(...flags));
const ignored = flag(() => {});
const input = value((line, text) => line.inputs.push(text));
const output = value((line, text) => {
	line.output = text.replace(/^\+/, "");
	if (/%[A-Za-z]/.test(text))
		line.notes.push(`${text}: % is kept as it is, because flowtape does not put the time into file names`);
});
const noServer =
	(word: string): Effect =>
	(line) => {
		line.noServer = word;
	};
const leftOut =
	(word: string, reason: string): Effect =>
	(line) =>
		line.leaveOut(word, reason);
/** A boolean of mitmproxy after `--set`. */
const boolean =
	(on: Effect, off: Effect = () => {}): Effect =>
	(line, text) =>
		(text === "false" ? off : on)(line, text);
const showHost = leftOut("showhost", "URLs always have the name that the client asked for");
const keepServing = leftOut("keepserving", "proxy commands run until Ctrl-C, other commands until they are done");
const tcp = (line: ParsedLine) => line.add("--record-tcp");
const noTcp = leftOut("rawtcp=false", "other protocols than HTTP pass through tunnels unrecorded");
const verbosity: Effect = (line, text) => {
	if (text === "debug") line.add("-v");
	else if (text !== "info") line.leaveOut(`termlog_verbosity=${text}`, "-q prints less");
};
const serverReplay = value((line, text) => line.serverTapes.push(text));
const clientReplay = value((line, text) => line.clientTapes.push(text));
const detail = value((line, text) => {
	line.detail = Number(text);
});
const filter = value((line, text) => line.filters.push(text));
const mode = (kind: string): ForeignOption => value((line, text) => line.add("--mode", `${kind}:${text}`));
const recordMode = value((line, text) => line.add("--record-mode", recordModes[text] ?? text));
const unsupported = (name: string, reason: string): ForeignOption =>
	value((line, text) => line.leaveOut(`${name} ${text}`, reason));

/** Options of other tools: mitmproxy, Hoverfly, WireMock, GoReplay, Playwright, pytest's plugins, nock. */
export const foreignOptions: Readonly<Record<string, ForeignOption>> = {
	"-w": output,
	"--save-stream-file": output,
	"--wfile": output,
	"-r": input,
	"--rfile": input,
	"--read-flows": input,
	"-C": clientReplay,
	"--client-replay": clientReplay,
	"-S": serverReplay,
	"--server-replay": serverReplay,
	"-n": flag(noServer("-n")),
	"--no-server": flag(noServer("--no-server")),
	"--server": ignored,
	"-H": header,
	"-B": renamedTo("--modify-body"),
	"-M": renamedTo("--map-remote"),
	"--setheader": header,
	"--header": header,
	"--replace": renamedTo("--modify-body"),
	"-d": flag((line) => {
		line.detail = 2;
	}),
	"--flow-detail": detail,
	"--view-filter": filter,
	"--readfile-filter": filter,
	"--dumper-filter": filter,
	"--confdir": renamedTo("--ca"),
	"--hardump": output,
	"--showhost": flag(showHost),
	"--no-showhost": ignored,
	"--keepserving": flag(keepServing),
	"--no-keepserving": ignored,
	"--termlog-verbosity": value(verbosity),
	"--rawtcp": flag(tcp),
	"--no-rawtcp": flag(noTcp),
	"-e": flag(leftOut("-e", "errors are always printed")),
	"--kill": replacedBy("--extra", "kill"),
	"--norefresh": replacedBy("--no-refresh"),
	"--no-pop": replacedBy("--reuse"),
	"--nopop": replacedBy("--reuse"),
	"-b": renamedTo("--listen-host"),
	"-U": mode("upstream"),
	"-R": mode("reverse"),
	"--reverse": mode("reverse"),
	"--socks": replacedBy("--mode", "socks5"),
	"--web-port": unsupported("--web-port", "flowtape has no web interface"),
	"--port": renamedTo("--listen-port"),
	"-pp": renamedTo("--listen-port"),
	"--http-port": renamedTo("--listen-port"),
	"--proxy-port": renamedTo("--listen-port"),
	"--https-port": unsupported("--https-port", "the same port serves HTTP and HTTPS"),
	"--host": renamedTo("--listen-host"),
	"--bind": renamedTo("--listen-host"),
	"--bind-address": renamedTo("--listen-host"),
	"-listen-on-host": renamedTo("--listen-host"),
	"--proxy-all": mode("reverse"),
	"--upstream-proxy": mode("upstream"),
	"-upstream-proxy": mode("upstream"),
	"--insecure": replacedBy("--ssl-insecure"),
	"--record-mappings": ignored,
	"-capture": ignored,
	"-spy": replacedBy("--extra", "forward"),
	"-import": serverReplay,
	"-export": output,
	"-dest": value((line, text) => line.filters.push(`~d ${text}`)),
	"--ignore-query": replacedBy("--ignore-params", "*"),
	"--ignore-query-params": renamedTo("--ignore-params"),
	"--ignore-query-param": renamedTo("--ignore-params"),
	"--ignore-request-body": replacedBy("--ignore-content"),
	"--input-file": input,
	"--output-file": output,
	"--output-http": renamedTo("--to"),
	"--target": renamedTo("--to"),
	"--save-har": output,
	"--har": output,
	"--cassette": value((line, text) => line.args.push(text)),
	"--record": replacedBy("--record-mode", "all"),
	"--update": replacedBy("--record-mode", "all"),
	"--replay": replacedBy("--record-mode", "none"),
	"--offline": replacedBy("--record-mode", "none"),
	"--lockdown": replacedBy("--record-mode", "none"),
	"--block-network": replacedBy("--record-mode", "none"),
	"--vcr-record": recordMode,
	"--vcr-record-mode": recordMode,
};

/** Record modes of other tools. */
export const recordModes: Readonly<Record<string, string>> = {
	new_episodes: "new-episodes",
	rewrite: "all",
	update: "all",
	record: "all",
	recordIfMissing: "once",
	replay: "none",
	lockdown: "none",
};

/** Names after `--set` that are not options of flowtape. */
export const settings: Readonly<Record<string, Effect>> = {
	flow_detail: detail.effect,
	hardump: output.effect,
	save_stream_file: output.effect,
	rfile: input.effect,
	client_replay: clientReplay.effect,
	confdir: (line, text) => line.add("--ca", text),
	view_filter: filter.effect,
	readfile_filter: filter.effect,
	dumper_filter: filter.effect,
	keepserving: boolean(keepServing),
	showhost: boolean(showHost),
	termlog_verbosity: verbosity,
	rawtcp: boolean(tcp, noTcp),
	server: boolean(() => {}, noServer("server=false")),
};

/** Options of flowtape whose values can be foreign. They are read as flags after `--set`, too. */
export const readAsFlags = new Set(["mode", "scripts", "server_replay", "server_replay_kill_extra", "record_mode"]);

/** Commands of other tools. */
export const subcommands: Readonly<Record<string, readonly [command: string, ...flags: string[]]>> = {
	rec: ["record"],
	capture: ["record"],
	proxy: ["record"],
	replay: ["replay-server"],
	play: ["replay-server"],
	playback: ["replay-server"],
	serve: ["replay-server"],
	server: ["replay-server"],
	mock: ["replay-server"],
	simulate: ["replay-server"],
	spy: ["replay-server", "--extra", "forward"],
	resend: ["replay-client"],
	exec: ["run"],
	redact: ["rewrite", "--redact"],
	scrub: ["rewrite", "--redact"],
	sanitize: ["rewrite", "--redact"],
	edit: ["rewrite"],
	dump: ["show"],
	print: ["show"],
	cat: ["show"],
	inspect: ["show"],
	list: ["filter"],
	ls: ["filter"],
	grep: ["filter"],
	search: ["filter"],
	query: ["filter"],
	compare: ["diff"],
	summary: ["stats"],
	info: ["stats"],
	import: ["convert"],
};

/** Programs whose whole command line may follow `flowtape`. */
export const programs = new Set(["mitmdump", "mitmproxy", "mitmweb", "hoverfly"]);
